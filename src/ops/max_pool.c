// The largest value under a sliding window; padding never wins. As in PyTorch, the first maximum in
// row-major order gets the gradient, and NaN wins over everything, so that a diverging run shows.
// keep: for each output an int32_t, the offset of its maximum within the input sample.
#include "ops/pool_window.h"
#include <string.h>

static bool max_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                           struct error *error) {
    return pool_window_infer("max_pool", attr, in[0], out, error);
}

static size_t max_pool_keep(const struct op_call *call) {
    return call->n * shape_count(call->out_shape);
}

// x, y: [c]
static void max_pool_take(int channels, const float *x, float *y) {
    for (int c = 0; c < channels; c++)
        y[c] = ((x[c] > y[c]) | (x[c] != x[c])) ? x[c] : y[c];
}

// The same, and remembers where: x lies at offset `from` of the sample. at: [c]
static void max_pool_take_at(int channels, const float *x, int32_t from, float *y, int32_t *at) {
    for (int c = 0; c < channels; c++) {
        bool takes = (x[c] > y[c]) | (x[c] != x[c]);
        y[c] = takes ? x[c] : y[c];
        at[c] = takes ? from + c : at[c];
    }
}

// One output pixel; x: the sample, y, at: [c]; at NULL: not kept.
static void max_pool_pixel(const struct pool_window *window, struct shape in, const float *x,
                           float *y, int32_t *at) {
    int32_t from = (window->top * in.w + window->left) * in.c;
    memcpy(y, x + from, (size_t)in.c * sizeof *y);
    for (int c = 0; at && c < in.c; c++)
        at[c] = from + c;
    for (int h = window->top; h < window->bottom; h++)
        for (int w = window->left; w < window->right; w++) {
            from = (h * in.w + w) * in.c;
            if (at)
                max_pool_take_at(in.c, x + from, from, y, at);
            else
                max_pool_take(in.c, x + from, y);
        }
}

static void max_pool_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    struct shape in = call->in_shape[0], out = call->out_shape;
    size_t each = shape_count(out), pixel = first * each;
    int32_t *keep = (int32_t *)call->keep;
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, pixel += (size_t)out.c) {
                struct pool_window window = pool_window_at(call->attr, in, h, w);
                max_pool_pixel(&window, in, call->in[0] + i * shape_count(in), call->out + pixel,
                               keep ? keep + pixel : NULL);
            }
}

static void max_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), max_pool_forward_samples);
}

static void max_pool_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    size_t each = shape_count(call->in_shape[0]), outs = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++) {
        float *dx = call->din[0].to + i * each;
        const float *dy = call->dout + i * outs;
        const int32_t *at = (const int32_t *)call->keep + i * outs;
        if (!call->din[0].add)
            memset(dx, 0, each * sizeof *dx);
        for (size_t j = 0; j < outs; j++)
            dx[at[j]] += dy[j];
    }
}

static void max_pool_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), max_pool_backward_samples);
}

static struct op_flops max_pool_flops(const union op_attr *attr, const struct shape *in,
                                      struct shape out) {
    (void)in;
    double count = (double)shape_count(out), window = (double)attr->pool.kernel * attr->pool.kernel;
    return (struct op_flops){.forward = count * window, .data = count};
}

const struct operation op_max_pool = {
    .name = "max_pool",
    .inputs = 1,
    .pure = true,
    .infer = max_pool_infer,
    .keep = max_pool_keep,
    .forward = max_pool_forward,
    .backward = max_pool_backward,
    .flops = max_pool_flops,
};
