#include "ops/conv2d_winograd.h"
#include "base/kernels.h"
#include "ops/chains.h"
#include "ops/conv2d_tiles.h"
#include "ops/panels.h"
#include <string.h>

enum {
    LEAST_CHANNELS = 16,   // with fewer, the transforms cost more than they save
    CHUNK_FLOATS = 180000, // of transformed data, about; it stays in L2
    CHUNK_TILES = 28,      // at least, so that weights are read often enough for every load
    SHARED_TILES = 128,    // a batch of no more tiles is transformed as a whole,
    SHARED_CHANNELS = 256, // from so many channels on: large weights, threads take panels of them
    PACK_ROWS = 64,        // of a panel of weights, transformed at once
    ROWS_MAX = 16,         // the most rows of any kernel
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
    bool turned; // weight is [r][s][out][in], to be taken with r and s falling
    struct conv2d_tiles tiles;
    int chunk, panels;
    bool shared;    // all tiles, one chunk, are transformed before threads take panels
    float *input;   // shared: all transformed tiles
    float *weights; // otherwise: all transformed weights, [panel][36][in][panel]
    float *workers; // for each worker: see conv2d_worker
};

// A worker's room.
struct conv2d_worker {
    float *input;   // not shared: its chunk's transformed tiles
    float *weights; // shared: one panel's
    float *product; // of a chunk and a panel, [36][tile][columns]
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

static void conv2d_winograd_cut(struct conv2d_winograd *w) {
    w->tiles = conv2d_tiles(w->out_shape, w->n);
    w->panels = panels_count(w->out_shape.c);
    w->shared = w->tiles.count <= SHARED_TILES && w->in_shape.c >= SHARED_CHANNELS;
    w->chunk = w->shared ? w->tiles.count : conv2d_chunk_tiles(w);
}

static struct conv2d_winograd conv2d_winograd_of_forward(const struct op_call *call) {
    struct conv2d_winograd w = {.in = call->in[0],
                                .in_shape = call->in_shape[0],
                                .out_shape = call->out_shape,
                                .n = call->n,
                                .pad = call->attr->conv.pad,
                                .out = call->out,
                                .bias = call->param[1],
                                .weight = call->param[0]};
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

// Sizes, in floats.

static size_t conv2d_input_step(const struct conv2d_winograd *w) {
    return conv2d_points_step(w->chunk, conv2d_tile_pixel(w->in_shape.c));
}

// Of a chunk.
static size_t conv2d_input_floats(const struct conv2d_winograd *w) {
    return TILE_POINTS * conv2d_input_step(w);
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

static size_t conv2d_panel_floats(const struct conv2d_winograd *w) {
    return (size_t)(TILE_POINTS * w->in_shape.c * kernels()->panel);
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
    return (w->shared ? conv2d_panel_floats(w) : conv2d_input_floats(w)) +
           conv2d_product_floats(w) + conv2d_spare_floats(w);
}

static size_t conv2d_winograd_floats(const struct conv2d_winograd *w, struct pool *pool) {
    const size_t common =
        w->shared ? conv2d_input_floats(w) : (size_t)w->panels * conv2d_panel_floats(w);
    return common + (size_t)pool_threads(pool) * conv2d_worker_floats(w);
}

static struct conv2d_worker conv2d_worker_at(const struct conv2d_winograd *w, int worker) {
    struct conv2d_worker at = {0};
    float *room = w->workers + (size_t)worker * conv2d_worker_floats(w);
    if (w->shared) {
        at.weights = room;
        room += conv2d_panel_floats(w);
    } else {
        at.input = room;
        room += conv2d_input_floats(w);
    }
    at.product = room;
    at.patch = room + conv2d_product_floats(w);
    return at;
}

// Weights: rows first .. first + count - 1 (input channels) of a panel to `to`, [36][in][panel].
static void conv2d_transform_weights(const struct conv2d_winograd *w, int index, int first,
                                     int count, float *taps, float *to) {
    const int panel = kernels()->panel, in = w->in_shape.c, out = w->out_shape.c;
    const int columns = conv2d_least(out - index * panel, panel);
    const size_t block = (size_t)(count * panel), size = (size_t)in * (size_t)out;
    for (size_t t = 0; t < TILE_TAPS; t++) {
        if (w->turned)
            panels_pack_transposed(count, columns,
                                   w->weight + (TILE_TAPS - 1 - t) * size +
                                       (size_t)(index * panel) * (size_t)in + first,
                                   (size_t)in, taps + t * block);
        else
            panels_pack(count, columns,
                        w->weight + t * size + (size_t)first * (size_t)out + index * panel,
                        (size_t)out, taps + t * block);
    }
    const size_t step = (size_t)in * (size_t)panel;
    kernels()->winograd_weight((int)block / kernels()->width, taps, 3 * block, block,
                               to + (size_t)first * (size_t)panel, TILE_WINDOW * step, step);
}

// A panel's weights, in blocks of rows that stay in cache.
static void conv2d_transform_panel(const struct conv2d_winograd *w, int index, float *taps,
                                   float *to) {
    for (int first = 0; first < w->in_shape.c; first += PACK_ROWS)
        conv2d_transform_weights(w, index, first, conv2d_least(w->in_shape.c - first, PACK_ROWS),
                                 taps, to);
}

static void conv2d_weights_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    conv2d_transform_panel(w, piece, conv2d_worker_at(w, worker).patch,
                           w->weights + (size_t)piece * conv2d_panel_floats(w));
}

// Tiles first .. first + count - 1 into places `at`, ... of `to`, whose matrices are `step` apart.
static void conv2d_transform_tiles(const struct conv2d_winograd *w, int first, int count, int at,
                                   size_t step, float *patch, float *to) {
    const int c = w->in_shape.c;
    const size_t pixel = conv2d_tile_pixel(c);
    for (int i = 0; i < count; i++) {
        struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        tile.y -= w->pad;
        tile.x -= w->pad;
        const struct conv2d_view v =
            conv2d_tile_view(w->in, &w->in_shape, &tile, TILE_WINDOW, 0, c, patch);
        kernels()->winograd_input((int)pixel / kernels()->width, v.at, v.row, v.column,
                                  to + (size_t)(at + i) * pixel, TILE_WINDOW * step, step);
    }
}

// One of the 36 products, for `count` tiles and the columns of a panel in use.
static void conv2d_multiply(const struct conv2d_winograd *w, int count, int columns,
                            const float *input, const float *weights, float *product) {
    const size_t pixel = conv2d_tile_pixel(w->in_shape.c), product_pixel = conv2d_product_pixel(w);
    const int most = kernels()->rows, blocks = (count + most - 1) / most;
    const struct kernel_tap tap = {0, 0};
    const float *a[ROWS_MAX];
    float *out[ROWS_MAX];
    for (int b = 0; b < blocks; b++) {
        const int first = count * b / blocks, rows = count * (b + 1) / blocks - first;
        for (int i = 0; i < rows; i++) {
            a[i] = input + (size_t)(first + i) * pixel;
            out[i] = product + (size_t)(first + i) * product_pixel;
        }
        chains_gather(rows, a, out, columns, &tap, 1, w->in_shape.c, weights, false);
    }
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
        !w->bias && !w->add) {
        const size_t row = (size_t)w->out_shape.w * c;
        float *to = w->out + ((size_t)(tile->sample * w->out_shape.h + tile->y) * row) +
                    (size_t)tile->x * c + first;
        kernels()->winograd_output(vectors, product, TILE_WINDOW * step, step, to, row, c);
        return;
    }
    kernels()->winograd_output(vectors, product, TILE_WINDOW * step, step, patch, TILE_SIDE * pixel,
                               pixel);
    conv2d_place_patch(w, tile, first, columns, patch);
}

// Transformed tiles `first`, ..., which stand in places `at`, ... of `input`, times a panel.
static void conv2d_chunk_panel(const struct conv2d_winograd *w, int first, int count,
                               const float *input, size_t step, int index, const float *weights,
                               const struct conv2d_worker *room) {
    const int panel = kernels()->panel, channel = index * panel;
    const int columns = conv2d_least(w->out_shape.c - channel, panel);
    const size_t matrix = (size_t)(w->in_shape.c * panel);
    for (size_t i = 0; i < TILE_POINTS; i++)
        conv2d_multiply(w, count, (int)conv2d_tile_pixel(columns), input + i * step,
                        weights + i * matrix, room->product + i * conv2d_product_step(w));
    for (int i = 0; i < count; i++) {
        const struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        conv2d_output_tile(w, &tile, channel, columns,
                           room->product + (size_t)i * conv2d_product_pixel(w), room->patch);
    }
}

static int conv2d_chunks(const struct conv2d_winograd *w) {
    return (w->tiles.count + w->chunk - 1) / w->chunk;
}

static int conv2d_chunk_first(const struct conv2d_winograd *w, int chunk) {
    return (int)((int64_t)w->tiles.count * chunk / conv2d_chunks(w));
}

// A piece is a chunk of tiles, for all panels.
static void conv2d_chunk_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    const int first = conv2d_chunk_first(w, piece);
    const int count = conv2d_chunk_first(w, piece + 1) - first;
    const size_t step = conv2d_input_step(w);
    conv2d_transform_tiles(w, first, count, 0, step, room.patch, room.input);
    for (int j = 0; j < w->panels; j++)
        conv2d_chunk_panel(w, first, count, room.input, step, j,
                           w->weights + (size_t)j * conv2d_panel_floats(w), &room);
}

