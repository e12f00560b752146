// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A draw is a pure function of its key and counter, so that no pruning, resume
// or number of threads can shift it. Thread-safe: there is no state.
#ifndef THAW_BASE_RANDOM_H
#define THAW_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

// What a draw is for. Each use has a stream of its own, so that two uses never share numbers.
enum random_stream {
    RANDOM_INIT,    // (name hash, 0, element)
    RANDOM_SHUFFLE, // (epoch, 0, position)
    RANDOM_SPLIT,   // (class, 0, position); of groups, as part 1, (0, 0, position)
    RANDOM_AUGMENT, // (sample, view, draw)
    RANDOM_SHIFT,   // (sample, shift number, element)
    RANDOM_DROPOUT, // (sample, step, element), the node in the key
    RANDOM_PROBE,
    RANDOM_MASK, // (sample, view, draw): as part 0 the order of the tokens, as 1 what becomes of
                 // them
};

struct random_key {
    uint32_t word[2];
};

// The key of a stream under the experiment's seed; `part` tells apart users of one stream (a node).
struct random_key random_key(uint64_t seed, enum random_stream stream, uint32_t part);

// Four 32-bit words for counter (a, b, c, d).
void random_block(struct random_key key, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                  uint32_t out[4]);

// One word: draw number `index` of counter (a, b). The four words of a block serve four successive
// indices: block (a, b, lower, upper half of index / 4). Whoever needs many draws in a row takes
// whole blocks and gets the same words.
uint32_t random_word(struct random_key key, uint32_t a, uint32_t b, uint64_t index);

// A float in [0, 1): the upper 24 bits of random_word.
float random_uniform(struct random_key key, uint32_t a, uint32_t b, uint64_t index);

// A standard normal number (Box-Muller on two words of one block; index counts numbers).
float random_normal(struct random_key key, uint32_t a, uint32_t b, uint64_t index);

// The same for indices 0 .. count - 1 at once, several times as fast.
void random_normals(struct random_key key, uint32_t a, uint32_t b, size_t count, float *out);

// An integer in [0, bound), bound >= 1 (upper half of the 64-bit product of word and bound, no
// rejection: the bias is below bound / 2^32).
uint32_t random_below(struct random_key key, uint32_t a, uint32_t b, uint64_t index,
                      uint32_t bound);

// A permutation of 0..count-1 by Fisher-Yates over draws (a, b, 0..count-2).
void random_permutation(struct random_key key, uint32_t a, uint32_t b, int count, int *out);

#endif
