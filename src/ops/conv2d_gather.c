#include "ops/conv2d_gather.h"
#include "base/kernels.h"
#include "ops/chains.h"
#include "ops/panels.h"
#include <string.h>

enum {
    PIECES = 16,            // as many as there should be at least,
    PIECE_PIXELS = 64,      // unless they have fewer pixels than this
    PIECE_ROWS = 64,        // the most grid rows in a piece
    PIECE_FLOATS = 1 << 15, // of its output, about, at most: they stay in cache for all panels
    TILE = 16,              // the most rows of any kernel
};

// Where the pixels of a grid row begin.
struct conv2d_row {
    const float *a;
    float *out;
};

// One phase of one piece: its grid rows and what each of their pixels does.
struct conv2d_walk {
    const struct conv2d_gather *g;
    const struct conv2d_phase *phase;
    int rows, columns, depth, tap_count;
    struct conv2d_row row[PIECE_ROWS];
    struct kernel_tap taps[CONV2D_TAPS];
};

static int conv2d_in_channels(const struct conv2d_gather *g) {
    return g->image.shape.c / g->groups;
}

static int conv2d_out_channels(const struct conv2d_gather *g) {
    return g->out_shape.c / g->groups;
}

static int conv2d_taps_depth(const struct conv2d_gather *g, const struct conv2d_phase *phase) {
    return phase->tap_rows * phase->tap_columns * conv2d_in_channels(g);
}

size_t conv2d_gather_weights(const struct conv2d_gather *g, const struct conv2d_phase *phase) {
    return (size_t)g->groups * panels_floats(conv2d_taps_depth(g, phase), conv2d_out_channels(g));
}

static int conv2d_grid_columns(const struct conv2d_gather *g) {
    return (g->out_shape.w + g->out_step - 1) / g->out_step;
}

static int conv2d_smaller(int a, int b) {
    return a < b ? a : b;
}

static int conv2d_piece_rows(const struct conv2d_gather *g) {
    const int columns = conv2d_grid_columns(g), total = g->n * g->image.rows;
    const int least = (PIECE_PIXELS + columns - 1) / columns;
    const int fit = PIECE_FLOATS / (columns * g->out_step * g->out_step * g->out_shape.c);
    const int share = conv2d_smaller((total + PIECES - 1) / PIECES, fit);
    const int most = conv2d_image_strip_rows(&g->image, PIECE_ROWS);
    const int rows = share > least ? share : least;
    return rows < most ? rows : most;
}

size_t conv2d_gather_strips(const struct conv2d_gather *g, int threads) {
    return (size_t)threads * conv2d_image_floats(&g->image, conv2d_piece_rows(g));
}

// A row of taps that is contiguous in the image and in the weights is one long tap.
static void conv2d_walk_taps(struct conv2d_walk *w) {
    const struct conv2d_gather *g = w->g;
    const int c = g->image.pixel;
    const bool whole = c == conv2d_in_channels(g);
    const int across = whole ? 1 : w->phase->tap_columns;
    w->depth = whole ? w->phase->tap_columns * c : conv2d_in_channels(g);
    w->tap_count = w->phase->tap_rows * across;
    for (int t = 0; t < w->tap_count; t++) {
        w->taps[t].a = ((ptrdiff_t)(t / across) * g->image.padded_w + t % across) * c;
        w->taps[t].b = (size_t)t * (size_t)w->depth;
    }
}

// Grid rows first .. first + count - 1 of the batch, but those that lie below their output.
static void conv2d_walk_rows(struct conv2d_walk *w, int first, int count, const float *strip) {
    const struct conv2d_gather *g = w->g;
    const struct shape s = g->out_shape;
    const size_t pitch = (size_t)g->image.padded_w * (size_t)g->image.pixel;
    const int64_t origin = conv2d_image_at(&g->image, first);
    w->rows = 0;
    w->columns = (s.w - w->phase->x + g->out_step - 1) / g->out_step;
    for (int row = first; row < first + count; row++) {
        const int sample = row / g->image.rows;
        const int y = row % g->image.rows * g->out_step + w->phase->y;
        if (y >= s.h)
            continue;
        const int64_t from = conv2d_image_at(&g->image, row) - origin + w->phase->row;
        const size_t pixel = ((size_t)sample * (size_t)s.h + (size_t)y) * (size_t)s.w;
        w->row[w->rows++] = (struct conv2d_row){
            strip + (size_t)from * pitch + (size_t)w->phase->column * (size_t)g->image.pixel,
            g->out + (pixel + (size_t)w->phase->x) * (size_t)s.c};
    }
}

