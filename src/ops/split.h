// Matrix products by the processor's tiles (kernels_split.h), where it has them: both sides are
// split once into blocks that all threads read, then threads take parts of the result.
//
// A number of the result is a sum in one order, whatever its row and column and the other rows are.
#ifndef THAW_OPS_SPLIT_H
#define THAW_OPS_SPLIT_H

#include "base/pool.h"
#include <stdbool.h>
#include <stddef.h>

// A side of a product: lines of contiguous floats. Line i begins at from + line[i] * stride, or,
// where `line` is NULL, at from + i * stride.
struct split_side {
    const float *from;
    const int *line;
    size_t stride;
    bool along; // lines lie along the depth, of which the sums are: each is a row of the left side
                // or a column of the right one; else there is a line for each of the depth
};

// to (= or +=) left right + bias. `bias` [columns] or NULL; row i of `to` as a line of it.
struct split {
    int rows, depth, columns;
    struct split_side left, right;
    float *to;
    const int *row;
    size_t stride;
    const float *bias; // not with `add`
    bool add;
};

// Whether this processor has tiles, and a layer of such sizes is large enough for them.
bool split_suits(int in, int out);

// Floats of scratch for products of at most these sizes.
size_t split_scratch(int rows, int depth, int columns);

// `scratch` is 64-byte aligned.
void split_multiply(const struct split *s, struct pool *pool, float *scratch);

#endif
