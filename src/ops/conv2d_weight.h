// The gradient of a convolution's weights.
//
// The batch's output rows are cut into a few ranges by shape alone. Each range has a partial sum,
// to which it adds one chain of multiply-adds for every few hundred pixels, in order; the partial
// sums are added in order. Large weights get fewer ranges, or one, which is the gradient itself,
// and are cut by input and output channels, so that a block of the sums and of both matrices,
// packed, stay in cache together; the narrow inputs of stems are read where they are, without
// packing.
#ifndef THAW_OPS_CONV2D_WEIGHT_H
#define THAW_OPS_CONV2D_WEIGHT_H

#include "ops/conv2d_image.h"
#include "ops/op.h"

// Floats of scratch.
size_t conv2d_weight_scratch(const struct op_call *call, const struct conv2d_image *image);

// dparam[0] of `call`; `image` is its padded input, `scratch` has conv2d_weight_scratch() floats.
void conv2d_weight(const struct op_call *call, const struct conv2d_image *image, float *scratch);

#endif
