// Inverted dropout of a sample's elements: with probability p an element becomes 0, otherwise it is
// divided by 1 - p. Element i is kept when draw i of counter (sample, step) is at least p; whoever
// needs the mask again draws again, so none is stored.
#ifndef THAW_OPS_DROPS_H
#define THAW_OPS_DROPS_H

#include "base/random.h"
#include "ops/op.h"

struct drops {
    struct random_key key;
    uint32_t step;
    int32_t lowest; // a draw of 24 bits is kept from here on
    float factor;
};

struct drops drops_of(const struct op_mode *mode, float p);

// Rows of elements begin at multiples of this.
enum { DROPS_BLOCK = 64 };

// to[i] (= or +=) from[i] * mask[at + i] for i < count; `at` is a multiple of DROPS_BLOCK, below
// 2^34. In place is fine.
void drops_apply(const struct drops *d, uint32_t sample, uint64_t at, size_t count,
                 const float *from, float *to, bool add);

#endif
