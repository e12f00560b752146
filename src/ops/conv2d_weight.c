#include "ops/conv2d_weight.h"
#include "base/kernels.h"
#include "ops/panels.h"
#include <string.h>

enum {
    RANGES = 8,               // partial sums, at most
    PARTIAL_FLOATS = 1 << 19, // of all partial sums, but for one range's
    SEGMENT_PIXELS = 192,     // a chain's length, about; a panel of so many gradients stays in L1
    STRIP_ROWS = 192,
    PACKED_STRIDE = 48, // floats from pixel to pixel from which on the input is packed:
    ROWS = 256,         // at most so many rows of the product at a time, of one kernel row,
    COLUMNS = 256,      // and so many columns: blocks of all three matrices stay in L2 together
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
    bool packed;        // the input, in panels; otherwise it is read in strips
    int parts;          // packed: of a kernel row
    int blocks, cuts;   // of rows: parts of kernel rows, or all; of panels
    int ranges;         // pieces: ranges * cuts * blocks
    int segment, strip; // grid rows in each
    float *partials;    // [ranges][groups * panels][rows][panel]
    bool direct;        // a single range is the gradient itself: nothing to add up
    float *workers;     // for each worker: a segment of dout in panels, and a strip or packed block
};

static int conv2d_smaller(int a, int b) {
    return a < b ? a : b;
}

static int conv2d_parts(int size, int part) {
    return (size + part - 1) / part;
}

static size_t conv2d_partial_floats(const struct conv2d_weight *w) {
    return (size_t)w->groups * panels_floats(w->rows, w->out);
}

// Of a panel of a segment's pixels.
static size_t conv2d_segment_floats(const struct conv2d_weight *w) {
    return (size_t)w->segment * (size_t)w->call->out_shape.w * (size_t)kernels()->panel;
}

static int conv2d_cut_panels(const struct conv2d_weight *w) {
    return conv2d_parts(w->groups * w->panels, w->cuts);
}

// The most rows of a block.
static int conv2d_block_rows(const struct conv2d_weight *w) {
    return w->packed ? conv2d_parts(w->across, w->parts) : w->rows;
}

static size_t conv2d_worker_floats(const struct conv2d_weight *w) {
    const int panels = conv2d_cut_panels(w), packed = panels_count(conv2d_block_rows(w));
    return (size_t)(panels + (w->packed ? packed : 0)) * conv2d_segment_floats(w) +
           (w->packed ? 0 : conv2d_image_floats(w->image, w->strip));
}

static void conv2d_weight_cut(struct conv2d_weight *w) {
    const int wide = w->call->out_shape.w, total = w->call->n * w->image->rows;
    const size_t fit = PARTIAL_FLOATS / conv2d_partial_floats(w);
    w->parts = conv2d_parts(w->across, ROWS);
    w->blocks = w->packed ? w->height * w->parts : 1;
    w->cuts = w->packed ? conv2d_parts(w->out, COLUMNS) : 1;
    w->ranges = conv2d_smaller(conv2d_parts(RANGES, w->blocks * w->cuts),
                               conv2d_smaller(total, fit < 1 ? 1 : (int)fit));
    if (w->blocks * w->cuts * w->ranges < RANGES)
        w->cuts = conv2d_smaller(w->groups * w->panels, RANGES);
    const int rows = conv2d_parts(total, w->ranges); // in segments of sizes as equal as can be
    const int segments = (int)(((int64_t)rows * wide + SEGMENT_PIXELS / 2) / SEGMENT_PIXELS);
    w->segment = conv2d_parts(rows, segments < 1 ? 1 : conv2d_smaller(segments, rows));
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
    w.packed = groups == 1 && image->step * w.in >= PACKED_STRIDE;
    conv2d_weight_cut(&w);
    return w;
}

size_t conv2d_weight_scratch(const struct op_call *call, const struct conv2d_image *image) {
    const struct conv2d_weight w = conv2d_weight_of(call, image);
    return (size_t)w.ranges * conv2d_partial_floats(&w) +
           (size_t)pool_threads(call->pool) * conv2d_worker_floats(&w);
}