// Shared: a piece is first a chunk of tiles to transform, then a panel for all tiles.

enum { SHARED_PIECE = 4 }; // tiles

static void conv2d_input_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const int first = piece * SHARED_PIECE;
    conv2d_transform_tiles(w, first, conv2d_least(w->tiles.count - first, SHARED_PIECE), first,
                           conv2d_input_step(w), conv2d_worker_at(w, worker).patch, w->input);
}

static void conv2d_panel_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    conv2d_transform_panel(w, piece, room.patch, room.weights);
    conv2d_chunk_panel(w, 0, w->tiles.count, w->input, conv2d_input_step(w), piece, room.weights,
                       &room);
}

static void conv2d_winograd_run(struct conv2d_winograd *w, float *scratch, struct pool *pool) {
    if (w->shared) {
        w->input = scratch;
        w->workers = scratch + conv2d_input_floats(w);
        pool_run(pool, (w->tiles.count + SHARED_PIECE - 1) / SHARED_PIECE, conv2d_input_piece, w);
        pool_run(pool, w->panels, conv2d_panel_piece, w);
    } else {
        w->weights = scratch;
        w->workers = scratch + (size_t)w->panels * conv2d_panel_floats(w);
        pool_run(pool, w->panels, conv2d_weights_piece, w);
        pool_run(pool, conv2d_chunks(w), conv2d_chunk_piece, w);
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
