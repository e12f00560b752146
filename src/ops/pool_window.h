// What the poolings share: the geometry of a square window that slides over a padded image, and
// means under windows.
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

// The window of output (y, x), and what its sum is divided by.
struct pool_mean {
    struct pool_window window;
    float area;
};
typedef struct pool_mean pool_mean_at(const struct op_call *call, int y, int x);

// Forward and backward of `count` samples from `first` on, of a mean under these windows.
void pool_mean_forward(const struct op_call *call, pool_mean_at *at, int first, int count);
void pool_mean_backward(const struct op_call *call, pool_mean_at *at, int first, int count);

#endif
