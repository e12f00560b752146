#include "ops/conv2d_depthwise.h"
#include "base/kernels.h"
#include "ops/conv2d_gather.h"
#include <string.h>

enum {
    PIECE_FLOATS = 1 << 15, // of the result
    RANGES = 8,             // partial sums of the weights' gradient, at most
};

bool conv2d_is_depthwise(const struct op_call *call) {
    const int groups = call->attr->conv.groups;
    return groups > 1 && call->in_shape[0].c == groups && call->out_shape.c == groups;
}

// One pass over rows of a result: forward, or `back` from the gradient of the output.
struct depthwise {
    const struct op_call *call;
    bool back;
    const float *from, *bias;
    float *to;
    bool add;
    struct shape source, result;
    int rows; // in a piece
};

static struct depthwise depthwise_forward(const struct op_call *call) {
    return (struct depthwise){.call = call,
                              .from = call->in[0],
                              .bias = call->param[1],
                              .to = call->out,
                              .source = call->in_shape[0],
                              .result = call->out_shape};
}

static struct depthwise depthwise_back(const struct op_call *call) {
    return (struct depthwise){.call = call,
                              .back = true,
                              .from = call->dout,
                              .to = call->din[0].to,
                              .add = call->din[0].add,
                              .source = call->out_shape,
                              .result = call->in_shape[0]};
}

// Along one side: the taps `tap`, tap + tap_step, ... of one pixel of the result that lie inside.
// The first reads pixel `at` of the source, the next ones at + at_step, ...
struct side {
    int tap, tap_step, count, at, at_step;
};

static int larger(int a, int b) {
    return a > b ? a : b;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

// Pixel i of the output reads i * stride + tap - pad.
static struct side side_forward(int i, int size, int stride, int pad, int source) {
    const int origin = i * stride - pad, first = larger(0, -origin);
    const int count = smaller(size, source - origin) - first;
    return (struct side){first, 1, larger(0, count), origin + first, 1};
}

// The gradient of input pixel i comes, by tap, from (i + pad - tap) / stride where that is whole.
static struct side side_back(int i, int size, int stride, int pad, int source) {
    const int sum = i + pad, last = smaller(size - 1, sum);
    int first = sum % stride;
    if (sum / stride >= source)
        first += (sum / stride - source + 1) * stride;
    const int count = last < first ? 0 : (last - first) / stride + 1;
    return (struct side){first, stride, count, (sum - first) / stride, -1};
}

static struct side side_of(const struct depthwise *d, int i, int size, int source) {
    const int stride = d->call->attr->conv.stride, pad = d->call->attr->conv.pad;
    return d->back ? side_back(i, size, stride, pad, source)
                   : side_forward(i, size, stride, pad, source);
}

// A run of pixels in a row of the result that have the same taps: x, x + step, ...
struct run {
    int x, step, count, source_step, tap_count;
    const float *from; // what `taps` count from, for the first pixel
    struct kernel_tap taps[CONV2D_TAPS];
};

static void run_taps(struct run *run, const struct depthwise *d, struct side down,
                     struct side across) {
    const int columns = d->call->attr->conv.kernel_w;
    run->tap_count = 0;
    for (int i = 0; i < down.count; i++)
        for (int j = 0; j < across.count; j++) {
            const ptrdiff_t y = i * down.at_step, x = j * across.at_step;
            run->taps[run->tap_count++] =
                (struct kernel_tap){(y * d->source.w + x) * d->source.c,
                                    (size_t)((down.tap + i * down.tap_step) * columns + across.tap +
                                             j * across.tap_step)};
        }
}

// How many pixels from x on, `step` apart, have the taps `side`.
static int run_length(const struct depthwise *d, int x, int step, struct side side) {
    int count = 1;
    for (; x + count * step < d->result.w; count++) {
        const struct side next =
            side_of(d, x + count * step, d->call->attr->conv.kernel_w, d->source.w);
        if (next.tap != side.tap || next.count != side.count)
            break;
    }
    return count;
}

typedef void run_work(const struct depthwise *d, const struct run *run, int row, void *context);

// All runs of one row of the result (numbered through the batch).
static void walk_row(const struct depthwise *d, int row, run_work *work, void *context) {
    const int sample = row / d->result.h, stride = d->call->attr->conv.stride;
    const struct side down =
        side_of(d, row % d->result.h, d->call->attr->conv.kernel_h, d->source.h);
    struct run run; // not initialised: its taps are many
    run.step = d->back ? stride : 1;
    run.source_step = d->back ? 1 : stride;
    for (int phase = 0; phase < run.step; phase++)
        for (run.x = phase; run.x < d->result.w; run.x += run.count * run.step) {
            const struct side across = side_of(d, run.x, d->call->attr->conv.kernel_w, d->source.w);
            const bool inside = down.count > 0 && across.count > 0;
            const int64_t line = (int64_t)sample * d->source.h + (inside ? down.at : 0);
            run.count = run_length(d, run.x, run.step, across);
            run.from = d->from + (line * d->source.w + (inside ? across.at : 0)) * d->source.c;
            run_taps(&run, d, down, across);
            work(d, &run, row, context);
        }
}

static void gather_run(const struct depthwise *d, const struct run *run, int row, void *context) {
    (void)context;
    const int c = d->result.c;
    float *to = d->to + ((int64_t)row * d->result.w + run->x) * c;
    kernels()->depthwise(run->count, c, run->from, (ptrdiff_t)run->source_step * c, run->tap_count,
                         run->taps, d->call->param[0], d->bias, to, (ptrdiff_t)run->step * c,
                         d->add);
}

static void gather_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct depthwise *d = context;
    const int total = d->call->n * d->result.h, end = smaller(total, (piece + 1) * d->rows);
    for (int row = piece * d->rows; row < end; row++) {
        walk_row(d, row, gather_run, NULL);
        if (!d->back)
            op_finish(d->call, (size_t)row * (size_t)d->result.w, (size_t)d->result.w, 0,
                      d->result.c);
    }
}

