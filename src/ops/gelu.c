// GELU (Hendrycks and Gimpel, "Gaussian error linear units", 2016): x times the share of the normal
// distribution below x; or by the tanh that stands in for it in GPT-2.
#include "base/kernels.h"
#include "ops/op.h"

static bool gelu_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                       struct error *error) {
    (void)attr, (void)error;
    *out = in[0];
    return true;
}

static void gelu_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++)
        kernels()->gelu(op_floats(call, call->out_shape, i), call->in[0] + i * each,
                        call->attr->gelu.tanh, call->out + i * each);
}

static void gelu_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), gelu_forward_samples);
}

static unsigned gelu_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_IN : 0;
}

static void gelu_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++)
        kernels()->gelu_back(op_floats(call, call->out_shape, i), call->in[0] + i * each,
                             call->attr->gelu.tanh, call->dout + i * each,
                             call->din[0].to + i * each, call->din[0].add);
}

static void gelu_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), gelu_backward_samples);
}

// An exponential counts as one.
static struct op_flops gelu_flops(const union op_attr *attr, const struct shape *in,
                                  struct shape out) {
    (void)in;
    const double count = (double)shape_count(out), each = attr->gelu.tanh ? 10 : 26;
    return (struct op_flops){.forward = each * count, .data = (each + 4) * count};
}

const struct operation op_gelu = {
    .name = "gelu",
    .inputs = 1,
    .pure = true,
    .infer = gelu_infer,
    .forward = gelu_forward,
    .reads = gelu_reads,
    .backward = gelu_backward,
    .flops = gelu_flops,
};
