// The gathered product of kernels.h for sums of any length. A single chain of multiply-adds over
// thousands of products loses digits (its error grows with the length, not its root), so long sums
// are cut into short chains, which are added in order. Where they are cut follows from the sizes of
// the sum alone: the bits of an output still depend on nothing but its inputs.
#ifndef THAW_OPS_CHAINS_H
#define THAW_OPS_CHAINS_H

#include "base/kernels.h"

// Arguments and result as kernels()->gather. No taps at all set `out` to 0, or leave it with `add`.
void chains_gather(int count, const float *const *a, float *const *out, int columns,
                   const struct kernel_tap *taps, int tap_count, int depth, const float *b,
                   bool add, const struct kernel_tail *tail, const float *next);

#endif
