// The loss of a causal language model: of each token but the last, the cross-entropy of softmax of
// its logits with the token that follows. in: logits [n][tokens][1][vocabulary], ids
// [n][tokens][1][1], which get no gradient. out: [n], the sum over a text's tokens; dlogits = dout
// * (softmax(logits) - target). As in cross_entropy.c, a share `smoothing` of the target is spread
// over all ids.
#include "ops/op.h"
#include <math.h>
#include <string.h>

static bool next_token_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                             struct error *error) {
    (void)attr;
    char logits[32], ids[32];
    if (in[0].h != in[1].h || in[0].w != 1 || in[1].w != 1 || in[1].c != 1)
        return error_set(error, "next_token: logits of %s do not belong to token ids of %s",
                         shape_text(in[0], logits), shape_text(in[1], ids));
    *out = (struct shape){1, 1, 1};
    return true;
}

// One token's logits x, and what follows it: sets (or adds) the gradient, unless dx is NULL; gives
// the loss.
static double next_token_one(int ids, const float *x, int next, double smoothing, float dy,
                             float *dx, bool add) {
    double sum = 0, total = 0;
    float largest = x[0];
    for (int j = 1; j < ids; j++)
        largest = fmaxf(largest, x[j]);
    for (int j = 0; j < ids; j++)
        sum += expf(x[j] - largest);
    for (int j = 0; j < ids && smoothing > 0; j++)
        total += (double)x[j] - largest;
    for (int j = 0; dx && j < ids; j++) {
        const double target = smoothing / ids + (j == next ? 1 - smoothing : 0);
        const float d = (float)(dy * (expf(x[j] - largest) / sum - target));
        dx[j] = add ? dx[j] + d : d;
    }
    return log(sum) - (1 - smoothing) * ((double)x[next] - largest) - smoothing / ids * total;
}

static void next_token_samples(const struct op_call *call, int first, int count, bool backward) {
    const struct shape shape = call->in_shape[0];
    for (int s = first; s < first + count; s++) {
        const float *ids = call->in[1] + (size_t)s * (size_t)shape.h;
        const int rows = op_rows(call, shape, s);
        double loss = 0;
        for (int i = 0; i < rows - 1; i++) {
            const size_t at = ((size_t)s * (size_t)shape.h + (size_t)i) * (size_t)shape.c;
            loss += next_token_one(shape.c, call->in[0] + at, (int)ids[i + 1], call->mode.smoothing,
                                   backward ? call->dout[s] : 0,
                                   backward ? call->din[0].to + at : NULL, call->din[0].add);
        }
        const size_t last = ((size_t)s * (size_t)shape.h + (size_t)rows - 1) * (size_t)shape.c;
        if (backward && !call->din[0].add)
            memset(call->din[0].to + last, 0, (size_t)shape.c * sizeof(float));
        if (!backward)
            call->out[s] = (float)loss;
    }
}

static void next_token_forward_samples(const struct op_call *call, int piece, int first,
                                       int count) {
    (void)piece;
    next_token_samples(call, first, count, false);
}

static void next_token_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), next_token_forward_samples);
}

static unsigned next_token_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_IN : 0;
}

static void next_token_backward_samples(const struct op_call *call, int piece, int first,
                                        int count) {
    (void)piece;
    next_token_samples(call, first, count, true);
}

static void next_token_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), next_token_backward_samples);
}

// An exponential counts as one.
static struct op_flops next_token_flops(const union op_attr *attr, const struct shape *in,
                                        struct shape out) {
    (void)attr, (void)out;
    const double count = (double)shape_count(in[0]);
    return (struct op_flops){.forward = 3 * count, .data = 5 * count};
}

const struct operation op_next_token = {
    .name = "next_token",
    .inputs = 2,
    .pure = true,
    .infer = next_token_infer,
    .forward = next_token_forward,
    .reads = next_token_reads,
    .backward = next_token_backward,
    .flops = next_token_flops,
};
