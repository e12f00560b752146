// A tensor as a vector. Memory stays in h, w, c order, where PyTorch has c, h, w: the columns of
// the linear weight behind it are laid out to match (LAYOUT_FLATTEN).
#include "ops/op.h"
#include <string.h>

static bool flatten_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                          struct error *error) {
    (void)attr, (void)error;
    *out = (struct shape){1, 1, (int)shape_count(in[0])};
    return true;
}

static void flatten_forward(const struct op_call *call) {
    size_t count = call->n * shape_count(call->out_shape);
    memcpy(call->out, call->in[0], count * sizeof *call->out);
}

static void flatten_backward(const struct op_call *call) {
    op_give(call->din[0], 0, call->n * shape_count(call->out_shape), call->dout);
}

static struct op_flops flatten_flops(const union op_attr *attr, const struct shape *in,
                                     struct shape out) {
    (void)attr, (void)in, (void)out;
    return (struct op_flops){0};
}

const struct operation op_flatten = {
    .name = "flatten",
    .inputs = 1,
    .pure = true,
    .infer = flatten_infer,
    .forward = flatten_forward,
    .backward = flatten_backward,
    .flops = flatten_flops,
};
