// Convolutions in which every channel is by itself: as many groups as input and output channels.
// The grouped product would fill one lane of a vector; here the vectors run along the channels.
#ifndef THAW_OPS_CONV2D_DEPTHWISE_H
#define THAW_OPS_CONV2D_DEPTHWISE_H

#include "ops/op.h"

bool conv2d_is_depthwise(const struct op_call *call);

// Nothing is packed or padded: every output is one sequential chain over the taps that lie inside.
void conv2d_depthwise_forward(const struct op_call *call);
void conv2d_depthwise_data(const struct op_call *call); // din[0]

// dparam[0]. The output rows of the batch are cut into a few ranges by shape alone; a range adds a
// chain for every run of pixels in a row to its partial sum, and these are added in order.
// `call->scratch` has that many floats:
size_t conv2d_depthwise_scratch(const struct op_call *call);
void conv2d_depthwise_weight(const struct op_call *call);

#endif
