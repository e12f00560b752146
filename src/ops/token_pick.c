// Of each text the tokens that are to be predicted (call.target is an id there, not -1), in their
// order: what is behind needs to compute only those. in: [n][tokens][1][c], out: [n][rows][1][c],
// as many rows of a sample as it has targets; rows = attr.token_pick.rows, which the data must not
// exceed.
#include "ops/op.h"
#include <assert.h>
#include <string.h>

static bool token_pick_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                             struct error *error) {
    if (attr->token_pick.rows < 1)
        return error_set(error, "token_pick: %d tokens of a text; at least 1",
                         attr->token_pick.rows);
    *out = (struct shape){attr->token_pick.rows, 1, in[0].c};
    return op_check_tokens("token_pick", in[0], error);
}

static const int *token_pick_target(const struct op_call *call, int sample) {
    return call->target + (size_t)sample * (size_t)call->in_shape[0].h;
}

static void token_pick_forward_samples(const struct op_call *call, int piece, int first,
                                       int count) {
    (void)piece;
    const size_t channels = (size_t)call->out_shape.c;
    for (int s = first; s < first + count; s++) {
        const float *x = call->in[0] + (size_t)s * shape_count(call->in_shape[0]);
        float *y = call->out + (size_t)s * shape_count(call->out_shape), *start = y;
        for (int i = 0; i < op_rows(call, call->in_shape[0], s); i++, x += channels)
            if (token_pick_target(call, s)[i] >= 0) {
                assert(y < start + shape_count(call->out_shape));
                memcpy(y, x, channels * sizeof *y);
                y += channels;
            }
    }
}

static void token_pick_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), token_pick_forward_samples);
}

static void token_pick_backward_samples(const struct op_call *call, int piece, int first,
                                        int count) {
    (void)piece;
    const struct op_grad din = call->din[0];
    const size_t channels = (size_t)call->out_shape.c;
    for (int s = first; s < first + count; s++) {
        const float *dy = call->dout + (size_t)s * shape_count(call->out_shape);
        size_t at = (size_t)s * shape_count(call->in_shape[0]);
        for (int i = 0; i < op_rows(call, call->in_shape[0], s); i++, at += channels) {
            const bool picked = token_pick_target(call, s)[i] >= 0;
            if (picked)
                op_give(din, at, channels, dy);
            else if (!din.add)
                memset(din.to + at, 0, channels * sizeof *din.to);
            dy += picked ? channels : 0;
        }
    }
}

static void token_pick_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), token_pick_backward_samples);
}

static struct op_flops token_pick_flops(const union op_attr *attr, const struct shape *in,
                                        struct shape out) {
    (void)attr, (void)in;
    return (struct op_flops){.data = (double)shape_count(out)};
}

const struct operation op_token_pick = {
    .name = "token_pick",
    .inputs = 1,
    .pure = true,
    .infer = token_pick_infer,
    .forward = token_pick_forward,
    .backward = token_pick_backward,
    .flops = token_pick_flops,
};
