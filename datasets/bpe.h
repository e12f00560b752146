// Byte-level BPE as GPT-2's. Text is cut into words (with the space in front of them), numbers,
// runs of other characters and runs of space; within each, pairs of pieces are merged, the earliest
// of merges.txt first. In both files each byte is spelled as one printable character: a space as Ġ.
//
// Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and
// encoder.py published with it, whose pattern is
//     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#ifndef THAW_DATASETS_BPE_H
#define THAW_DATASETS_BPE_H

#include "datasets/tokenizer.h"

struct tokenizer *bpe_open(const char *vocabulary, const char *merges, struct error *error);

// The same for files in memory; errors begin with their names.
struct bpe_file {
    const char *data;
    size_t size;
    const char *name;
};
struct tokenizer *bpe_parse(const struct bpe_file *vocabulary, const struct bpe_file *merges,
                            struct error *error);

// The bytes that tokens stand for, one token's after another's: of the ids of a whole text, its
// very bytes. As tokenizer.decode.
char *bpe_decode(const struct tokenizer *t, const int *id, size_t count, size_t *size);

// The bytes of the text's first match of the pattern; size is above 0.
size_t bpe_word(const char *text, size_t size);

#endif
