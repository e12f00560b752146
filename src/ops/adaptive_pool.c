// Means over windows that cut the input into a given number of rows and columns, as PyTorch's
// adaptive_avg_pool2d: along a side, output i of o covers the inputs floor(i * n / o) up to
// ceil((i + 1) * n / o). Windows overlap where o does not divide n, also where o is larger than n.
#include "ops/op.h"
#include <string.h>

static bool adaptive_pool_infer(const union op_attr *attr, const struct shape *in,
                                struct shape *out, struct error *error) {
    if (attr->adaptive.h < 1 || attr->adaptive.w < 1)
        return error_set(error, "adaptive_pool: an output of %dx%d; each must be at least 1",
                         attr->adaptive.h, attr->adaptive.w);
    *out = (struct shape){attr->adaptive.h, attr->adaptive.w, in[0].c};
    return true;
}

struct adaptive_window {
    int top, bottom, left, right;
};

static int adaptive_first(int i, int n, int o) {
    return (int)((int64_t)i * n / o);
}

static int adaptive_end(int i, int n, int o) {
    return (int)(((int64_t)(i + 1) * n + o - 1) / o);
}

static struct adaptive_window adaptive_window_at(struct shape in, struct shape out, int y, int x) {
    return (struct adaptive_window){adaptive_first(y, in.h, out.h), adaptive_end(y, in.h, out.h),
                                    adaptive_first(x, in.w, out.w), adaptive_end(x, in.w, out.w)};
}

static float adaptive_area(const struct adaptive_window *w) {
    return (float)((w->bottom - w->top) * (w->right - w->left));
}

// One output pixel; x: the sample, y: [c]
static void adaptive_take(const struct adaptive_window *window, struct shape in, const float *x,
                          float *y) {
    const float area = adaptive_area(window);
    memset(y, 0, (size_t)in.c * sizeof *y);
    for (int h = window->top; h < window->bottom; h++)
        for (int w = window->left; w < window->right; w++) {
            const float *from = x + ((size_t)h * in.w + w) * in.c;
            for (int c = 0; c < in.c; c++)
                y[c] += from[c];
        }
    for (int c = 0; c < in.c; c++)
        y[c] /= area;
}

// The gradient of one output pixel goes to all pixels under its window.
static void adaptive_spread(const struct adaptive_window *window, struct shape in, const float *dy,
                            float *dx) {
    const float area = adaptive_area(window);
    for (int h = window->top; h < window->bottom; h++)
        for (int w = window->left; w < window->right; w++) {
            float *to = dx + ((size_t)h * in.w + w) * in.c;
            for (int c = 0; c < in.c; c++)
                to[c] += dy[c] / area;
        }
}

static void adaptive_pool_forward_samples(const struct op_call *call, int piece, int first,
                                          int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    float *y = call->out + first * shape_count(out);
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, y += out.c) {
                struct adaptive_window window = adaptive_window_at(in, out, h, w);
                adaptive_take(&window, in, call->in[0] + i * shape_count(in), y);
            }
}

static void adaptive_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), adaptive_pool_forward_samples);
}

static void adaptive_pool_backward_samples(const struct op_call *call, int piece, int first,
                                           int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    const float *dy = call->dout + first * shape_count(out);
    for (int i = first; i < first + count; i++) {
        float *dx = call->din[0].to + i * shape_count(in);
        if (!call->din[0].add)
            memset(dx, 0, shape_count(in) * sizeof *dx);
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, dy += out.c) {
                struct adaptive_window window = adaptive_window_at(in, out, h, w);
                adaptive_spread(&window, in, dy, dx);
            }
    }
}

static void adaptive_pool_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), adaptive_pool_backward_samples);
}

// Windows overlap little: counted as if each input were read once, each output written once.
static struct op_flops adaptive_pool_flops(const union op_attr *attr, const struct shape *in,
                                           struct shape out) {
    (void)attr;
    double read = (double)shape_count(in[0]), written = (double)shape_count(out);
    double work = read > written ? read : written;
    return (struct op_flops){.forward = work, .data = work};
}

const struct operation op_adaptive_pool = {
    .name = "adaptive_pool",
    .inputs = 1,
    .pure = true,
    .infer = adaptive_pool_infer,
    .forward = adaptive_pool_forward,
    .backward = adaptive_pool_backward,
    .flops = adaptive_pool_flops,
};
