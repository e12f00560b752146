// Layer normalisation (Ba, Kiros and Hinton, 2016): each token's vector by its own mean and
// variance (biased), y = (x - mean) / sqrt(var + eps) * weight + bias. params: weight [c], bias
// [c]. keep: mean and 1 / sqrt(var + eps) of each token.
#include "base/kernels.h"
#include "ops/bias.h"
#include "ops/op.h"
#include <string.h>

enum { WEIGHT, BIAS };
enum { BLOCK_ROWS = 64 }; // summed in float

static bool layer_norm_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                             struct error *error) {
    (void)attr;
    *out = in[0];
    return op_check_tokens("layer_norm", in[0], error);
}

static size_t layer_norm_tokens(const struct op_call *call) {
    return (size_t)call->out_shape.h;
}

static size_t layer_norm_keep(const struct op_call *call) {
    return 2 * (size_t)call->n * layer_norm_tokens(call);
}

// backward: sums of each sample, in double, and one block's of each thread; or what the bias needs.
static size_t layer_norm_scratch(const struct op_call *call, bool backward) {
    const size_t channels = (size_t)call->out_shape.c;
    const size_t sums = (2 * (size_t)call->n + (size_t)pool_threads(call->pool)) * channels;
    const size_t weight = backward && call->dparam[WEIGHT].to ? sums : 0;
    const size_t bias = backward && call->dparam[BIAS].to ? bias_scratch(call) : 0;
    return weight > bias ? weight : bias;
}

static void layer_norm_forward_samples(const struct op_call *call, int piece, int first,
                                       int count) {
    (void)piece;
    const int channels = call->out_shape.c;
    for (int s = first; s < first + count; s++) {
        size_t row = (size_t)s * layer_norm_tokens(call);
        for (int i = 0; i < op_rows(call, call->out_shape, s); i++, row++) {
            float own[2], *moments = call->keep ? call->keep + 2 * row : own;
            kernels()->layer_norm(channels, call->in[0] + row * (size_t)channels,
                                  call->param[WEIGHT], call->param[BIAS], call->attr->norm.eps,
                                  call->out + row * (size_t)channels, moments);
        }
    }
}

static void layer_norm_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), layer_norm_forward_samples);
}

static unsigned layer_norm_reads(const struct op_call *call) {
    return call->din[0].to || call->dparam[WEIGHT].to ? OP_READS_IN : 0;
}

static void layer_norm_data_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const int channels = call->out_shape.c;
    for (int s = first; s < first + count; s++) {
        size_t row = (size_t)s * layer_norm_tokens(call);
        for (int i = 0; i < op_rows(call, call->out_shape, s); i++, row++) {
            const size_t at = row * (size_t)channels;
            kernels()->layer_norm_back(channels, call->dout + at, call->in[0] + at,
                                       call->param[WEIGHT], call->keep + 2 * row,
                                       call->din[0].to + at, call->din[0].add);
        }
    }
}

// One sample: the weight's gradient summed over its tokens, in blocks.
static void layer_norm_weight_sample(void *context, int sample, int worker) {
    const struct op_call *call = context;
    const size_t channels = (size_t)call->out_shape.c,
                 rows = (size_t)op_rows(call, call->out_shape, sample);
    double *sums = (double *)call->scratch + (size_t)sample * channels;
    float *block = call->scratch + (2 * (size_t)call->n + (size_t)worker) * channels;
    memset(sums, 0, channels * sizeof *sums);
    for (size_t i = 0; i < rows; i += BLOCK_ROWS) {
        const size_t row = (size_t)sample * layer_norm_tokens(call) + i;
        kernels()->layer_norm_sums(rows - i < BLOCK_ROWS ? rows - i : BLOCK_ROWS, (int)channels,
                                   call->dout + row * channels, call->in[0] + row * channels,
                                   call->keep + 2 * row, block);
        for (size_t c = 0; c < channels; c++)
            sums[c] += block[c];
    }
}

static void layer_norm_weight(const struct op_call *call) {
    struct op_call job = *call;
    const size_t channels = (size_t)call->out_shape.c;
    const double *sums = (const double *)call->scratch;
    const struct op_grad to = call->dparam[WEIGHT];
    pool_run(call->pool, call->n, layer_norm_weight_sample, &job);
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int s = 0; s < call->n; s++)
            sum += sums[(size_t)s * channels + c];
        to.to[c] = (to.add ? to.to[c] : 0) + (float)sum;
    }
}

static void layer_norm_backward(const struct op_call *call) {
    if (call->din[0].to)
        op_run(call, op_pieces(call), layer_norm_data_samples);
    if (call->dparam[WEIGHT].to)
        layer_norm_weight(call);
    if (call->dparam[BIAS].to)
        bias_gradient(call, call->dparam[BIAS], call->scratch);
}

static struct op_flops layer_norm_flops(const union op_attr *attr, const struct shape *in,
                                        struct shape out) {
    (void)attr, (void)in;
    const double count = (double)shape_count(out);
    return (struct op_flops){.forward = 7 * count, .data = 10 * count, .weight = 4 * count};
}

const struct operation op_layer_norm = {
    .name = "layer_norm",
    .inputs = 1,
    .pure = true,
    .infer = layer_norm_infer,
    .keep = layer_norm_keep,
    .scratch = layer_norm_scratch,
    .forward = layer_norm_forward,
    .reads = layer_norm_reads,
    .backward = layer_norm_backward,
    .flops = layer_norm_flops,
};
