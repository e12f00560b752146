// Inverted dropout: with probability p an element becomes 0, otherwise it is divided by 1 - p; the
// identity when mode.drop is off. Element i of a sample is kept when draw i of counter
// (sample, step) is at least p; backward draws again, so no mask is stored.
#include "base/random.h"
#include "ops/op.h"
#include <math.h>
#include <string.h>

static bool dropout_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                          struct error *error) {
    float p = attr->dropout.p;
    if (!(p >= 0 && p <= 1))
        return error_set(error, "dropout: p is %g, but a probability lies between 0 and 1",
                         (double)p);
    *out = in[0];
    return true;
}

struct dropout {
    struct random_key key;
    uint32_t step;
    int32_t lowest; // a draw of 24 bits is kept from here on
    float factor;
};

static struct dropout dropout_of(const struct op_call *call) {
    const struct op_mode *mode = &call->mode;
    float p = call->attr->dropout.p;
    return (struct dropout){
        .key = random_key(mode->seed, RANDOM_DROPOUT, mode->node),
        .step = mode->step,
        .lowest = (int32_t)ceil((double)p * (1 << 24)),
        .factor = p < 1 ? 1 / (1 - p) : 0,
    };
}

enum { DRAWS = 64 }; // drawn before they are applied, without branches

// The draws of elements at .. at + DRAWS - 1 of a sample; `at` is a multiple of 4.
static void dropout_draw(const struct dropout *d, uint32_t sample, size_t at,
                         uint32_t word[DRAWS]) {
    for (size_t i = 0; i < DRAWS; i += 4)
        random_block(d->key, sample, d->step, (uint32_t)((at + i) / 4), 0, word + i);
}

// One sample: to (= or +=) from * mask.
static void dropout_apply(const struct dropout *d, uint32_t sample, size_t count, const float *from,
                          float *to, bool add) {
    uint32_t word[DRAWS];
    for (size_t at = 0; at < count; at += DRAWS) {
        size_t length = count - at < DRAWS ? count - at : DRAWS;
        dropout_draw(d, sample, at, word);
        for (size_t i = 0; i < length; i++) {
            float kept = (int32_t)(word[i] >> 8) >= d->lowest;
            float y = from[at + i] * (kept * d->factor);
            to[at + i] = add ? to[at + i] + y : y;
        }
    }
}

static void dropout_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    struct dropout d = dropout_of(call);
    size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++)
        dropout_apply(&d, call->sample[i], each, call->in[0] + i * each, call->out + i * each,
                      false);
}

static void dropout_forward(const struct op_call *call) {
    if (call->mode.drop)
        op_run(call, op_pieces(call), dropout_forward_samples);
    else
        memcpy(call->out, call->in[0], call->n * shape_count(call->out_shape) * sizeof *call->out);
}

static void dropout_backward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    struct dropout d = dropout_of(call);
    size_t each = shape_count(call->out_shape);
    for (int i = first; i < first + count; i++)
        dropout_apply(&d, call->sample[i], each, call->dout + i * each, call->din[0].to + i * each,
                      call->din[0].add);
}

static void dropout_backward(const struct op_call *call) {
    if (!call->din[0].to)
        return;
    if (call->mode.drop)
        op_run(call, op_pieces(call), dropout_backward_samples);
    else
        op_give(call->din[0], 0, call->n * shape_count(call->out_shape), call->dout);
}

static struct op_flops dropout_flops(const union op_attr *attr, const struct shape *in,
                                     struct shape out) {
    (void)attr, (void)in;
    double count = (double)shape_count(out);
    return (struct op_flops){.forward = count, .data = count};
}

const struct operation op_dropout = {
    .name = "dropout",
    .inputs = 1,
    .pure = true,
    .infer = dropout_infer,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .flops = dropout_flops,
};
