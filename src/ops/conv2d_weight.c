#include "ops/conv2d_weight.h"
#include "base/kernels.h"
#include "ops/panels.h"
#include <string.h>

enum {
    RANGES = 8,               // partial sums, at most
    PARTIAL_FLOATS = 1 << 19, // of all partial sums, but for one range's
    SEGMENT_PIXELS = 128,     // a chain's length; a panel of so many gradients stays in L1
    STRIP_ROWS = 128,
    REDUCE_ROWS = 32,
    PANEL_MAX = 32, // the widest panel of any kernel
};

struct conv2d_weight {
    const struct op_call *call;
    const struct conv2d_image *image;
    int groups, in, out, panels; // channels and panels per group
    int height, across; // kernel rows; rows of the product that are contiguous in the image
    int taps;           // runs of `across` in a kernel row
    int rows;           // of a panel of the gradient: kernel_h * kernel_w * in
    int ranges, cuts;   // pieces: ranges * cuts
    int segment, strip; // grid rows in each
    float *partials;    // [ranges][groups * panels][rows][panel]
    float *workers;     // for each worker: a panel of a segment of dout, and a strip
};

static int conv2d_smaller(int a, int b) {
    return a < b ? a : b;
}

static size_t conv2d_partial_floats(const struct conv2d_weight *w) {
    return (size_t)w->groups * panels_floats(w->rows, w->out);
}

static size_t conv2d_segment_floats(const struct conv2d_weight *w) {
    return (size_t)w->segment * (size_t)w->call->out_shape.w * (size_t)kernels()->panel;
}

static size_t conv2d_worker_floats(const struct conv2d_weight *w) {
    return conv2d_segment_floats(w) + conv2d_image_floats(w->image, w->strip);
}

static void conv2d_weight_cut(struct conv2d_weight *w) {
    const int wide = w->call->out_shape.w, total = w->call->n * w->image->rows;
    const size_t fit = PARTIAL_FLOATS / conv2d_partial_floats(w);
    w->ranges = conv2d_smaller(total, fit < 1 ? 1 : fit < RANGES ? (int)fit : RANGES);
    w->cuts = w->ranges < RANGES ? w->groups * w->panels : 1;
    w->segment = wide < SEGMENT_PIXELS ? SEGMENT_PIXELS / wide : 1;
    w->segment = conv2d_smaller(w->segment, (total + w->ranges - 1) / w->ranges);
    const int strip = conv2d_image_strip_rows(w->image, STRIP_ROWS);
    w->strip = strip < w->segment ? w->segment : strip / w->segment * w->segment;
}

static struct conv2d_weight conv2d_weight_of(const struct op_call *call,
                                             const struct conv2d_image *image) {
    const int groups = call->attr->conv.groups, s = call->attr->conv.kernel_w;
    struct conv2d_weight w = {.call = call, .image = image, .groups = groups};
    w.in = call->in_shape[0].c / groups;
    w.out = call->out_shape.c / groups;
    w.panels = panels_count(w.out);
    w.height = call->attr->conv.kernel_h;
    w.taps = groups == 1 ? 1 : s;
    w.across = groups == 1 ? s * w.in : w.in;
    w.rows = w.height * s * w.in;
    conv2d_weight_cut(&w);
    return w;
}

size_t conv2d_weight_scratch(const struct op_call *call, const struct conv2d_image *image) {
    const struct conv2d_weight w = conv2d_weight_of(call, image);
    return (size_t)w.ranges * conv2d_partial_floats(&w) +
           (size_t)pool_threads(call->pool) * conv2d_worker_floats(&w);
}

// A segment: `count` grid rows from `first` on, in a strip that begins with grid row `origin`.
struct conv2d_segment {
    int first, count, origin;
    const float *strip;
    float *b;
};

