// The hyperbolic tangent of each element.
#include "ops/op.h"
#include <math.h>

static bool tanh_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                       struct error *error) {
    (void)attr, (void)error;
    *out = in[0];
    return true;
}

static void tanh_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const size_t each = shape_count(call->out_shape);
    for (int s = first; s < first + count; s++) {
        const float *x = call->in[0] + (size_t)s * each;
        float *y = call->out + (size_t)s * each;
        for (size_t i = 0; i < op_floats(call, call->out_shape, s); i++)
            y[i] = tanhf(x[i]);
    }
}

static void tanh_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), tanh_forward_samples);
}

static unsigned tanh_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_OUT : 0;
}

static void tanh_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const size_t each = shape_count(call->out_shape);
    const bool add = call->din[0].add;
    for (int s = first; s < first + count; s++) {
        const float *y = call->out + (size_t)s * each, *dy = call->dout + (size_t)s * each;
        float *dx = call->din[0].to + (size_t)s * each;
        for (size_t i = 0; i < op_floats(call, call->out_shape, s); i++)
            dx[i] = (add ? dx[i] : 0) + dy[i] * (1 - y[i] * y[i]);
    }
}

static void tanh_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), tanh_backward_samples);
}

// A tangent counts as one.
static struct op_flops tanh_flops(const union op_attr *attr, const struct shape *in,
                                  struct shape out) {
    (void)attr, (void)in;
    const double count = (double)shape_count(out);
    return (struct op_flops){.forward = count, .data = 3 * count};
}

const struct operation op_tanh = {
    .name = "tanh",
    .inputs = 1,
    .pure = true,
    .infer = tanh_infer,
    .forward = tanh_forward,
    .reads = tanh_reads,
    .backward = tanh_backward,
    .flops = tanh_flops,
};