static void conv2d_tile(const struct conv2d_walk *w, int count, const float *const *a,
                        float *const *out, int columns, const float *b, const float *bias,
                        const struct kernel_tail *tail, const float *next) {
    for (int i = 0; bias && i < count; i++)
        memcpy(out[i], bias, (size_t)columns * sizeof *bias);
    chains_gather(count, a, out, columns, w->taps, w->tap_count, w->depth, b, bias || w->g->add,
                  tail, next);
}

// All pixels of the walk, for output channels `channel` .. channel + columns - 1, in tiles of sizes
// as equal as can be.
static void conv2d_walk_panel(const struct conv2d_walk *w, int group, int channel, int columns,
                              const float *b) {
    const struct conv2d_gather *g = w->g;
    const int a_step = g->image.step * g->image.pixel, out_step = g->out_step * g->out_shape.c;
    const int most = kernels()->rows, offset = group * conv2d_in_channels(g);
    const float *a[TILE], *bias = g->bias ? g->bias + channel : NULL;
    float *out[TILE];
    struct kernel_tail tail = kernel_tail_from(&g->tail, 0, channel);
    int left = w->rows * w->columns, row = 0, column = 0;
    for (int tiles = (left + most - 1) / most; tiles > 0; tiles--) {
        const int count = (left + tiles - 1) / tiles;
        left -= count;
        for (int i = 0; i < count; i++) {
            a[i] = w->row[row].a + (size_t)column * (size_t)a_step + offset;
            out[i] = w->row[row].out + (size_t)column * (size_t)out_step + channel;
            if (++column == w->columns)
                column = 0, row++;
        }
        if (tail.add)
            tail.add = g->tail.add + (out[0] - g->out);
        // What a single tap reads of the next tile is contiguous, and first read by this panel.
        const bool fetch = w->tap_count == 1 && channel == 0 && tiles > 1;
        conv2d_tile(w, count, a, out, columns, b, bias, kernel_tail_any(&tail) ? &tail : NULL,
                    fetch ? a[count - 1] + a_step : NULL);
    }
}

// A panel of weights serves all pixels of the piece while it is in cache.
static void conv2d_walk_phase(struct conv2d_walk *w) {
    const struct conv2d_gather *g = w->g;
    const int panel = kernels()->panel, channels = conv2d_out_channels(g);
    const float *b = g->b + w->phase->b;
    conv2d_walk_taps(w);
    for (int group = 0; group < g->groups; group++) {
        for (int j = 0; j < channels; j += panel) {
            const int columns = channels - j < panel ? channels - j : panel;
            conv2d_walk_panel(w, group, group * channels + j, columns, b);
            b += (size_t)conv2d_taps_depth(g, w->phase) * (size_t)panel;
        }
    }
}

static void conv2d_gather_piece(void *context, int piece, int worker) {
    const struct conv2d_gather *g = context;
    const int rows = conv2d_piece_rows(g), total = g->n * g->image.rows, first = piece * rows;
    const int count = total - first < rows ? total - first : rows;
    float *buffer = g->strips + (size_t)worker * conv2d_gather_strips(g, 1);
    const float *strip = conv2d_image_strip(&g->image, first, count, buffer);
    for (int i = 0; i < g->phase_count; i++) {
        struct conv2d_walk walk;
        walk.g = g;
        walk.phase = &g->phases[i];
        conv2d_walk_rows(&walk, first, count, strip);
        conv2d_walk_phase(&walk);
    }
}

void conv2d_gather(struct conv2d_gather *g, struct pool *pool) {
    const int rows = conv2d_piece_rows(g), total = g->n * g->image.rows;
    pool_run(pool, (total + rows - 1) / rows, conv2d_gather_piece, g);
}
