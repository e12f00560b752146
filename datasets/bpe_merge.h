// Merging pairs of pieces: n log n in a word's bytes, whatever the merges are.
#ifndef THAW_DATASETS_BPE_MERGE_H
#define THAW_DATASETS_BPE_MERGE_H

#include "datasets/tokenizer.h"

// The pairs of ids that merge: a hash table with open addresses.
struct bpe_pair {
    int left, right;
    int rank, id; // the earlier, the sooner; what they become. id -1: an empty place
};
struct bpe_pairs {
    struct bpe_pair *pair;
    size_t mask;
};

void bpe_pairs_open(struct bpe_pairs *p, size_t count); // room for so many
void bpe_pairs_close(struct bpe_pairs *p);
void bpe_pairs_add(struct bpe_pairs *p, struct bpe_pair pair); // of equal pairs the last one counts
const struct bpe_pair *bpe_pairs_find(const struct bpe_pairs *p, int left, int right); // or NULL

// Merges the `count` (1 or more) ids of a word in place, as GPT-2 does: time and again all
// occurrences, from left to right, of the pair with the lowest rank. Returns how many remain.
int bpe_merge(const struct bpe_pairs *p, int *id, int count);

#endif
