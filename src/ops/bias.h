// The gradient of a bias: the sum of dout over samples and pixels, in float over blocks of rows,
// and those in double, all in one order.
#ifndef THAW_OPS_BIAS_H
#define THAW_OPS_BIAS_H

#include "ops/op.h"

// Floats of scratch.
size_t bias_scratch(const struct op_call *call);

// `grad` [out_shape.c] from dout; `scratch` has bias_scratch() floats and is 8-byte aligned.
void bias_gradient(const struct op_call *call, struct op_grad grad, float *scratch);

#endif
