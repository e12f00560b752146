#include "ops/conv2d_winograd.h"
#include "base/kernels.h"
#include "ops/conv2d_tiles.h"
#include "ops/panels.h"
#include <string.h>

enum {
    LEAST_CHANNELS = 16,   // with fewer, the transforms cost more than they save
    CHUNK_FLOATS = 180000, // of transformed data, about; it stays in L2
    CHUNK_TILES = 28,      // at least, so that weights are read often enough for every load
    PACK_ROWS = 64,        // of a panel of weights, transformed at once
    // Blocked: with large weights and few tiles, a product of a slice of input channels, a block of
    // tiles and a group of output channels at a time, all of which stay in L2 together.
    BLOCKED_WEIGHTS = 192 * 192, // from so many per tap on,
    BLOCKED_INPUT = 1 << 18,     // up to so many floats per point of all tiles
    SLICE = PACK_ROWS,
    BLOCK_TILES = 128,
    GROUP = 32, // channels
    AHEAD = 8,  // rows of weights to fetch, which are far apart
};

// Three in four of the output's pixels in tiles must be there.
static bool conv2d_fills_tiles(struct shape s) {
    const struct conv2d_tiles t = conv2d_tiles(s, 1);
    return 4 * s.h * s.w >= 3 * t.count * TILE_SIDE * TILE_SIDE;
}

bool conv2d_is_winograd(const struct op_call *call) {
    const union op_attr *attr = call->attr;
    const bool fits = attr->conv.kernel_h == 3 && attr->conv.kernel_w == 3 &&
                      attr->conv.stride == 1 && attr->conv.pad <= 2 && attr->conv.groups == 1;
    return fits && !call->mode.precise && call->in_shape[0].c >= LEAST_CHANNELS &&
           call->out_shape.c >= LEAST_CHANNELS && conv2d_fills_tiles(call->out_shape) &&
           conv2d_fills_tiles(call->in_shape[0]);
}

// One pass: from `in`, padded by `pad`, to `out`.
struct conv2d_winograd {
    const float *in;
    struct shape in_shape, out_shape;
    int n, pad;
    float *out;
    bool add;          // to what stands there
    const float *bias; // or NULL
    const float *weight;
    const struct op_call *call; // of the forward pass, whose tail is done in passing; or NULL
    bool turned;                // weight is [r][s][out][in], to be taken with r and s falling
    struct conv2d_tiles tiles;
    int chunk, panels;
    bool blocked;   // chunks are blocks, transformed before threads take one and some panels
    int slice;      // input channels whose transformed tiles stand together
    int group;      // blocked: panels for which a thread takes a block
    float *input;   // blocked: all transformed tiles, [chunk][slices][36][tile][slice]
    float *weights; // otherwise: all transformed weights, [panel][36][in][panel]
    float *workers; // for each worker: see conv2d_worker
};

// A worker's room.
struct conv2d_worker {
    float *input;   // not blocked: its chunk's transformed tiles
    float *weights; // blocked: one panel's for a slice
    float *product; // of a chunk and a panel, [36][tile][columns]; blocked: for each of the group
    float *patch;   // a tile beyond an edge
};

static int conv2d_least(int a, int b) {
    return a < b ? a : b;
}

static size_t conv2d_most(size_t a, size_t b) {
    return a > b ? a : b;
}

// In chunks of whole register blocks, of sizes as equal as can be.
static int conv2d_chunk_tiles(const struct conv2d_winograd *w) {
    const int rows = kernels()->rows;
    const size_t pixel = conv2d_tile_pixel(w->in_shape.c) + (size_t)kernels()->panel;
    const int fit = (int)(CHUNK_FLOATS / (TILE_POINTS * pixel));
    const int most = (fit < CHUNK_TILES ? CHUNK_TILES : fit) / rows * rows;
    return conv2d_least(most, w->tiles.count);
}

// In blocks of sizes as equal as can be.
static int conv2d_block_tiles(const struct conv2d_winograd *w) {
    const int blocks = (w->tiles.count + BLOCK_TILES - 1) / BLOCK_TILES;
    return (w->tiles.count + blocks - 1) / blocks;
}

