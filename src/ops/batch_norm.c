// Batch normalisation (Ioffe and Szegedy, 2015), per channel over batch, height and width:
// y = (x - mean) * invstd * weight + bias, invstd = 1 / sqrt(variance + eps), always computed as
// fma(x, scale, shift) with scale = weight * invstd, shift = bias - mean * scale.
//
// mode.batch_stats: mean and (biased) variance of the batch; the running statistics move towards
// them by attr.norm.momentum or mode.momentum, the variance in its unbiased form. Otherwise the
// stored statistics are constants. params: weight, bias, running_mean, running_var, all [c]; keep:
// mean, invstd of the batch.
//
// Sums over the batch are cut into ranges of samples, and those into blocks of rows that are summed
// in float; blocks and ranges are added, and their moments merged, in double and in order.
#include "base/kernels.h"
#include "ops/op.h"
#include <math.h>
#include <string.h>

enum { WEIGHT, BIAS, MEAN, VAR };
enum { PIECES = 16, BLOCK_ROWS = 256, APPLY_FLOATS = 4096 };

static bool batch_norm_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                             struct error *error) {
    (void)attr, (void)error;
    *out = in[0];
    return true;
}

static int batch_norm_channels(const struct op_call *call) {
    return call->in_shape[0].c;
}

static int batch_norm_pieces(const struct op_call *call) {
    return call->n < PIECES ? call->n : PIECES;
}

// Rows of one sample, and of the batch.
static size_t batch_norm_rows(const struct op_call *call) {
    return (size_t)call->in_shape[0].h * call->in_shape[0].w;
}

static double batch_norm_count(const struct op_call *call) {
    return (double)batch_norm_rows(call) * call->n;
}

// Scratch: two rows of doubles per piece for its sums, then eight rows of floats per channel, then
// two rows of floats per piece for the block at hand.
enum { FLOAT_ROWS = 8 };

static double *batch_norm_sums(const struct op_call *call, int piece, int row) {
    return (double *)call->scratch + ((size_t)piece * 2 + row) * batch_norm_channels(call);
}

static float *batch_norm_row(const struct op_call *call, int row) {
    float *rows = (float *)batch_norm_sums(call, batch_norm_pieces(call), 0);
    return rows + (size_t)row * batch_norm_channels(call);
}

static float *batch_norm_block(const struct op_call *call, int piece, int row) {
    return batch_norm_row(call, FLOAT_ROWS + 2 * piece + row);
}

static size_t batch_norm_scratch(const struct op_call *call, bool backward) {
    (void)backward;
    size_t doubles = 2 * (size_t)batch_norm_pieces(call);
    size_t floats = FLOAT_ROWS + 2 * (size_t)batch_norm_pieces(call);
    return (doubles * sizeof(double) / sizeof(float) + floats) * batch_norm_channels(call);
}

static size_t batch_norm_keep(const struct op_call *call) {
    return call->mode.batch_stats ? 2 * (size_t)batch_norm_channels(call) : 0;
}

// Adds a block's float sums to the piece's doubles; nothing when that sum is not asked for.
static void batch_norm_add_block(int channels, const float *block, double *sums) {
    for (int c = 0; block && c < channels; c++)
        sums[c] += block[c];
}

// Adds up the pieces, in order, into those of piece 0.
static const double *batch_norm_combine(const struct op_call *call, int row) {
    double *total = batch_norm_sums(call, 0, row);
    for (int piece = 1; piece < batch_norm_pieces(call); piece++) {
        const double *sums = batch_norm_sums(call, piece, row);
        for (int c = 0; c < batch_norm_channels(call); c++)
            total[c] += sums[c];
    }
    return total;
}

// The blocks of rows in samples first .. first + count - 1, one after the other.
struct batch_norm_blocks {
    size_t at, rows, end; // rows at .. at + rows - 1 of the batch are at hand
};

static struct batch_norm_blocks batch_norm_blocks(const struct op_call *call, int first,
                                                  int count) {
    size_t each = batch_norm_rows(call);
    return (struct batch_norm_blocks){.at = first * each, .end = (first + count) * each};
}

static bool batch_norm_next(struct batch_norm_blocks *blocks, size_t most) {
    blocks->at += blocks->rows;
    size_t left = blocks->end - blocks->at;
    blocks->rows = left < most ? left : most;
    return left > 0;
}

// Forward.

// Of so many rows: their mean and the sum of (x - mean)^2 per channel.
struct batch_norm_moments {
    double count, *mean, *square;
};

