// The mean under a sliding window; padding counts as zeros (PyTorch's count_include_pad=True).
#include "ops/pool_window.h"

static bool avg_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                           struct error *error) {
    return pool_window_infer("avg_pool", attr, in[0], out, error);
}

static struct pool_mean avg_pool_at(const struct op_call *call, int y, int x) {
    int kernel = call->attr->pool.kernel;
    return (struct pool_mean){pool_window_at(call->attr, call->in_shape[0], y, x),
                              (float)(kernel * kernel)};
}

static void avg_pool_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    pool_mean_forward(call, avg_pool_at, first, count);
}

static void avg_pool_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), avg_pool_forward_samples);
}

static void avg_pool_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    pool_mean_backward(call, avg_pool_at, first, count);
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
