// Numbers between -1 and 1, the same ones for the same seed.
#ifndef THAW_TESTS_RANDOM_FLOATS_H
#define THAW_TESTS_RANDOM_FLOATS_H

#include "base/xalloc.h"
#include <stdint.h>

// The caller frees. Exactly as many as asked for, so that a sanitizer sees any float too far.
static inline float *random_floats(size_t count, uint32_t seed) {
    float *to = xmalloc(count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = (float)(seed >> 8) / (1 << 23) - 1;
    }
    return to;
}

#endif
