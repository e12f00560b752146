// Means over windows that cut the input into a given number of rows and columns, as PyTorch's
// adaptive_avg_pool2d: along a side, output i of o covers the inputs floor(i * n / o) up to
// ceil((i + 1) * n / o). Windows overlap where o does not divide n, also where o is larger than n.
#include "ops/pool_window.h"

static bool adaptive_pool_infer(const union op_attr *attr, const struct shape *in,
                                struct shape *out, struct error *error) {
    if (attr->adaptive.h < 1 || attr->adaptive.w < 1)
        return error_set(error, "adaptive_pool: an output of %dx%d; each must be at least 1",
                         attr->adaptive.h, attr->adaptive.w);
    *out = (struct shape){attr->adaptive.h, attr->adaptive.w, in[0].c};
    return true;
}

static int adaptive_first(int i, int n, int o) {
    return (int)((int64_t)i * n / o);
}

static int adaptive_end(int i, int n, int o) {
    return (int)(((int64_t)(i + 1) * n + o - 1) / o);
}

static struct pool_mean adaptive_pool_at(const struct op_call *call, int y, int x) {
    struct shape in = call->in_shape[0], out = call->out_shape;
    struct pool_window w = {adaptive_first(y, in.h, out.h), adaptive_end(y, in.h, out.h),
                            adaptive_first(x, in.w, out.w), adaptive_end(x, in.w, out.w)};
    return (struct pool_mean){w, (float)((w.bottom - w.top) * (w.right - w.left))};
}

static void adaptive_pool_forward_samples(const struct op_call *call, int piece, int first,
                                          int count) {
    (void)piece;
    pool_mean_forward(call, adaptive_pool_at, first, count);
}

static void adaptive_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), adaptive_pool_forward_samples);
}

static void adaptive_pool_backward_samples(const struct op_call *call, int piece, int first,
                                           int count) {
    (void)piece;
    pool_mean_backward(call, adaptive_pool_at, first, count);
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