// Of a piece: rows 0 and 1 of its sums.
static struct batch_norm_moments batch_norm_moments(const struct op_call *call, int piece) {
    return (struct batch_norm_moments){0, batch_norm_sums(call, piece, 0),
                                       batch_norm_sums(call, piece, 1)};
}

// Takes in others, of channel c: `share` is their part of all rows then (Chan, Golub and LeVeque,
// 1979).
static void batch_norm_merge(struct batch_norm_moments *to, int c, double share, double mean,
                             double square) {
    const double apart = mean - to->mean[c];
    to->mean[c] += apart * share;
    to->square[c] += square + apart * apart * share * to->count;
}

// The rows of floats in forward.
enum { BATCH_MEAN, BATCH_INVSTD, SCALE, SHIFT };

// A block, which is read twice while it is in cache.
static void batch_norm_measure_block(const struct op_call *call, const float *x, size_t rows,
                                     float *mean, float *sum, struct batch_norm_moments *to) {
    const int channels = batch_norm_channels(call);
    const double count = (double)rows, share = count / (to->count + count);
    kernels()->channel_sums(rows, channels, x, NULL, mean, NULL);
    for (int c = 0; c < channels; c++)
        mean[c] /= (float)count;
    kernels()->channel_sums(rows, channels, x, mean, NULL, sum);
    for (int c = 0; c < channels; c++)
        batch_norm_merge(to, c, share, mean[c], sum[c]);
    to->count += count;
}

static void batch_norm_measure_piece(const struct op_call *call, int piece, int first, int count) {
    const size_t channels = (size_t)batch_norm_channels(call);
    struct batch_norm_moments moments = batch_norm_moments(call, piece);
    memset(moments.mean, 0, channels * sizeof *moments.mean);
    memset(moments.square, 0, channels * sizeof *moments.square);
    struct batch_norm_blocks blocks = batch_norm_blocks(call, first, count);
    while (batch_norm_next(&blocks, BLOCK_ROWS))
        batch_norm_measure_block(call, call->in[0] + blocks.at * channels, blocks.rows,
                                 batch_norm_block(call, piece, 0), batch_norm_block(call, piece, 1),
                                 &moments);
}

// Of the batch, the pieces merged in order.
static struct batch_norm_moments batch_norm_batch(const struct op_call *call) {
    const int pieces = batch_norm_pieces(call);
    struct batch_norm_moments all = batch_norm_moments(call, 0);
    for (int piece = 0; piece < pieces; piece++) {
        const int64_t n = call->n;
        const double samples = (double)(n * (piece + 1) / pieces - n * piece / pieces);
        const double rows = samples * (double)batch_norm_rows(call);
        const struct batch_norm_moments one = batch_norm_moments(call, piece);
        for (int c = 0; piece > 0 && c < batch_norm_channels(call); c++)
            batch_norm_merge(&all, c, rows / (all.count + rows), one.mean[c], one.square[c]);
        all.count += rows;
    }
    return all;
}

static void batch_norm_move(float *running, double value, double momentum) {
    *running = (float)((1 - momentum) * *running + momentum * value);
}

static double batch_norm_momentum(const struct op_call *call) {
    return call->mode.momentum > 0 ? call->mode.momentum : call->attr->norm.momentum;
}

// Measures the batch, moves the running statistics, and leaves rows BATCH_MEAN and BATCH_INVSTD.
static void batch_norm_measure(const struct op_call *call) {
    double count = batch_norm_count(call), momentum = batch_norm_momentum(call);
    double unbiased = count > 1 ? count / (count - 1) : 1;
    float *mean = batch_norm_row(call, BATCH_MEAN), *invstd = batch_norm_row(call, BATCH_INVSTD);

    op_run(call, batch_norm_pieces(call), batch_norm_measure_piece);
    const struct batch_norm_moments all = batch_norm_batch(call);
    for (int c = 0; c < batch_norm_channels(call); c++) {
        const double var = all.square[c] / count;
        mean[c] = (float)all.mean[c];
        invstd[c] = (float)(1 / sqrt(var + call->attr->norm.eps));
        batch_norm_move(&call->param[MEAN][c], all.mean[c], momentum);
        batch_norm_move(&call->param[VAR][c], var * unbiased, momentum);
    }
}

static float batch_norm_stored_invstd(const struct op_call *call, int c) {
    return 1 / sqrtf(call->param[VAR][c] + call->attr->norm.eps);
}

static void batch_norm_set(const struct op_call *call, int c, float mean, float invstd,
                           float *scale, float *shift) {
    scale[c] = call->param[WEIGHT][c] * invstd;
    shift[c] = call->param[BIAS][c] - mean * scale[c];
}

