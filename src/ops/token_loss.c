// The loss of a language model: of each token that is to be predicted, the cross-entropy of softmax
// of its logits with its id, summed over a text. in: logits [n][rows][1][ids]. call.label:
// [n][rows], the id, or -1 where nothing is to be predicted: no loss and no gradient. out: [n];
// dlogits = dout * (softmax(logits) - target). As in cross_entropy.c, a share `smoothing` of the
// target is spread over all ids.
//
// What forward keeps of a row is the logarithm of the sum of its exponentials.
#include "base/kernels.h"
#include "ops/op.h"
#include <string.h>

static bool token_loss_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                             struct error *error) {
    (void)attr;
    *out = (struct shape){1, 1, 1};
    return op_check_tokens("token_loss", in[0], error);
}

static size_t token_loss_keep(const struct op_call *call) {
    return (size_t)call->n * (size_t)call->in_shape[0].h;
}

// A row of logits for each piece.
static size_t token_loss_scratch(const struct op_call *call, bool backward) {
    (void)backward;
    return (size_t)op_pieces(call) * (size_t)call->in_shape[0].c;
}

// log(sum of exp(x)) - sum of target * x.
static double token_loss_of(int ids, const float *x, int label, double smoothing, double log_sum) {
    double total = 0;
    for (int j = 0; j < ids && smoothing > 0; j++)
        total += (double)x[j] - log_sum;
    return (1 - smoothing) * (log_sum - (double)x[label]) - smoothing / ids * total;
}

static void token_loss_forward_samples(const struct op_call *call, int piece, int first,
                                       int count) {
    const struct shape shape = call->in_shape[0];
    const size_t ids = (size_t)shape.c;
    float *row = call->scratch + (size_t)piece * ids;
    for (int s = first; s < first + count; s++) {
        double loss = 0;
        for (int i = 0; i < op_rows(call, shape, s); i++) {
            const size_t at = (size_t)s * (size_t)shape.h + (size_t)i;
            const float *x = call->in[0] + at * ids;
            if (call->label[at] < 0)
                continue;
            memcpy(row, x, ids * sizeof *row);
            const float log_sum = kernels()->softmax(ids, 1, row);
            if (call->keep)
                call->keep[at] = log_sum;
            loss += token_loss_of(shape.c, x, call->label[at], call->mode.smoothing, log_sum);
        }
        call->out[s] = (float)loss;
    }
}

static void token_loss_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), token_loss_forward_samples);
}

static unsigned token_loss_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_IN : 0;
}

// One row's gradient.
static void token_loss_row(const struct op_call *call, size_t at, float dy, float *to) {
    const size_t ids = (size_t)call->in_shape[0].c;
    const float smoothing = call->mode.smoothing;
    if (call->label[at] < 0) {
        memset(to, 0, ids * sizeof *to);
        return;
    }
    memcpy(to, call->in[0] + at * ids, ids * sizeof *to);
    kernels()->softmax_again(ids, 1, call->keep[at], to);
    for (size_t j = 0; j < ids && smoothing > 0; j++)
        to[j] -= smoothing / (float)ids;
    to[call->label[at]] -= 1 - smoothing;
    kernels()->scale(ids, to, dy, to, false);
}

static void token_loss_backward_samples(const struct op_call *call, int piece, int first,
                                        int count) {
    const struct shape shape = call->in_shape[0];
    const size_t ids = (size_t)shape.c;
    const struct op_grad din = call->din[0];
    float *row = call->scratch + (size_t)piece * ids;
    for (int s = first; s < first + count; s++)
        for (int i = 0; i < op_rows(call, shape, s); i++) {
            const size_t at = (size_t)s * (size_t)shape.h + (size_t)i;
            float *to = din.add ? row : din.to + at * ids;
            token_loss_row(call, at, call->dout[s], to);
            if (din.add)
                op_give(din, at * ids, ids, row);
        }
}

static void token_loss_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), token_loss_backward_samples);
}

// An exponential counts as one.
static struct op_flops token_loss_flops(const union op_attr *attr, const struct shape *in,
                                        struct shape out) {
    (void)attr, (void)out;
    const double count = (double)shape_count(in[0]);
    return (struct op_flops){.forward = 3 * count, .data = 3 * count};
}

const struct operation op_token_loss = {
    .name = "token_loss",
    .inputs = 1,
    .pure = true,
    .infer = token_loss_infer,
    .keep = token_loss_keep,
    .scratch = token_loss_scratch,
    .forward = token_loss_forward,
    .reads = token_loss_reads,
    .backward = token_loss_backward,
    .flops = token_loss_flops,
};