// A segment: `count` grid rows from `first` on.
struct conv2d_segment {
    int first, count;
    int origin;         // the grid row with which the strip begins, or
    int r, row, end;    // packed: the block is of kernel row r, its rows row .. end - 1
    const float *input; // the strip or block
    float *b;           // dout, a panel after the other
};

// `count` floats from `column` on of a row of `wide` floats, zeros beyond its edges.
static void conv2d_clip(const float *row, int wide, int column, int count, float *to) {
    for (int i = 0; i < count; i++)
        to[i] = column + i >= 0 && column + i < wide ? row[column + i] : 0;
}

// A row of the input for a grid row: the block's rows of the product, for all pixels of the row.
static void conv2d_pack_row(const struct conv2d_weight *w, const struct conv2d_segment *s,
                            const float *row, float *to) {
    const struct shape in = w->image->shape;
    const int kernel = w->call->attr->conv.kernel_w, step = w->image->step, left = w->image->left;
    const int wide = w->call->out_shape.w, rows = s->end - s->row, panel = kernels()->panel;
    const size_t panels = conv2d_segment_floats(w);
    const int begin = conv2d_smaller((left + step - 1) / step, wide); // the window is inside
    const int last = (in.w - kernel + left) / step + 1, end = last < begin ? begin : last;
    float edge[ROWS];
    for (int x = 0; x < wide; x++) {
        if (x == begin && end > begin) {
            const int count = conv2d_smaller(end, wide) - x;
            kernels()->pack(count, rows, row + (x * step - left) * in.c + s->row,
                            (size_t)(step * in.c), to + x * panel, panels);
            x += count - 1;
            continue;
        }
        conv2d_clip(row, in.w * in.c, (x * step - left) * in.c + s->row, rows, edge);
        kernels()->pack(1, rows, edge, 0, to + x * panel, panels);
    }
}

// The block's rows of the product, for all pixels of a segment: [panels][pixels][panel].
static void conv2d_pack_block(const struct conv2d_weight *w, const struct conv2d_segment *s,
                              float *to) {
    const struct shape in = w->image->shape;
    const size_t row = (size_t)(w->call->out_shape.w * kernels()->panel);
    for (int i = 0; i < s->count; i++, to += row) {
        const int sample = (s->first + i) / w->image->rows;
        const int y = (s->first + i) % w->image->rows * w->image->step + s->r - w->image->top;
        if (y >= 0 && y < in.h) {
            const size_t at = (size_t)sample * (size_t)in.h + (size_t)y;
            conv2d_pack_row(w, s, w->image->data + at * (size_t)(in.w * in.c), to);
        } else {
            for (int j = 0; j < panels_count(s->end - s->row); j++)
                memset(to + (size_t)j * conv2d_segment_floats(w), 0, row * sizeof *to);
        }
    }
}

// dout of a segment, panels first .. first + count - 1 of all groups; without groups in one go.
static void conv2d_pack_segment(const struct conv2d_weight *w, const struct conv2d_segment *s,
                                int first, int count) {
    const int wide = w->call->out_shape.w, k = w->call->out_shape.c, panel = kernels()->panel;
    const int together = w->groups == 1 ? count : 1;
    const float *dout = w->call->dout + (size_t)s->first * (size_t)(wide * k);
    for (int i = 0; i < count; i += together) {
        const int group = (first + i) / w->panels, j = (first + i) % w->panels * panel;
        kernels()->pack(s->count * wide, conv2d_smaller(w->out - j, together * panel),
                        dout + group * w->out + j, (size_t)k,
                        s->b + (size_t)i * conv2d_segment_floats(w), conv2d_segment_floats(w));
    }
}

// Where the sums of a range and a panel `index` (group * panels + panel) stand.
struct conv2d_sums {
    float *to;
    size_t stride; // from row to row
};

static struct conv2d_sums conv2d_weight_sums(const struct conv2d_weight *w, int range, int index) {
    const size_t panel = (size_t)kernels()->panel;
    const int channel = index / w->panels * w->out + index % w->panels * (int)panel;
    if (w->direct)
        return (struct conv2d_sums){w->call->dparam[0].to + channel, (size_t)w->call->out_shape.c};
    return (struct conv2d_sums){w->partials + (size_t)range * conv2d_partial_floats(w) +
                                    (size_t)index * (size_t)w->rows * panel,
                                panel};
}

