// Inverted dropout (drops.h); the identity when mode.drop is off.
#include "ops/drops.h"
#include "ops/op.h"

static bool dropout_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                          struct error *error) {
    float p = attr->dropout.p;
    if (!(p >= 0 && p <= 1))
        return error_set(error, "dropout: p is %g, but a probability lies between 0 and 1",
                         (double)p);
    *out = in[0];
    return true;
}

// Samples first .. first + count - 1: to (= or +=) from * mask.
static void dropout_samples(const struct op_call *call, int first, int count, const float *from,
                            float *to, bool add) {
    struct drops d = drops_of(&call->mode, call->attr->dropout.p);
    size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++) {
        size_t floats = op_floats(call, call->out_shape, i);
        if (call->mode.drop)
            drops_apply(&d, call->sample[i], 0, floats, from + i * each, to + i * each, add);
        else
            op_give((struct op_grad){to, add}, i * each, floats, from + i * each);
    }
}

static void dropout_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    dropout_samples(call, first, count, call->in[0], call->out, false);
}

static void dropout_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), dropout_forward_samples);
}

static void dropout_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    dropout_samples(call, first, count, call->dout, call->din[0].to, call->din[0].add);
}

static void dropout_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), dropout_backward_samples);
}

static float dropout_drops(const union op_attr *attr) {
    return attr->dropout.p;
}

static struct op_flops dropout_flops(const union op_attr *attr, const struct shape *in,
                                     struct shape out) {
    (void)attr, (void)in;
    double count = (double)shape_count(out);
    return (struct op_flops){.forward = count, .data = count};
}

const struct operation op_dropout = {
    .name = "dropout",
    .inputs = 1,
    .pure = true,
    .drops = dropout_drops,
    .infer = dropout_infer,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .flops = dropout_flops,
};