static void conv2d_winograd_cut(struct conv2d_winograd *w) {
    w->tiles = conv2d_tiles(w->out_shape, w->n);
    w->panels = panels_count(w->out_shape.c);
    w->blocked = (int64_t)w->tiles.count * w->in_shape.c <= BLOCKED_INPUT &&
                 (int64_t)w->in_shape.c * w->out_shape.c >= BLOCKED_WEIGHTS;
    w->slice = w->blocked ? SLICE : (int)conv2d_tile_pixel(w->in_shape.c);
    w->group = w->blocked ? conv2d_least(w->panels, GROUP / kernels()->panel) : 1;
    w->chunk = w->blocked ? conv2d_block_tiles(w) : conv2d_chunk_tiles(w);
}

static struct conv2d_winograd conv2d_winograd_of_forward(const struct op_call *call) {
    struct conv2d_winograd w = {.in = call->in[0],
                                .in_shape = call->in_shape[0],
                                .out_shape = call->out_shape,
                                .n = call->n,
                                .pad = call->attr->conv.pad,
                                .out = call->out,
                                .bias = call->param[1],
                                .weight = call->param[0],
                                .call = call};
    conv2d_winograd_cut(&w);
    return w;
}

static struct conv2d_winograd conv2d_winograd_of_data(const struct op_call *call) {
    struct conv2d_winograd w = {.in = call->dout,
                                .in_shape = call->out_shape,
                                .out_shape = call->in_shape[0],
                                .n = call->n,
                                .pad = 2 - call->attr->conv.pad,
                                .out = call->din[0].to,
                                .add = call->din[0].add,
                                .weight = call->param[0],
                                .turned = true};
    conv2d_winograd_cut(&w);
    return w;
}

// Output channels of a panel.
static int conv2d_columns(const struct conv2d_winograd *w, int index) {
    return conv2d_least(w->out_shape.c - index * kernels()->panel, kernels()->panel);
}

// Sizes, in floats.

static int conv2d_slices(const struct conv2d_winograd *w) {
    return (w->in_shape.c + w->slice - 1) / w->slice;
}

static int conv2d_chunks(const struct conv2d_winograd *w) {
    return (w->tiles.count + w->chunk - 1) / w->chunk;
}

static size_t conv2d_input_step(const struct conv2d_winograd *w) {
    return conv2d_points_step(w->chunk, (size_t)w->slice);
}

// Of a chunk.
static size_t conv2d_input_floats(const struct conv2d_winograd *w) {
    return (size_t)conv2d_slices(w) * TILE_POINTS * conv2d_input_step(w);
}

// Of a tile's products with a panel.
static size_t conv2d_product_pixel(const struct conv2d_winograd *w) {
    return conv2d_tile_pixel(conv2d_least(w->out_shape.c, kernels()->panel));
}

static size_t conv2d_product_step(const struct conv2d_winograd *w) {
    return conv2d_points_step(w->chunk, conv2d_product_pixel(w));
}

static size_t conv2d_product_floats(const struct conv2d_winograd *w) {
    return TILE_POINTS * conv2d_product_step(w);
}

// Of one panel for a slice.
static size_t conv2d_panel_floats(const struct conv2d_winograd *w) {
    const int rows = conv2d_least(w->slice, w->in_shape.c);
    return (size_t)(TILE_POINTS * rows * kernels()->panel);
}

static size_t conv2d_pack_floats(void) {
    return (size_t)(TILE_TAPS * PACK_ROWS * kernels()->panel);
}

// A patch, or nine taps of some rows of a panel.
static size_t conv2d_spare_floats(const struct conv2d_winograd *w) {
    return conv2d_most(conv2d_pack_floats(),
                       conv2d_most(conv2d_patch_floats(TILE_WINDOW, w->in_shape.c),
                                   conv2d_patch_floats(TILE_SIDE, kernels()->panel)));
}

static size_t conv2d_worker_floats(const struct conv2d_winograd *w) {
    return (w->blocked ? conv2d_panel_floats(w) : conv2d_input_floats(w)) +
           (size_t)w->group * conv2d_product_floats(w) + conv2d_spare_floats(w);
}