static void batch_norm_affine(const struct op_call *call, float *scale, float *shift) {
    for (int c = 0; c < batch_norm_channels(call); c++)
        batch_norm_set(call, c, call->param[MEAN][c], batch_norm_stored_invstd(call, c), scale,
                       shift);
}

static void batch_norm_apply(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    int channels = batch_norm_channels(call);
    struct batch_norm_blocks blocks = batch_norm_blocks(call, first, count);
    while (batch_norm_next(&blocks, APPLY_FLOATS / channels + 1)) {
        size_t at = blocks.at * channels;
        const struct kernel_tail tail = {.scale = batch_norm_row(call, SCALE),
                                         .shift = batch_norm_row(call, SHIFT),
                                         .add = call->tail.add ? call->tail.add + at : NULL,
                                         .most = call->tail.most};
        kernels()->finish(blocks.rows, channels, channels, call->in[0] + at, &tail, call->out + at);
    }
}

// The same by the batch's statistics, which are kept for backward.
static void batch_norm_measured(const struct op_call *call, float *scale, float *shift) {
    const int channels = batch_norm_channels(call);
    const float *mean = batch_norm_row(call, BATCH_MEAN);
    const float *invstd = batch_norm_row(call, BATCH_INVSTD);
    batch_norm_measure(call);
    for (int c = 0; c < channels; c++)
        batch_norm_set(call, c, mean[c], invstd[c], scale, shift);
    if (call->keep)
        memcpy(call->keep, mean, 2 * (size_t)channels * sizeof *mean); // and invstd behind it
}

static void batch_norm_forward(const struct op_call *call) {
    float *scale = batch_norm_row(call, SCALE), *shift = batch_norm_row(call, SHIFT);
    if (call->mode.batch_stats)
        batch_norm_measured(call, scale, shift);
    else
        batch_norm_affine(call, scale, shift);
    op_run(call, op_pieces(call), batch_norm_apply);
}

// Backward. With the batch's statistics, by the chain rule through mean and variance:
// dx = scale * (dy - sum(dy) / count - xhat * sum(dy * xhat) / count), xhat = (x - mean) * invstd;
// with stored ones dx = scale * dy. With relu_most, dy is what the ReLU lets pass of dout: known
// from x again, bit for bit.

// The rows of floats in backward: mean and invstd as in forward; dx = dy * OF_DY + (x - CENTRE) *
// OF_X + REST; and scale and shift as in forward, for the ReLU.
enum { CENTRE = 2, OF_DY, OF_X, REST, RELU_SCALE, RELU_SHIFT };

static bool batch_norm_wants_dot(const struct op_call *call) {
    return call->dparam[WEIGHT].to || (call->mode.batch_stats && call->din[0].to);
}

static bool batch_norm_wants_sum(const struct op_call *call) {
    return call->dparam[BIAS].to || (call->mode.batch_stats && call->din[0].to);
}

static unsigned batch_norm_reads(const struct op_call *call) {
    return batch_norm_wants_dot(call) ? OP_READS_IN : 0;
}

// The ReLU behind it whose backward is done in passing, or NULL.
static const struct kernel_tail *batch_norm_relu(const struct op_call *call,
                                                 struct kernel_tail *room) {
    *room = (struct kernel_tail){.scale = batch_norm_row(call, RELU_SCALE),
                                 .shift = batch_norm_row(call, RELU_SHIFT),
                                 .most = call->relu_most};
    return room->most > 0 ? room : NULL;
}

// Sums of dy (row 0) and of dy * xhat (row 1).
static void batch_norm_dot_piece(const struct op_call *call, int piece, int first, int count) {
    int channels = batch_norm_channels(call);
    float *sum = batch_norm_block(call, piece, 0), *dot = batch_norm_block(call, piece, 1);
    struct kernel_tail room;
    const struct kernel_tail *relu = batch_norm_relu(call, &room);
    const float *x = batch_norm_wants_dot(call) ? call->in[0] : NULL;
    double *sums = batch_norm_sums(call, piece, 0), *dots = batch_norm_sums(call, piece, 1);
    memset(sums, 0, channels * sizeof *sums);
    memset(dots, 0, channels * sizeof *dots);
    struct batch_norm_blocks blocks = batch_norm_blocks(call, first, count);
    while (batch_norm_next(&blocks, BLOCK_ROWS)) {
        size_t at = blocks.at * channels;
        if (x)
            kernels()->norm_dots(blocks.rows, channels, call->dout + at, x + at,
                                 batch_norm_row(call, BATCH_MEAN),
                                 batch_norm_row(call, BATCH_INVSTD), relu, sum, dot);
        else
            kernels()->channel_sums(blocks.rows, channels, call->dout + at, NULL, sum, NULL);
        batch_norm_add_block(channels, sum, sums);
        batch_norm_add_block(channels, x ? dot : NULL, dots);
    }
}

