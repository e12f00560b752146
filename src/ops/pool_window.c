#include "ops/pool_window.h"

bool pool_window_infer(const char *name, const union op_attr *attr, struct shape in,
                       struct shape *out, struct error *error) {
    int kernel = attr->pool.kernel, stride = attr->pool.stride, pad = attr->pool.pad;
    char text[32];
    if (kernel < 1 || stride < 1)
        return error_set(error, "%s: kernel %d and stride %d must be at least 1", name, kernel,
                         stride);
    if (pad < 0 || pad > kernel / 2)
        return error_set(error, "%s: padding %d must be at most half of kernel %d", name, pad,
                         kernel);
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