// All that is transformed before threads take chunks.
static size_t conv2d_common_floats(const struct conv2d_winograd *w) {
    return w->blocked ? (size_t)conv2d_chunks(w) * conv2d_input_floats(w)
                      : (size_t)w->panels * conv2d_panel_floats(w);
}

static size_t conv2d_winograd_floats(const struct conv2d_winograd *w, struct pool *pool) {
    return conv2d_common_floats(w) + (size_t)pool_threads(pool) * conv2d_worker_floats(w);
}

static struct conv2d_worker conv2d_worker_at(const struct conv2d_winograd *w, int worker) {
    float *room = w->workers + (size_t)worker * conv2d_worker_floats(w);
    struct conv2d_worker at = {.input = room, .weights = room};
    at.product = room + (w->blocked ? conv2d_panel_floats(w) : conv2d_input_floats(w));
    at.patch = at.product + (size_t)w->group * conv2d_product_floats(w);
    return at;
}

static void conv2d_fetch(const float *from, int count) {
    for (int i = 0; i < count; i += CACHE_LINE)
        __builtin_prefetch(from + i);
}

// A panel's weights for `count` rows (input channels) from `first` on, to matrices of rows of a
// panel, `step` apart. By way of `taps` unless they can be read where they are.
static void conv2d_transform_rows(const struct conv2d_winograd *w, int index, int first, int count,
                                  float *taps, float *to, size_t step) {
    const int panel = kernels()->panel, in = w->in_shape.c, out = w->out_shape.c;
    const int columns = conv2d_columns(w, index);
    const size_t block = (size_t)(count * panel), size = (size_t)in * (size_t)out;
    const float *from = w->weight + (size_t)first * (size_t)out + index * panel;
    if (!w->turned && columns % kernels()->width == 0) {
        for (int i = 0; i < count; i++, from += out, to += panel) {
            for (size_t t = 0; t < TILE_TAPS; t++)
                conv2d_fetch(from + t * size + (size_t)(AHEAD * out), columns);
            kernels()->winograd_weight(columns / kernels()->width, from, 3 * size, size, to,
                                       TILE_WINDOW * step, step);
        }
        return;
    }
    for (size_t t = 0; t < TILE_TAPS; t++) {
        if (w->turned)
            panels_pack_transposed(count, columns,
                                   w->weight + (TILE_TAPS - 1 - t) * size +
                                       (size_t)(index * panel) * (size_t)in + first,
                                   (size_t)in, taps + t * block);
        else
            panels_pack(count, columns, from + t * size, (size_t)out, taps + t * block);
    }
    kernels()->winograd_weight((int)block / kernels()->width, taps, 3 * block, block, to,
                               TILE_WINDOW * step, step);
}

// All of a panel's weights, in blocks of rows that stay in cache.
static void conv2d_weights_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const int in = w->in_shape.c, panel = kernels()->panel;
    float *taps = conv2d_worker_at(w, worker).patch;
    float *to = w->weights + (size_t)piece * conv2d_panel_floats(w);
    for (int first = 0; first < in; first += PACK_ROWS)
        conv2d_transform_rows(w, piece, first, conv2d_least(in - first, PACK_ROWS), taps,
                              to + first * panel, (size_t)(in * panel));
}

static int conv2d_chunk_first(const struct conv2d_winograd *w, int chunk) {
    return (int)((int64_t)w->tiles.count * chunk / conv2d_chunks(w));
}

// Tiles first .. first + count - 1 into places `at`, ... of `to`, [slices][36][place][slice].
static void conv2d_transform_tiles(const struct conv2d_winograd *w, int first, int count, int at,
                                   float *patch, float *to) {
    const int c = w->in_shape.c, pixel = (int)conv2d_tile_pixel(c);
    const size_t step = conv2d_input_step(w);
    for (int i = 0; i < count; i++) {
        struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        tile.y -= w->pad;
        tile.x -= w->pad;
        const struct conv2d_view v =
            conv2d_tile_view(w->in, &w->in_shape, &tile, TILE_WINDOW, 0, c, patch);
        float *place = to + (size_t)((at + i) * w->slice);
        for (int channel = 0; channel < c; channel += w->slice, place += TILE_POINTS * step)
            kernels()->winograd_input(conv2d_least(pixel - channel, w->slice) / kernels()->width,
                                      v.at + channel, v.row, v.column, place, TILE_WINDOW * step,
                                      step);
    }
}