// They get what one segment gives, dout being `b`.
static void conv2d_weight_panel(const struct conv2d_weight *w, const struct conv2d_segment *s,
                                int index, const float *b, struct conv2d_sums sums, bool add) {
    const int wide = w->call->out_shape.w, c = w->image->shape.c;
    const int group = index / w->panels, j = index % w->panels * kernels()->panel;
    const int columns = conv2d_smaller(w->out - j, kernels()->panel);
    if (w->packed) {
        const int panel = kernels()->panel, first = s->r * w->across + s->row;
        for (int i = 0; i < s->end - s->row; i += panel) {
            const float *a = s->input + (size_t)(i / panel) * conv2d_segment_floats(w);
            kernels()->outer(conv2d_smaller(s->end - s->row - i, panel), columns, 1,
                             s->count * wide, &a, (size_t)panel, 0, b,
                             sums.to + (size_t)(first + i) * sums.stride, sums.stride, add);
        }
        return;
    }
    const size_t pitch = (size_t)w->image->padded_w * (size_t)c;
    const float *runs[2 * SEGMENT_PIXELS];
    for (int i = 0; i < s->count; i++) {
        const int64_t row = conv2d_image_at(w->image, s->first + i);
        runs[i] = s->input + (size_t)(row - conv2d_image_at(w->image, s->origin)) * pitch;
    }
    for (int r = 0; r < w->height; r++) {
        for (int t = 0; t < w->taps; t++, sums.to += (size_t)w->across * sums.stride) {
            kernels()->outer(w->across, columns, s->count, wide, runs, (size_t)(w->image->step * c),
                             (size_t)r * pitch + (size_t)(t * c + group * w->in), b, sums.to,
                             sums.stride, add);
        }
    }
}

static void conv2d_weight_piece(void *context, int piece, int worker) {
    const struct conv2d_weight *w = context;
    const int range = piece / (w->cuts * w->blocks), cut = piece / w->blocks % w->cuts;
    const int block = piece % w->blocks, panels = w->groups * w->panels;
    const int64_t total = (int64_t)w->call->n * w->image->rows;
    const int first = (int)(total * range / w->ranges);
    const int end = (int)(total * (range + 1) / w->ranges);
    const int panel = panels * cut / w->cuts, count = panels * (cut + 1) / w->cuts - panel;
    float *room = w->workers + (size_t)worker * conv2d_worker_floats(w);
    float *input = room + (size_t)conv2d_cut_panels(w) * conv2d_segment_floats(w);
    const int part = block % w->parts;
    struct conv2d_segment s = {.r = block / w->parts,
                               .row = w->across * part / w->parts,
                               .end = w->across * (part + 1) / w->parts,
                               .input = input,
                               .b = room};
    for (s.first = first; s.first < end; s.first += s.count) {
        s.count = conv2d_smaller(w->segment, end - s.first);
        if (w->packed) {
            conv2d_pack_block(w, &s, input);
        } else if ((s.first - first) % w->strip == 0) {
            s.origin = s.first;
            s.input = conv2d_image_strip(w->image, s.first, conv2d_smaller(w->strip, end - s.first),
                                         input);
        }
        conv2d_pack_segment(w, &s, panel, count);
        for (int i = 0; i < count; i++)
            conv2d_weight_panel(w, &s, panel + i, s.b + (size_t)i * conv2d_segment_floats(w),
                                conv2d_weight_sums(w, range, panel + i), s.first > first);
    }
}

// Adds up the partial sums of one row of a panel, in order.
static void conv2d_weight_row(const struct conv2d_weight *w, int index, int row, float *to) {
    const int group = index / w->panels, j = index % w->panels * kernels()->panel;
    const size_t columns = (size_t)conv2d_smaller(w->out - j, kernels()->panel);
    const struct conv2d_sums first = conv2d_weight_sums(w, 0, index);
    const float *from = first.to + (size_t)row * first.stride;
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
    w.direct = w.ranges == 1 && !call->dparam[0].add;
    pool_run(call->pool, w.ranges * w.cuts * w.blocks, conv2d_weight_piece, &w);
    if (w.direct)
        return;
    pool_run(call->pool, (w.rows + REDUCE_ROWS - 1) / REDUCE_ROWS, conv2d_weight_reduce, &w);
}
