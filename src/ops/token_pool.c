// One vector for a whole text: its first token's, its last one's, or the mean over its tokens.
#include "base/kernels.h"
#include "ops/op.h"
#include <string.h>

static bool token_pool_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                             struct error *error) {
    (void)attr;
    *out = (struct shape){1, 1, in[0].c};
    return op_check_tokens("token_pool", in[0], error);
}

// Where the taken token begins.
static size_t token_pool_at(const struct op_call *call, int sample) {
    const int rows = op_rows(call, call->in_shape[0], sample);
    const int token = call->attr->token_pool.which == TOKEN_LAST ? rows - 1 : 0;
    return (size_t)sample * shape_count(call->in_shape[0]) +
           (size_t)token * (size_t)call->out_shape.c;
}

static void token_pool_forward(const struct op_call *call) {
    const size_t channels = (size_t)call->out_shape.c;
    for (int s = 0; s < call->n; s++) {
        const float *x = call->in[0] + (size_t)s * shape_count(call->in_shape[0]);
        float *y = call->out + (size_t)s * channels;
        const int rows = op_rows(call, call->in_shape[0], s);
        if (call->attr->token_pool.which == TOKEN_MEAN) {
            kernels()->channel_sums((size_t)rows, (int)channels, x, NULL, y, NULL);
            kernels()->scale(channels, y, 1 / (float)rows, y, false);
        } else {
            memcpy(y, call->in[0] + token_pool_at(call, s), channels * sizeof *y);
        }
    }
}

static void token_pool_backward_samples(const struct op_call *call, int piece, int first,
                                        int count) {
    (void)piece;
    const size_t channels = (size_t)call->out_shape.c, each = shape_count(call->in_shape[0]);
    const struct op_grad din = call->din[0];
    for (int s = first; s < first + count; s++) {
        const float *dy = call->dout + (size_t)s * channels;
        const int rows = op_rows(call, call->in_shape[0], s);
        if (call->attr->token_pool.which == TOKEN_MEAN) {
            for (int i = 0; i < rows; i++)
                kernels()->scale(channels, dy, 1 / (float)rows,
                                 din.to + (size_t)s * each + (size_t)i * channels, din.add);
            continue;
        }
        if (!din.add)
            memset(din.to + (size_t)s * each, 0, (size_t)rows * channels * sizeof *dy);
        kernels()->sum(channels, din.to + token_pool_at(call, s), dy,
                       din.to + token_pool_at(call, s));
    }
}

static void token_pool_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), token_pool_backward_samples);
}

static struct op_flops token_pool_flops(const union op_attr *attr, const struct shape *in,
                                        struct shape out) {
    const double all = (double)shape_count(in[0]), one = (double)shape_count(out);
    const double count = attr->token_pool.which == TOKEN_MEAN ? all : one;
    return (struct op_flops){.forward = count, .data = count};
}

const struct operation op_token_pool = {
    .name = "token_pool",
    .inputs = 1,
    .pure = true,
    .infer = token_pool_infer,
    .forward = token_pool_forward,
    .backward = token_pool_backward,
    .flops = token_pool_flops,
};