// The gradient panel `index` (group * panels + panel) gets what one segment gives.
static void conv2d_weight_panel(const struct conv2d_weight *w, const struct conv2d_segment *s,
                                int index, float *to, bool add) {
    const int wide = w->call->out_shape.w, c = w->image->shape.c, k = w->call->out_shape.c;
    const int group = index / w->panels, j = index % w->panels * kernels()->panel;
    const int columns = conv2d_smaller(w->out - j, kernels()->panel);
    const size_t pitch = (size_t)w->image->padded_w * (size_t)c;
    const float *runs[SEGMENT_PIXELS];
    for (int i = 0; i < s->count; i++) {
        const int64_t row = conv2d_image_at(w->image, s->first + i);
        runs[i] = s->strip + (size_t)(row - conv2d_image_at(w->image, s->origin)) * pitch;
    }
    panels_pack(s->count * wide, columns,
                w->call->dout + (size_t)s->first * (size_t)(wide * k) + group * w->out + j,
                (size_t)k, s->b);
    for (int r = 0; r < w->height; r++) {
        for (int t = 0; t < w->taps; t++, to += w->across * kernels()->panel) {
            kernels()->outer(w->across, columns, s->count, wide, runs, (size_t)(w->image->step * c),
                             (size_t)r * pitch + (size_t)(t * c + group * w->in), s->b, to, add);
        }
    }
}

static void conv2d_weight_piece(void *context, int piece, int worker) {
    const struct conv2d_weight *w = context;
    const int range = piece / w->cuts, cut = piece % w->cuts;
    const int64_t total = (int64_t)w->call->n * w->image->rows;
    const int first = (int)(total * range / w->ranges);
    const int end = (int)(total * (range + 1) / w->ranges);
    const int panels = w->groups * w->panels / w->cuts; // per cut
    const size_t size = (size_t)w->rows * (size_t)kernels()->panel;
    float *partial = w->partials + (size_t)range * conv2d_partial_floats(w);
    struct conv2d_segment s = {.b = w->workers + (size_t)worker * conv2d_worker_floats(w)};
    for (s.first = first; s.first < end; s.first += s.count) {
        if ((s.first - first) % w->strip == 0) {
            s.origin = s.first;
            s.strip = conv2d_image_strip(w->image, s.first, conv2d_smaller(w->strip, end - s.first),
                                         s.b + conv2d_segment_floats(w));
        }
        s.count = conv2d_smaller(w->segment, end - s.first);
        for (int i = cut * panels; i < (cut + 1) * panels; i++)
            conv2d_weight_panel(w, &s, i, partial + (size_t)i * size, s.first > first);
    }
}

// Adds up the partial sums of one row of a panel, in order.
static void conv2d_weight_row(const struct conv2d_weight *w, int index, int row, float *to) {
    const int group = index / w->panels, j = index % w->panels * kernels()->panel;
    const size_t columns = (size_t)conv2d_smaller(w->out - j, kernels()->panel);
    const float *from =
        w->partials + ((size_t)index * (size_t)w->rows + (size_t)row) * (size_t)kernels()->panel;
    float sum[PANEL_MAX];
    memcpy(sum, from, columns * sizeof *sum);
    for (int range = 1; range < w->ranges; range++)
        kernels()->sum(columns, sum, from + (size_t)range * conv2d_partial_floats(w), sum);
    const size_t at = (size_t)row * (size_t)w->call->out_shape.c + (size_t)(group * w->out + j);
    op_give((struct op_grad){to, w->call->dparam[0].add}, at, columns, sum);
}

static void conv2d_weight_reduce(void *context, int piece, int worker) {
    (void)worker;
    const struct conv2d_weight *w = context;
    const int end = conv2d_smaller((piece + 1) * REDUCE_ROWS, w->rows);
    for (int row = piece * REDUCE_ROWS; row < end; row++) {
        for (int i = 0; i < w->groups * w->panels; i++)
            conv2d_weight_row(w, i, row, w->call->dparam[0].to);
    }
}

void conv2d_weight(const struct op_call *call, const struct conv2d_image *image, float *scratch) {
    struct conv2d_weight w = conv2d_weight_of(call, image);
    w.partials = scratch;
    w.workers = scratch + (size_t)w.ranges * conv2d_partial_floats(&w);
    pool_run(call->pool, w.ranges * w.cuts, conv2d_weight_piece, &w);
    pool_run(call->pool, (w.rows + REDUCE_ROWS - 1) / REDUCE_ROWS, conv2d_weight_reduce, &w);
}
