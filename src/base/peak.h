// How fast this machine multiplies: what the speed of real layers is held against.
#ifndef THAW_BASE_PEAK_H
#define THAW_BASE_PEAK_H

#include "base/pool.h"

// Floating-point operations a second of all threads of the pool together, by the matrix kernel on
// operands that stay in the innermost cache: the best of some short runs, a few hundredths of a
// second in all. A multiply-add counts as two.
double peak_flops(struct pool *pool);

#endif
