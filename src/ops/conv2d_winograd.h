// Convolution with 3x3 weights and stride 1 by Winograd's minimal filtering, F(4x4, 3x3): 36
// products in place of 144. The forward pass, and the gradient of the input, which is the same with
// the weights turned round; the gradient of the weights is in conv2d_winograd_weight.h.
//
// A chunk of tiles is transformed, multiplied and transformed back while it stays in cache. Each
// output is the same function of its own tile: its bits depend neither on the other tiles of the
// chunk nor on the batch or the threads. Its error is about twice that of the direct kernel (root
// mean square; kernels_winograd.h).
#ifndef THAW_OPS_CONV2D_WINOGRAD_H
#define THAW_OPS_CONV2D_WINOGRAD_H

#include "ops/op.h"

// Whether a convolution goes this way: by its geometry and mode alone.
bool conv2d_is_winograd(const struct op_call *call);

// The forward pass; the gradient of the input (din[0]).
void conv2d_winograd_forward(const struct op_call *call);
void conv2d_winograd_data(const struct op_call *call);

// Floats of scratch for either.
size_t conv2d_winograd_forward_scratch(const struct op_call *call);
size_t conv2d_winograd_data_scratch(const struct op_call *call);

#endif
