// Sizes. Activations are NHWC: a struct shape is one sample; the batch dimension stays outside.
#ifndef THAW_BASE_SHAPE_H
#define THAW_BASE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One sample: [h][w][c], c fastest. A vector of n numbers is 1 x 1 x n.
struct shape {
    int h, w, c;
};

size_t shape_count(struct shape s);
bool shape_equal(struct shape a, struct shape b);

// Writes "16x28x28" (channels first, as PyTorch prints it) or "10" for a vector; returns `text`.
const char *shape_text(struct shape s, char text[32]);

// The dimensions of a parameter, in PyTorch's order.
enum { DIMS_MAX = 4 };
struct dims {
    int rank; // 0 for a scalar
    int64_t size[DIMS_MAX];
};

size_t dims_count(struct dims d); // 1 for a scalar
bool dims_equal(struct dims a, struct dims b);
const char *dims_text(struct dims d, char text[96]); // "[64, 3, 7, 7]"; "[]" for a scalar

#endif
