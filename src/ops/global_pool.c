// The mean over height and width: a vector of channels.
#include "base/kernels.h"
#include "ops/op.h"

static bool global_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                              struct error *error) {
    (void)attr, (void)error;
    *out = (struct shape){1, 1, in[0].c};
    return true;
}

// Pixels summed in one chain: of more, blocks of so many are summed, or the sum would lose digits.
enum { BLOCK = 256 };

static size_t global_pool_pixels(const struct op_call *call) {
    return (size_t)call->in_shape[0].h * (size_t)call->in_shape[0].w;
}

// A block's sums, for each piece.
static size_t global_pool_scratch(const struct op_call *call, bool backward) {
    bool blocks = !backward && global_pool_pixels(call) > BLOCK;
    return blocks ? (size_t)op_pieces(call) * (size_t)call->in_shape[0].c : 0;
}

// x: [pixels][c]; y: [c]
static void global_pool_mean(size_t pixels, int channels, const float *x, float *block, float *y) {
    size_t first = pixels < BLOCK ? pixels : BLOCK, most = BLOCK;
    kernels()->channel_sums(first, channels, x, NULL, y, NULL);
    for (size_t at = first; at < pixels; at += most) {
        most = pixels - at < BLOCK ? pixels - at : BLOCK;
        kernels()->channel_sums(most, channels, x + at * (size_t)channels, NULL, block, NULL);
        for (int c = 0; c < channels; c++)
            y[c] += block[c];
    }
    for (int c = 0; c < channels; c++)
        y[c] /= (float)pixels;
}

static void global_pool_forward_samples(const struct op_call *call, int piece, int first,
                                        int count) {
    struct shape in = call->in_shape[0];
    size_t pixels = global_pool_pixels(call);
    float *block = pixels > BLOCK ? call->scratch + (ptrdiff_t)piece * in.c : NULL;
    for (int i = first; i < first + count; i++)
        global_pool_mean(pixels, in.c, call->in[0] + i * shape_count(in), block,
                         call->out + (size_t)i * in.c);
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
    size_t pixels = global_pool_pixels(call);
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
    .scratch = global_pool_scratch,
    .forward = global_pool_forward,
    .backward = global_pool_backward,
    .flops = global_pool_flops,
};
