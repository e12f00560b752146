// min(max(0, x), most), or max(0, x) without a limit. Backward reads the output, so that the input
// need not be saved: as in PyTorch no gradient passes where the output is 0 or the limit.
#include "ops/op.h"
#include <math.h>

static bool relu_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                       struct error *error) {
    if (!(attr->relu.most >= 0))
        return error_set(error, "relu: a limit of %g; it must be above 0, or 0 for none",
                         (double)attr->relu.most);
    *out = in[0];
    return true;
}

float relu_limit(const union op_attr *attr) {
    return attr->relu.most > 0 ? attr->relu.most : INFINITY;
}

static float relu_most(const struct op_call *call) {
    return relu_limit(call->attr);
}

static void relu_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const int channels = call->out_shape.c;
    const size_t each = shape_count(call->out_shape), at = first * each;
    const struct kernel_tail tail = {.most = relu_most(call)};
    kernels()->finish(count * each / (size_t)channels, channels, (size_t)channels, call->in[0] + at,
                      &tail, call->out + at);
}

static void relu_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), relu_forward_samples);
}

static unsigned relu_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_OUT : 0;
}

static void relu_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    size_t each = shape_count(call->out_shape), at = first * each;
    kernels()->relu_back(count * each, call->out + at, relu_most(call), call->dout + at,
                         call->din[0].to + at, call->din[0].add);
}

static void relu_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), relu_backward_samples);
}

static struct op_flops relu_flops(const union op_attr *attr, const struct shape *in,
                                  struct shape out) {
    (void)attr, (void)in;
    double count = (double)shape_count(out);
    return (struct op_flops){.forward = count, .data = count};
}

const struct operation op_relu = {
    .name = "relu",
    .inputs = 1,
    .pure = true,
    .infer = relu_infer,
    .forward = relu_forward,
    .reads = relu_reads,
    .backward = relu_backward,
    .back = OP_BACK_IN_PLACE,
    .flops = relu_flops,
};