static void gather(struct depthwise d) {
    const int total = d.call->n * d.result.h;
    d.rows = larger(1, PIECE_FLOATS / (d.result.w * d.result.c));
    pool_run(d.call->pool, (total + d.rows - 1) / d.rows, gather_piece, &d);
}

void conv2d_depthwise_forward(const struct op_call *call) {
    gather(depthwise_forward(call));
}

void conv2d_depthwise_data(const struct op_call *call) {
    gather(depthwise_back(call));
}

// The gradient of the weights: [ranges][taps][c].

static int weight_ranges(const struct op_call *call) {
    return smaller(RANGES, call->n * call->out_shape.h);
}

static size_t weight_floats(const struct op_call *call) {
    return (size_t)call->attr->conv.kernel_h * (size_t)call->attr->conv.kernel_w *
           (size_t)call->out_shape.c;
}

size_t conv2d_depthwise_scratch(const struct op_call *call) {
    return (size_t)weight_ranges(call) * weight_floats(call);
}

static void weight_run(const struct depthwise *d, const struct run *run, int row, void *partial) {
    const int c = d->result.c;
    const float *dy = d->call->dout + ((int64_t)row * d->result.w + run->x) * c;
    kernels()->depthwise_weight(run->count, c, run->from, (ptrdiff_t)run->source_step * c,
                                run->tap_count, run->taps, dy, partial);
}

static void weight_range(void *context, int range, int worker) {
    (void)worker;
    const struct op_call *call = context;
    const struct depthwise d = depthwise_forward(call);
    const int64_t total = (int64_t)call->n * call->out_shape.h;
    const int ranges = weight_ranges(call), end = (int)(total * (range + 1) / ranges);
    float *partial = call->scratch + (size_t)range * weight_floats(call);
    memset(partial, 0, weight_floats(call) * sizeof *partial);
    for (int row = (int)(total * range / ranges); row < end; row++)
        walk_row(&d, row, weight_run, partial);
}

void conv2d_depthwise_weight(const struct op_call *call) {
    struct op_call job = *call;
    const size_t count = weight_floats(call);
    pool_run(call->pool, weight_ranges(call), weight_range, &job);
    for (int range = 1; range < weight_ranges(call); range++)
        kernels()->sum(count, call->scratch, call->scratch + (size_t)range * count, call->scratch);
    op_give(call->dparam[0], 0, count, call->scratch);
}
