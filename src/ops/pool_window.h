// The geometry that max_pool and avg_pool share: a square window that slides over a padded image.
#ifndef THAW_OPS_POOL_WINDOW_H
#define THAW_OPS_POOL_WINDOW_H

#include "ops/op.h"

// Output shape, rounded down as PyTorch does (ceil_mode false): (size + 2 pad - kernel) / stride
// + 1. Refuses, in the name of operation `name`, a window larger than the padded input, and padding
// of more than half a window (as PyTorch), so that every window covers a real pixel.
bool pool_window_infer(const char *name, const union op_attr *attr, struct shape in,
                       struct shape *out, struct error *error);

// The real pixels under the window of output (y, x): rows top .. bottom - 1, columns
// left .. right - 1.
struct pool_window {
    int top, bottom, left, right;
};
struct pool_window pool_window_at(const union op_attr *attr, struct shape in, int y, int x);

#endif