// The 36 products of `count` transformed tiles with a panel, for `depth` input channels: the first
// ones or, with `carry`, the next.
static void conv2d_multiply(const struct conv2d_winograd *w, int count, int columns, int depth,
                            const float *input, const float *weights, float *product, bool carry) {
    const size_t matrix = (size_t)(depth * kernels()->panel);
    for (size_t i = 0; i < TILE_POINTS; i++)
        kernels()->product(count, columns, depth, input + i * conv2d_input_step(w),
                           (size_t)w->slice, weights + i * matrix,
                           product + i * conv2d_product_step(w), conv2d_product_pixel(w), carry);
}

// From a patch to its place: with what is to be added, and without what lies beyond an edge.
static void conv2d_place_patch(const struct conv2d_winograd *w, const struct conv2d_tile *tile,
                               int first, int columns, const float *patch) {
    const struct shape s = w->out_shape;
    const size_t pixel = conv2d_tile_pixel(columns);
    for (int y = 0; y < conv2d_least(TILE_SIDE, s.h - tile->y); y++) {
        const size_t row = (size_t)tile->sample * (size_t)s.h + (size_t)(tile->y + y);
        float *to = w->out + (row * (size_t)s.w + (size_t)tile->x) * (size_t)s.c + first;
        const float *from = patch + (size_t)(y * TILE_SIDE) * pixel;
        for (int x = 0; x < conv2d_least(TILE_SIDE, s.w - tile->x); x++, to += s.c, from += pixel) {
            if (w->bias || w->add)
                kernels()->sum((size_t)columns, from, w->add ? to : w->bias + first, to);
            else
                memcpy(to, from, (size_t)columns * sizeof *to);
        }
    }
}

static void conv2d_output_tile(const struct conv2d_winograd *w, const struct conv2d_tile *tile,
                               int first, int columns, const float *product, float *patch) {
    const size_t pixel = conv2d_tile_pixel(columns), c = (size_t)w->out_shape.c;
    const size_t step = conv2d_product_step(w);
    const int vectors = (int)pixel / kernels()->width;
    if (conv2d_tile_inside(&w->out_shape, tile, TILE_SIDE) && pixel == (size_t)columns &&
        !w->bias) {
        const size_t row = (size_t)w->out_shape.w * c;
        float *to = w->out + ((size_t)(tile->sample * w->out_shape.h + tile->y) * row) +
                    (size_t)tile->x * c + first;
        (w->add ? kernels()->winograd_output_add : kernels()->winograd_output)(
            vectors, product, TILE_WINDOW * step, step, to, row, c);
        return;
    }
    kernels()->winograd_output(vectors, product, TILE_WINDOW * step, step, patch, TILE_SIDE * pixel,
                               pixel);
    conv2d_place_patch(w, tile, first, columns, patch);
}

// The tail of a panel's outputs in tiles first .. first + count - 1: by the part of a row of tiles.
static void conv2d_finish_tiles(const struct conv2d_winograd *w, int first, int count, int channel,
                                int columns) {
    const struct shape s = w->out_shape;
    const int across = w->tiles.across;
    for (int i = first, run; w->call && i < first + count; i += run) {
        const struct conv2d_tile tile = conv2d_tile_at(&w->tiles, i);
        run = conv2d_least(across - i % across, first + count - i);
        const int wide = conv2d_least(run * TILE_SIDE, s.w - tile.x);
        for (int y = tile.y; y < conv2d_least(tile.y + TILE_SIDE, s.h); y++)
            op_finish(w->call, (size_t)(tile.sample * s.h + y) * (size_t)s.w + (size_t)tile.x,
                      (size_t)wide, channel, columns);
    }
}

// The products of tiles first .. first + count - 1 with a panel, transformed back.
static void conv2d_output_tiles(const struct conv2d_winograd *w, int first, int count, int index,
                                const float *product, float *patch) {
    const int channel = index * kernels()->panel, columns = conv2d_columns(w, index);
    for (int i = 0; i < count; i++) {
        const struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        conv2d_output_tile(w, &tile, channel, columns,
                           product + (size_t)i * conv2d_product_pixel(w), patch);
    }
    conv2d_finish_tiles(w, first, count, channel, columns);
}

