// The mean over height and width: a vector of channels.
#include "base/kernels.h"
#include "ops/op.h"

static bool global_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                              struct error *error) {
    (void)attr, (void)error;
    *out = (struct shape){1, 1, in[0].c};
    return true;
}

static void global_pool_forward_samples(const struct op_call *call, int piece, int first,
                                        int count) {
    (void)piece;
    struct shape in = call->in_shape[0];
    size_t pixels = (size_t)in.h * in.w;
    for (int i = first; i < first + count; i++) {
        float *y = call->out + (size_t)i * in.c;
        kernels()->channel_sums(pixels, in.c, call->in[0] + i * shape_count(in), NULL, y, NULL);
        for (int c = 0; c < in.c; c++)
            y[c] /= (float)pixels;
    }
}

static void global_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), global_pool_forward_samples);
}

// One pixel; dx, dy: [c]
static void global_pool_spread(int channels, const float *dy, float pixels, float *dx, bool add) {
    for (int c = 0; c < channels; c++)
        dx[c] = (add ? dx[c] : 0) + dy[c] / pixels;
}

static void global_pool_backward_samples(const struct op_call *call, int piece, int first,
                                         int count) {
    (void)piece;
    struct shape in = call->in_shape[0];
    size_t pixels = (size_t)in.h * in.w;
    struct op_grad din = call->din[0];
    for (int i = first; i < first + count; i++)
        for (size_t p = 0; p < pixels; p++)
            global_pool_spread(in.c, call->dout + (size_t)i * in.c, (float)pixels,
                               din.to + (i * pixels + p) * in.c, din.add);
}

static void global_pool_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), global_pool_backward_samples);
}

static struct op_flops global_pool_flops(const union op_attr *attr, const struct shape *in,
                                         struct shape out) {
    (void)attr, (void)out;
    double count = (double)shape_count(in[0]);
    return (struct op_flops){.forward = count, .data = count};
}

const struct operation op_global_pool = {
    .name = "global_pool",
    .inputs = 1,
    .pure = true,
    .infer = global_pool_infer,
    .forward = global_pool_forward,
    .backward = global_pool_backward,
    .flops = global_pool_flops,
};