static void batch_norm_blend(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    int channels = batch_norm_channels(call);
    size_t rows = batch_norm_rows(call), at = first * rows * channels;
    // With stored statistics B is 0 and x is not at hand: dy stands in.
    const float *x = call->mode.batch_stats ? call->in[0] : call->dout;
    struct kernel_tail room;
    const struct kernel_blend blend = {batch_norm_row(call, CENTRE), batch_norm_row(call, OF_DY),
                                       batch_norm_row(call, OF_X), batch_norm_row(call, REST)};
    kernels()->norm_blend(count * rows, channels, call->dout + at, x + at, &blend,
                          batch_norm_relu(call, &room), call->din[0].to + at, call->din[0].add);
}

static void batch_norm_data_gradient(const struct op_call *call, const double *sum,
                                     const double *dot) {
    const float *mean = batch_norm_row(call, BATCH_MEAN);
    const float *invstd = batch_norm_row(call, BATCH_INVSTD);
    float *centre = batch_norm_row(call, CENTRE), *a = batch_norm_row(call, OF_DY);
    float *b = batch_norm_row(call, OF_X), *c = batch_norm_row(call, REST);
    double count = batch_norm_count(call);
    bool measured = call->mode.batch_stats;
    for (int i = 0; i < batch_norm_channels(call); i++) {
        a[i] = call->param[WEIGHT][i] * invstd[i];
        centre[i] = measured ? mean[i] : 0;
        b[i] = measured ? (float)(-a[i] * invstd[i] * dot[i] / count) : 0;
        c[i] = measured ? (float)(-a[i] * sum[i] / count) : 0;
    }
    op_run(call, op_pieces(call), batch_norm_blend);
}

// Rows BATCH_MEAN and BATCH_INVSTD: what forward normalised by.
static void batch_norm_recall(const struct op_call *call) {
    int channels = batch_norm_channels(call);
    float *mean = batch_norm_row(call, BATCH_MEAN), *invstd = batch_norm_row(call, BATCH_INVSTD);
    if (call->mode.batch_stats) {
        memcpy(mean, call->keep, 2 * (size_t)channels * sizeof *mean);
        for (int c = 0; c < channels; c++)
            batch_norm_set(call, c, mean[c], invstd[c], batch_norm_row(call, RELU_SCALE),
                           batch_norm_row(call, RELU_SHIFT));
        return;
    }
    memcpy(mean, call->param[MEAN], (size_t)channels * sizeof *mean);
    for (int c = 0; c < channels; c++)
        invstd[c] = batch_norm_stored_invstd(call, c);
}

static void batch_norm_give(struct op_grad grad, int channels, const double *total) {
    for (int c = 0; grad.to && c < channels; c++)
        grad.to[c] = (grad.add ? grad.to[c] : 0) + (float)total[c];
}

static void batch_norm_backward(const struct op_call *call) {
    int channels = batch_norm_channels(call);
    const double *sum = NULL, *dot = NULL;
    batch_norm_recall(call);
    if (batch_norm_wants_sum(call) || batch_norm_wants_dot(call)) {
        op_run(call, batch_norm_pieces(call), batch_norm_dot_piece);
        sum = batch_norm_combine(call, 0);
        dot = batch_norm_combine(call, 1);
    }
    batch_norm_give(call->dparam[WEIGHT], channels, dot);
    batch_norm_give(call->dparam[BIAS], channels, sum);
    if (call->din[0].to)
        batch_norm_data_gradient(call, sum, dot);
}

static struct op_flops batch_norm_flops(const union op_attr *attr, const struct shape *in,
                                        struct shape out) {
    (void)attr, (void)in;
    double count = (double)shape_count(out); // with stored statistics
    return (struct op_flops){.forward = 2 * count, .data = count, .weight = 4 * count};
}

const struct operation op_batch_norm = {
    .name = "batch_norm",
    .inputs = 1,
    .pure = true,
    .tail = OP_TAIL_ADD | OP_TAIL_RELU,
    .affine = batch_norm_affine,
    .infer = batch_norm_infer,
    .keep = batch_norm_keep,
    .scratch = batch_norm_scratch,
    .forward = batch_norm_forward,
    .reads = batch_norm_reads,
    .backward = batch_norm_backward,
    .back = OP_BACK_IN_PLACE,
    .flops = batch_norm_flops,
};
