// The cross-entropy of softmax(logits) with a target distribution, one loss per sample. The target
// puts 1 - s + s / K on the label and s / K on every other of the K classes, s = mode.smoothing
// (Szegedy et al., "Rethinking the Inception architecture", section 7; PyTorch's label_smoothing):
// loss = log(sum_j exp(x_j)) - sum_j target_j x_j; dx = dout * (softmax(x) - target).
// A label of -1: loss 0 and no gradient. in: [n][classes], out: [n].
#include "ops/op.h"
#include <assert.h>
#include <math.h>
#include <string.h>

static bool cross_entropy_infer(const union op_attr *attr, const struct shape *in,
                                struct shape *out, struct error *error) {
    (void)attr;
    char text[32];
    if (in[0].h != 1 || in[0].w != 1)
        return error_set(error,
                         "cross_entropy: the logits are %s, but a vector of %d classes is needed",
                         shape_text(in[0], text), in[0].c);
    *out = (struct shape){1, 1, 1};
    return true;
}

// The largest logit, and the sum of exp(x - largest).
struct cross_entropy_norm {
    float largest;
    double sum;
};

static struct cross_entropy_norm cross_entropy_norm(int classes, const float *x) {
    struct cross_entropy_norm norm = {.largest = x[0]};
    for (int j = 1; j < classes; j++)
        norm.largest = fmaxf(norm.largest, x[j]);
    for (int j = 0; j < classes; j++)
        norm.sum += expf(x[j] - norm.largest);
    return norm;
}

static float cross_entropy_loss(int classes, const float *x, int label, double smoothing) {
    struct cross_entropy_norm norm = cross_entropy_norm(classes, x);
    double total = 0; // of x - largest
    for (int j = 0; j < classes && smoothing > 0; j++)
        total += (double)x[j] - norm.largest;
    double of_label = (double)x[label] - norm.largest;
    return (float)(log(norm.sum) - (1 - smoothing) * of_label - smoothing / classes * total);
}

static void cross_entropy_forward(const struct op_call *call) {
    int classes = call->in_shape[0].c;
    for (int i = 0; i < call->n; i++) {
        int label = call->label[i];
        assert(label >= -1 && label < classes);
        call->out[i] = label < 0 ? 0
                                 : cross_entropy_loss(classes, call->in[0] + (size_t)i * classes,
                                                      label, call->mode.smoothing);
    }
}

static unsigned cross_entropy_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_IN : 0;
}

// One sample; x, dx: [classes]
static void cross_entropy_back(int classes, const float *x, int label, double smoothing, float dy,
                               float *dx, bool add) {
    struct cross_entropy_norm norm = cross_entropy_norm(classes, x);
    for (int j = 0; j < classes; j++) {
        double target = smoothing / classes + (j == label ? 1 - smoothing : 0);
        float d = (float)(dy * (expf(x[j] - norm.largest) / norm.sum - target));
        dx[j] = add ? dx[j] + d : d;
    }
}

static void cross_entropy_backward(const struct op_call *call) {
    struct op_grad din = call->din[0];
    int classes = call->in_shape[0].c;
    for (int i = 0; din.to && i < call->n; i++) {
        float *dx = din.to + (size_t)i * classes;
        if (call->label[i] >= 0)
            cross_entropy_back(classes, call->in[0] + (size_t)i * classes, call->label[i],
                               call->mode.smoothing, call->dout[i], dx, din.add);
        else if (!din.add)
            memset(dx, 0, (size_t)classes * sizeof *dx);
    }
}

// An exponential counts as one.
static struct op_flops cross_entropy_flops(const union op_attr *attr, const struct shape *in,
                                           struct shape out) {
    (void)attr, (void)out;
    double classes = (double)shape_count(in[0]);
    return (struct op_flops){.forward = 3 * classes, .data = 5 * classes};
}

const struct operation op_cross_entropy = {
    .name = "cross_entropy",
    .inputs = 1,
    .pure = true,
    .infer = cross_entropy_infer,
    .forward = cross_entropy_forward,
    .reads = cross_entropy_reads,
    .backward = cross_entropy_backward,
    .flops = cross_entropy_flops,
};
