// The cross-entropy of softmax(logits) with a target distribution, one loss per sample. The target
// puts 1 - s + s / K on the label and s / K on every other of the K classes, s = mode.smoothing
// (Szegedy et al., "Rethinking the Inception architecture", section 7; PyTorch's label_smoothing):
// loss = log(sum_j exp(x_j)) - sum_j target_j x_j; dx = dout * (softmax(x) - target).
// With weights w of the classes every target_j is multiplied by w_j, and what stands in front of
// the logarithm and of softmax is the sum of the targets, no longer 1: PyTorch's
// CrossEntropyLoss(weight, label_smoothing, reduction="none"). A label of -1: loss 0 and no
// gradient. in: [n][classes], out: [n].
#include "base/kernels.h"
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

// What forward leaves of each sample: the largest logit, and the sum of exp(x - largest).
enum { LARGEST, SUM, KEPT };

static size_t cross_entropy_keep(const struct op_call *call) {
    return KEPT * (size_t)call->n;
}

// What the targets of one sample are made of.
struct cross_entropy_target {
    const float *weight; // [classes]; NULL: 1 each
    int classes, label;
    double on_label, on_each; // before the weights
    double sum;               // after them
};

static double cross_entropy_weight(const struct cross_entropy_target *t, int j) {
    return t->weight ? (double)t->weight[j] : 1;
}

static struct cross_entropy_target cross_entropy_target(const struct op_call *call, int label) {
    double smoothing = call->mode.smoothing, weights = 0;
    struct cross_entropy_target t = {
        .weight = call->class_weight, .classes = call->in_shape[0].c, .label = label, .sum = 1};
    t.on_label = 1 - smoothing;
    t.on_each = smoothing / t.classes;
    for (int j = 0; j < t.classes && t.weight; j++)
        weights += t.weight[j];
    if (t.weight)
        t.sum = t.on_label * t.weight[label] + t.on_each * weights;
    return t;
}

// `kept` may be NULL.
static float cross_entropy_loss(const struct cross_entropy_target *t, const float *x, float *kept) {
    float largest;
    const double sum = kernels()->exp_sum((size_t)t->classes, x, &largest);
    double total = 0; // of w * (x - largest)
    for (int j = 0; j < t->classes && t->on_each > 0; j++)
        total += cross_entropy_weight(t, j) * ((double)x[j] - largest);
    if (kept) {
        kept[LARGEST] = largest;
        kept[SUM] = (float)sum;
    }
    const double of_label = cross_entropy_weight(t, t->label) * ((double)x[t->label] - largest);
    return (float)(t->sum * log(sum) - t->on_label * of_label - t->on_each * total);
}

static void cross_entropy_forward_samples(const struct op_call *call, int piece, int first,
                                          int count) {
    (void)piece;
    const int classes = call->in_shape[0].c;
    for (int i = first; i < first + count; i++) {
        const int label = call->label[i];
        assert(label >= -1 && label < classes);
        call->out[i] = 0;
        if (label < 0)
            continue;
        const struct cross_entropy_target target = cross_entropy_target(call, label);
        call->out[i] = cross_entropy_loss(&target, call->in[0] + (size_t)i * (size_t)classes,
                                          call->keep ? call->keep + KEPT * (size_t)i : NULL);
    }
}

static void cross_entropy_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), cross_entropy_forward_samples);
}

static unsigned cross_entropy_reads(const struct op_call *call) {
    return call->din[0].to ? OP_READS_IN : 0;
}

// One sample; x, dx: [classes]
static void cross_entropy_back(const struct cross_entropy_target *t, const float *x,
                               const float *kept, float dy, float *dx, bool add) {
    const double each = (double)dy * t->on_each;
    kernels()->exp_scale((size_t)t->classes, x, kept[LARGEST],
                         (float)((double)dy * t->sum / (double)kept[SUM]), dx, add);
    for (int j = 0; j < t->classes && t->on_each > 0; j++)
        dx[j] -= (float)(each * cross_entropy_weight(t, j));
    dx[t->label] -= (float)((double)dy * t->on_label * cross_entropy_weight(t, t->label));
}

static void cross_entropy_backward_samples(const struct op_call *call, int piece, int first,
                                           int count) {
    (void)piece;
    const struct op_grad din = call->din[0];
    const size_t classes = (size_t)call->in_shape[0].c;
    for (int i = first; i < first + count; i++) {
        float *dx = din.to + (size_t)i * classes;
        if (call->label[i] < 0 && !din.add)
            memset(dx, 0, classes * sizeof *dx);
        if (call->label[i] < 0)
            continue;
        const struct cross_entropy_target target = cross_entropy_target(call, call->label[i]);
        cross_entropy_back(&target, call->in[0] + (size_t)i * classes,
                           call->keep + KEPT * (size_t)i, call->dout[i], dx, din.add);
    }
}

static void cross_entropy_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), cross_entropy_backward_samples);
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
    .keep = cross_entropy_keep,
    .forward = cross_entropy_forward,
    .reads = cross_entropy_reads,
    .backward = cross_entropy_backward,
    .flops = cross_entropy_flops,
};
