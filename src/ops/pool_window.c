#include "ops/pool_window.h"
#include <string.h>

bool pool_window_infer(const char *name, const union op_attr *attr, struct shape in,
                       struct shape *out, struct error *error) {
    int kernel = attr->pool.kernel, stride = attr->pool.stride, pad = attr->pool.pad;
    char text[32];
    if (kernel < 1 || stride < 1)
        return error_set(error, "%s: kernel %d and stride %d must be at least 1", name, kernel,
                         stride);
    if (pad < 0 || pad > kernel / 2)
        return error_set(error, "%s: padding %d must lie between 0 and half of kernel %d", name,
                         pad, kernel);
    if (in.h + 2 * pad < kernel || in.w + 2 * pad < kernel)
        return error_set(error, "%s: kernel %dx%d is larger than the input %s with padding %d",
                         name, kernel, kernel, shape_text(in, text), pad);
    out->h = (in.h + 2 * pad - kernel) / stride + 1;
    out->w = (in.w + 2 * pad - kernel) / stride + 1;
    out->c = in.c;
    return true;
}

struct pool_window pool_window_at(const union op_attr *attr, struct shape in, int y, int x) {
    int kernel = attr->pool.kernel;
    int top = y * attr->pool.stride - attr->pool.pad, left = x * attr->pool.stride - attr->pool.pad;
    return (struct pool_window){
        .top = top > 0 ? top : 0,
        .bottom = top + kernel < in.h ? top + kernel : in.h,
        .left = left > 0 ? left : 0,
        .right = left + kernel < in.w ? left + kernel : in.w,
    };
}

// One output pixel; x: the sample, y: [c]
static void take(const struct pool_mean *mean, struct shape in, const float *x, float *y) {
    const struct pool_window *window = &mean->window;
    memset(y, 0, (size_t)in.c * sizeof *y);
    for (int h = window->top; h < window->bottom; h++)
        for (int w = window->left; w < window->right; w++) {
            const float *from = x + ((size_t)h * in.w + w) * in.c;
            for (int c = 0; c < in.c; c++)
                y[c] += from[c];
        }
    for (int c = 0; c < in.c; c++)
        y[c] /= mean->area;
}

// The gradient of one output pixel goes to all real pixels under its window.
static void spread(const struct pool_mean *mean, struct shape in, const float *dy, float *dx) {
    const struct pool_window *window = &mean->window;
    for (int h = window->top; h < window->bottom; h++)
        for (int w = window->left; w < window->right; w++) {
            float *to = dx + ((size_t)h * in.w + w) * in.c;
            for (int c = 0; c < in.c; c++)
                to[c] += dy[c] / mean->area;
        }
}

void pool_mean_forward(const struct op_call *call, pool_mean_at *at, int first, int count) {
    struct shape in = call->in_shape[0], out = call->out_shape;
    float *y = call->out + first * shape_count(out);
    for (int i = first; i < first + count; i++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, y += out.c) {
                struct pool_mean mean = at(call, h, w);
                take(&mean, in, call->in[0] + i * shape_count(in), y);
            }
}

void pool_mean_backward(const struct op_call *call, pool_mean_at *at, int first, int count) {
    struct shape in = call->in_shape[0], out = call->out_shape;
    const float *dy = call->dout + first * shape_count(out);
    for (int i = first; i < first + count; i++) {
        float *dx = call->din[0].to + i * shape_count(in);
        if (!call->din[0].add)
            memset(dx, 0, shape_count(in) * sizeof *dx);
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++, dy += out.c) {
                struct pool_mean mean = at(call, h, w);
                spread(&mean, in, dy, dx);
            }
    }
}
