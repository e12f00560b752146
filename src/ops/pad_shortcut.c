// The parameter-free shortcut of CIFAR ResNets (He et al., "Deep residual learning", section 4.2,
// option A): every stride-th pixel, with zero channels in front and behind:
// F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, front, behind)), front = (out - c) / 2.
#include "ops/op.h"
#include <string.h>

static bool pad_shortcut_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                               struct error *error) {
    int channels = attr->pad_shortcut.out, stride = attr->pad_shortcut.stride;
    char text[32];
    if (channels < in[0].c)
        return error_set(error, "pad_shortcut: %d output channels are fewer than the input has: %s",
                         channels, shape_text(in[0], text));
    if (stride < 1)
        return error_set(error, "pad_shortcut: stride %d must be at least 1", stride);
    *out =
        (struct shape){(in[0].h + stride - 1) / stride, (in[0].w + stride - 1) / stride, channels};
    return true;
}

// Floats from the beginning of the input sample to the pixel that output pixel (h, w) takes.
static size_t pad_shortcut_from(const struct op_call *call, int h, int w) {
    struct shape in = call->in_shape[0];
    int stride = call->attr->pad_shortcut.stride;
    return ((size_t)h * stride * in.w + (size_t)w * stride) * in.c;
}

static void pad_shortcut_forward_samples(const struct op_call *call, int piece, int first,
                                         int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    float *y = call->out + first * shape_count(out);
    memset(y, 0, count * shape_count(out) * sizeof *y);
    y += (out.c - in.c) / 2;
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, y += out.c)
                memcpy(y, call->in[0] + i * shape_count(in) + pad_shortcut_from(call, h, w),
                       (size_t)in.c * sizeof *y);
}

static void pad_shortcut_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), pad_shortcut_forward_samples);
}

static void pad_shortcut_backward_samples(const struct op_call *call, int piece, int first,
                                          int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    size_t each = shape_count(in);
    struct op_grad din = call->din[0];
    const float *dy = call->dout + first * shape_count(out) + (out.c - in.c) / 2;
    if (!din.add)
        memset(din.to + first * each, 0, count * each * sizeof *din.to);
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, dy += out.c)
                op_give(din, i * each + pad_shortcut_from(call, h, w), (size_t)in.c, dy);
}

static void pad_shortcut_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), pad_shortcut_backward_samples);
}

static struct op_flops pad_shortcut_flops(const union op_attr *attr, const struct shape *in,
                                          struct shape out) {
    (void)attr, (void)in, (void)out;
    return (struct op_flops){0};
}

const struct operation op_pad_shortcut = {
    .name = "pad_shortcut",
    .inputs = 1,
    .pure = true,
    .infer = pad_shortcut_infer,
    .forward = pad_shortcut_forward,
    .backward = pad_shortcut_backward,
    .flops = pad_shortcut_flops,
};
