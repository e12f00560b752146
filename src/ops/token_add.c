// Adds a row of a table to each token: row i to token i (positions), or row 0 to all (the segment
// of texts that have but one). params: weight [rows][c].
#include "base/kernels.h"
#include "ops/op.h"
#include <string.h>

static bool token_add_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                            struct error *error) {
    const int need = attr->token_add.place ? in[0].h : 1;
    if (attr->token_add.rows < need)
        return error_set(error,
                         "token_add: texts of up to %d tokens, but there are %d positions; the "
                         "most for data.length is %d",
                         need, attr->token_add.rows, attr->token_add.rows);
    *out = in[0];
    return op_check_tokens("token_add", in[0], error);
}

static size_t token_add_row(const struct op_call *call, int token) {
    return call->attr->token_add.place ? (size_t)token * (size_t)call->out_shape.c : 0;
}

static void token_add_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const size_t channels = (size_t)call->out_shape.c;
    for (int s = first; s < first + count; s++) {
        size_t at = (size_t)s * shape_count(call->out_shape);
        for (int i = 0; i < op_rows(call, call->out_shape, s); i++, at += channels)
            kernels()->sum(channels, call->in[0] + at, call->param[0] + token_add_row(call, i),
                           call->out + at);
    }
}

static void token_add_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), token_add_forward_samples);
}

static void token_add_backward_samples(const struct op_call *call, int piece, int first,
                                       int count) {
    (void)piece;
    const size_t each = shape_count(call->out_shape);
    for (int s = first; s < first + count; s++)
        op_give(call->din[0], (size_t)s * each, op_floats(call, call->out_shape, s),
                call->dout + (size_t)s * each);
}

// One row after another, each the sum over its tokens in the order of samples.
static void token_add_weight(const struct op_call *call) {
    const size_t channels = (size_t)call->out_shape.c;
    float *to = call->dparam[0].to;
    if (!call->dparam[0].add)
        memset(to, 0, (size_t)call->attr->token_add.rows * channels * sizeof *to);
    for (int s = 0; s < call->n; s++) {
        const float *dy = call->dout + (size_t)s * shape_count(call->out_shape);
        for (int i = 0; i < op_rows(call, call->out_shape, s); i++, dy += channels) {
            float *row = to + token_add_row(call, i);
            kernels()->sum(channels, row, dy, row);
        }
    }
}

static void token_add_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), token_add_backward_samples);
    if (call->dparam[0].to)
        token_add_weight(call);
}

static struct op_flops token_add_flops(const union op_attr *attr, const struct shape *in,
                                       struct shape out) {
    (void)attr, (void)in;
    const double count = (double)shape_count(out);
    return (struct op_flops){.forward = count, .weight = count};
}

const struct operation op_token_add = {
    .name = "token_add",
    .inputs = 1,
    .pure = true,
    .infer = token_add_infer,
    .forward = token_add_forward,
    .backward = token_add_backward,
    .flops = token_add_flops,
};
