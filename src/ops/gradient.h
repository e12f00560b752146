// The gradient of a parameter, which knows its rows: of an embedding's table only the tokens of a
// batch have one, and so only their rows are there, side by side, whatever the vocabulary's size.
// All others are zero. Nothing of it lasts: each backward writes all that is there.
//
// The operation says how many rows it can reach (operation.reached) and writes which (op_grad.row);
// the plan decides which parameters have such a gradient (plan.param_rows): none that another
// operation adds to, as the head does where it is tied to the embedding. Rows are whole vectors of
// kernels()->square_sum, so a sum over what is there has the bits of a sum over everything.
#ifndef THAW_OPS_GRADIENT_H
#define THAW_OPS_GRADIENT_H

#include <stdbool.h>
#include <stddef.h>

enum { GRADIENT_VECTOR = 16 }; // what the width of rows is a multiple of

struct gradient {
    const float *value; // all elements; with `row`, [rows][width]. NULL: not wanted
    const int *row;     // [rows], rising: which rows are there. NULL: all elements are
    int rows;
    size_t width; // elements of a row
};

// Elements first .. first + count - 1.
struct gradient_part {
    size_t first, count;
    const float *value; // [count]
};

// Finds the first elements from `first` up to `end` that are there: of one row, or all where there
// are no rows. False: none is.
bool gradient_next(const struct gradient *g, size_t first, size_t end, struct gradient_part *part);

// Elements first .. first + count - 1, zero where they are not there: in their place, or in
// `scratch` [count].
const float *gradient_all(const struct gradient *g, size_t first, size_t count, float *scratch);

// The sum of the squares of elements first .. first + count - 1, with the bits of
// kernels()->square_sum over all of them. `first` is a multiple of GRADIENT_VECTOR.
double gradient_square(const struct gradient *g, size_t first, size_t count);

#endif
