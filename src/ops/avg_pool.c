// The mean under a sliding window; padding counts as zeros (PyTorch's count_include_pad=True).
#include "ops/pool_window.h"
#include <string.h>

static bool avg_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                           struct error *error) {
    return pool_window_infer("avg_pool", attr, in[0], out, error);
}

static float avg_pool_area(const union op_attr *attr) {
    return (float)(attr->pool.kernel * attr->pool.kernel);
}

// One output pixel; x: the sample, y: [c]
static void avg_pool_pixel(const struct pool_window *window, struct shape in, float area,
                           const float *x, float *y) {
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

static void avg_pool_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    float *y = call->out + first * shape_count(out);
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, y += out.c) {
                struct pool_window window = pool_window_at(call->attr, in, h, w);
                avg_pool_pixel(&window, in, avg_pool_area(call->attr),
                               call->in[0] + i * shape_count(in), y);
            }
}

static void avg_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), avg_pool_forward_samples);
}

// The gradient of one output pixel goes to all real pixels under its window.
static void avg_pool_spread(const struct pool_window *window, struct shape in, float area,
                            const float *dy, float *dx) {
    for (int h = window->top; h < window->bottom; h++)
        for (int w = window->left; w < window->right; w++) {
            float *to = dx + ((size_t)h * in.w + w) * in.c;
            for (int c = 0; c < in.c; c++)
                to[c] += dy[c] / area;
        }
}

static void avg_pool_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    const float *dy = call->dout + first * shape_count(out);
    for (int i = first; i < first + count; i++) {
        float *dx = call->din[0].to + i * shape_count(in);
        if (!call->din[0].add)
            memset(dx, 0, shape_count(in) * sizeof *dx);
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, dy += out.c) {
                struct pool_window window = pool_window_at(call->attr, in, h, w);
                avg_pool_spread(&window, in, avg_pool_area(call->attr), dy, dx);
            }
    }
}

static void avg_pool_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), avg_pool_backward_samples);
}

static struct op_flops avg_pool_flops(const union op_attr *attr, const struct shape *in,
                                      struct shape out) {
    (void)in;
    double work = (double)shape_count(out) * attr->pool.kernel * attr->pool.kernel;
    return (struct op_flops){.forward = work, .data = work};
}

const struct operation op_avg_pool = {
    .name = "avg_pool",
    .inputs = 1,
    .pure = true,
    .infer = avg_pool_infer,
    .forward = avg_pool_forward,
    .backward = avg_pool_backward,
    .flops = avg_pool_flops,
};
