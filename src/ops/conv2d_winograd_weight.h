// The gradient of a convolution's weights by Winograd's F(4x4, 3x3), the transpose of the forward
// pass: dW = G' (sum over tiles of (B' d B) . (A dy A')) G.
//
// The sum over the batch's tiles is cut by shape alone: small weights into a few ranges of tiles,
// whose sums are added in order; for large ones a piece is a block of input and output channels,
// whose sums stay in cache, and goes through all tiles, or all of a round when they are many.
// Either way a sum grows by one short chain of multiply-adds at a time.
#ifndef THAW_OPS_CONV2D_WINOGRAD_WEIGHT_H
#define THAW_OPS_CONV2D_WINOGRAD_WEIGHT_H

#include "ops/op.h"

// dparam[0] of `call`, whose scratch has conv2d_winograd_weight_scratch() floats.
void conv2d_winograd_weight(const struct op_call *call);
size_t conv2d_winograd_weight_scratch(const struct op_call *call);

#endif