// A piece is a chunk of tiles, for all panels.
static void conv2d_chunk_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    const int first = conv2d_chunk_first(w, piece);
    const int count = conv2d_chunk_first(w, piece + 1) - first;
    conv2d_transform_tiles(w, first, count, 0, room.patch, room.input);
    for (int j = 0; j < w->panels; j++) {
        conv2d_multiply(w, count, conv2d_columns(w, j), w->in_shape.c, room.input,
                        w->weights + (size_t)j * conv2d_panel_floats(w), room.product, false);
        conv2d_output_tiles(w, first, count, j, room.product, room.patch);
    }
}

// Blocked: a piece is first a few tiles of a block to transform, then a block for a group of
// panels.

enum { BLOCK_PIECES = BLOCK_TILES / 4 };

static void conv2d_input_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const int chunk = piece / BLOCK_PIECES, part = piece % BLOCK_PIECES;
    const int first = conv2d_chunk_first(w, chunk);
    const int count = conv2d_chunk_first(w, chunk + 1) - first;
    const int at = count * part / BLOCK_PIECES, end = count * (part + 1) / BLOCK_PIECES;
    conv2d_transform_tiles(w, first + at, end - at, at, conv2d_worker_at(w, worker).patch,
                           w->input + (size_t)chunk * conv2d_input_floats(w));
}

static void conv2d_block_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    const int chunk = piece % conv2d_chunks(w), first = conv2d_chunk_first(w, chunk);
    const int count = conv2d_chunk_first(w, chunk + 1) - first;
    const int panel = piece / conv2d_chunks(w) * w->group;
    const int panels = conv2d_least(w->panels - panel, w->group);
    const float *input = w->input + (size_t)chunk * conv2d_input_floats(w);
    for (int channel = 0; channel < w->in_shape.c; channel += w->slice) {
        const int depth = conv2d_least(w->in_shape.c - channel, w->slice);
        for (int j = 0; j < panels; j++) {
            conv2d_transform_rows(w, panel + j, channel, depth, room.patch, room.weights,
                                  (size_t)(depth * kernels()->panel));
            conv2d_multiply(w, count, conv2d_columns(w, panel + j), depth, input, room.weights,
                            room.product + (size_t)j * conv2d_product_floats(w), channel > 0);
        }
        input += TILE_POINTS * conv2d_input_step(w);
    }
    for (int j = 0; j < panels; j++)
        conv2d_output_tiles(w, first, count, panel + j,
                            room.product + (size_t)j * conv2d_product_floats(w), room.patch);
}

static void conv2d_winograd_run(struct conv2d_winograd *w, float *scratch, struct pool *pool) {
    const int chunks = conv2d_chunks(w);
    w->input = w->weights = scratch;
    w->workers = scratch + conv2d_common_floats(w);
    if (w->blocked) {
        pool_run(pool, chunks * BLOCK_PIECES, conv2d_input_piece, w);
        pool_run(pool, (w->panels + w->group - 1) / w->group * chunks, conv2d_block_piece, w);
    } else {
        pool_run(pool, w->panels, conv2d_weights_piece, w);
        pool_run(pool, chunks, conv2d_chunk_piece, w);
    }
}

void conv2d_winograd_forward(const struct op_call *call) {
    struct conv2d_winograd w = conv2d_winograd_of_forward(call);
    conv2d_winograd_run(&w, call->scratch, call->pool);
}

void conv2d_winograd_data(const struct op_call *call) {
    struct conv2d_winograd w = conv2d_winograd_of_data(call);
    conv2d_winograd_run(&w, call->scratch, call->pool);
}

size_t conv2d_winograd_forward_scratch(const struct op_call *call) {
    const struct conv2d_winograd w = conv2d_winograd_of_forward(call);
    return conv2d_winograd_floats(&w, call->pool);
}

size_t conv2d_winograd_data_scratch(const struct op_call *call) {
    const struct conv2d_winograd w = conv2d_winograd_of_data(call);
    return conv2d_winograd_floats(&w, call->pool);
}
