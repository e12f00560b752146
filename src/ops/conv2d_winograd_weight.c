#include "ops/conv2d_winograd_weight.h"
#include "base/kernels.h"
#include "ops/conv2d_tiles.h"
#include "ops/panels.h"

enum {
    RANGES = 8,            // of tiles, at most
    RANGE_TILES = 32,      // at least, on average
    SMALL_FLOATS = 300000, // of 36 matrices of sums: with so many at most they stay in L2
    CHAIN_TILES = 56,      // at most, in a chain of multiply-adds
    CHUNK_FLOATS = 180000, // small: of a chunk's transformed data, about
    SHARED_TILES = 112,    // large: tiles that are transformed together
    SHARED_PIECE = 4,      // of them, taken by a thread at once
    BLOCK_ROWS = 64,       // of a panel of sums, transformed back at once
};

struct conv2d_winograd_weight {
    const struct op_call *call;
    struct conv2d_tiles tiles;
    int in, out, panels; // channels; panels of output channels
    bool small;
    int ranges;     // small: else 1
    int chunk;      // tiles that are transformed together
    int first, now; // large: the tiles at hand
    float *sums;    // [range][panel][36][in][panel]
    float *input;   // large: the transformed tiles, [36][chunk][in]
    float *workers; // for each worker: conv2d_worker
};

struct conv2d_worker {
    float *input;    // small: a chunk's transformed tiles
    float *gradient; // [panel][36][tile][panel], small: of all panels
    float *patch;    // a tile beyond an edge, or nine taps of a block of rows
};

static int conv2d_least(int a, int b) {
    return a < b ? a : b;
}

static size_t conv2d_most(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t conv2d_matrix_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)(w->in * kernels()->panel);
}

static size_t conv2d_sums_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)w->panels * TILE_POINTS * conv2d_matrix_floats(w);
}

static int conv2d_small_chunk(const struct conv2d_winograd_weight *w) {
    const size_t tile = conv2d_tile_pixel(w->in) + (size_t)(w->panels * kernels()->panel);
    const int fit = (int)(CHUNK_FLOATS / (TILE_POINTS * tile));
    return fit < CHAIN_TILES ? fit : CHAIN_TILES;
}

static struct conv2d_winograd_weight conv2d_winograd_weight_of(const struct op_call *call) {
    struct conv2d_winograd_weight w = {.call = call,
                                       .tiles = conv2d_tiles(call->out_shape, call->n),
                                       .in = call->in_shape[0].c,
                                       .out = call->out_shape.c,
                                       .panels = panels_count(call->out_shape.c)};
    w.small = conv2d_sums_floats(&w) <= SMALL_FLOATS;
    const int ranges = conv2d_least(RANGES, w.tiles.count / RANGE_TILES);
    w.ranges = w.small && ranges > 1 ? ranges : 1;
    w.chunk = conv2d_least(w.small ? conv2d_small_chunk(&w) : SHARED_TILES, w.tiles.count);
    return w;
}

static size_t conv2d_input_step(const struct conv2d_winograd_weight *w) {
    return conv2d_points_step(w->chunk, conv2d_tile_pixel(w->in));
}

static size_t conv2d_gradient_step(const struct conv2d_winograd_weight *w) {
    return conv2d_points_step(w->chunk, (size_t)kernels()->panel);
}

static size_t conv2d_gradient_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)(w->small ? w->panels : 1) * TILE_POINTS * conv2d_gradient_step(w);
}

static size_t conv2d_spare_floats(const struct conv2d_winograd_weight *w) {
    const size_t taps = (size_t)(TILE_TAPS * BLOCK_ROWS * kernels()->panel);
    return conv2d_most(taps, conv2d_most(conv2d_patch_floats(TILE_WINDOW, w->in),
                                         conv2d_patch_floats(TILE_SIDE, kernels()->panel)));
}

static size_t conv2d_worker_floats(const struct conv2d_winograd_weight *w) {
    return (w->small ? TILE_POINTS * conv2d_input_step(w) : 0) + conv2d_gradient_floats(w) +
           conv2d_spare_floats(w);
}

static struct conv2d_worker conv2d_worker_at(const struct conv2d_winograd_weight *w, int worker) {
    float *room = w->workers + (size_t)worker * conv2d_worker_floats(w);
    struct conv2d_worker at = {.input = room};
    at.gradient = room + (w->small ? TILE_POINTS * conv2d_input_step(w) : 0);
    at.patch = at.gradient + conv2d_gradient_floats(w);
    return at;
}

// Input tiles first .. first + count - 1 into places `at`, ... of `to`.
static void conv2d_transform_input(const struct conv2d_winograd_weight *w, int first, int count,
                                   int at, float *patch, float *to) {
    const int pad = w->call->attr->conv.pad;
    const size_t pixel = conv2d_tile_pixel(w->in), step = conv2d_input_step(w);
    for (int i = 0; i < count; i++) {
        struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        tile.y -= pad;
        tile.x -= pad;
        const struct conv2d_view v = conv2d_tile_view(w->call->in[0], &w->call->in_shape[0], &tile,
                                                      TILE_WINDOW, 0, w->in, patch);
        kernels()->winograd_input((int)pixel / kernels()->width, v.at, v.row, v.column,
                                  to + (size_t)(at + i) * pixel, TILE_WINDOW * step, step);
    }
}

// Panel `index` of the output gradient's tiles first .. first + count - 1.
static void conv2d_transform_gradient(const struct conv2d_winograd_weight *w, int index, int first,
                                      int count, float *patch, float *to) {
    const int panel = kernels()->panel, channel = index * panel;
    const int columns = conv2d_least(w->out - channel, panel);
    const int vectors = (int)conv2d_tile_pixel(columns) / kernels()->width;
    const size_t step = conv2d_gradient_step(w);
    for (int i = 0; i < count; i++) {
        const struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        const struct conv2d_view v = conv2d_tile_view(w->call->dout, &w->call->out_shape, &tile,
                                                      TILE_SIDE, channel, columns, patch);
        kernels()->winograd_gradient(vectors, v.at, v.row, v.column, to + (size_t)(i * panel),
                                     TILE_WINDOW * step, step);
    }
}

// Adds to (or sets) a panel's sums what `count` tiles give, in chains as equal as can be.
static void conv2d_add_products(const struct conv2d_winograd_weight *w, int index, int count,
                                const float *input, const float *gradient, float *sums, bool add) {
    const int panel = kernels()->panel, columns = conv2d_least(w->out - index * panel, panel);
    const int chains = (count + CHAIN_TILES - 1) / CHAIN_TILES;
    const size_t pixel = conv2d_tile_pixel(w->in);
    for (size_t i = 0; i < TILE_POINTS; i++) {
        const float *a = input + i * conv2d_input_step(w);
        const float *b = gradient + i * conv2d_gradient_step(w);
        for (int chain = 0; chain < chains; chain++) {
            const int first = count * chain / chains, length = count * (chain + 1) / chains - first;
            kernels()->outer(w->in, columns, 1, length, &a, pixel, (size_t)first * pixel,
                             b + (size_t)(first * panel), sums + i * conv2d_matrix_floats(w),
                             add || chain > 0);
        }
    }
}

// Rows (input channels) first .. first + count - 1 of a panel's sums, transformed back.
static void conv2d_give_rows(const struct conv2d_winograd_weight *w, int index, int first,
                             int count, const float *sums, float *taps) {
    const int panel = kernels()->panel, channel = index * panel;
    const size_t columns = (size_t)conv2d_least(w->out - channel, panel);
    const size_t block = (size_t)(count * panel), step = conv2d_matrix_floats(w);
    kernels()->winograd_weight_back((int)block / kernels()->width, sums + (size_t)(first * panel),
                                    TILE_WINDOW * step, step, taps, 3 * block, block);
    for (size_t t = 0; t < TILE_TAPS; t++) {
        for (int i = 0; i < count; i++) {
            const size_t row = t * (size_t)w->in + (size_t)(first + i);
            op_give(w->call->dparam[0], row * (size_t)w->out + (size_t)channel, columns,
                    taps + t * block + (size_t)(i * panel));
        }
    }
}

// Small weights.

static void conv2d_range_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd_weight *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    const int begin = (int)((int64_t)w->tiles.count * piece / w->ranges);
    const int total = (int)((int64_t)w->tiles.count * (piece + 1) / w->ranges) - begin;
    const int chunks = (total + w->chunk - 1) / w->chunk;
    const size_t matrices = TILE_POINTS * conv2d_matrix_floats(w);
    const size_t gradients = TILE_POINTS * conv2d_gradient_step(w);
    float *sums = w->sums + (size_t)piece * conv2d_sums_floats(w);
    for (int i = 0; i < chunks; i++) {
        const int first = total * i / chunks, count = total * (i + 1) / chunks - first;
        conv2d_transform_input(w, begin + first, count, 0, room.patch, room.input);
        for (int j = 0; j < w->panels; j++) {
            float *gradient = room.gradient + (size_t)j * gradients;
            conv2d_transform_gradient(w, j, begin + first, count, room.patch, gradient);
            conv2d_add_products(w, j, count, room.input, gradient, sums + (size_t)j * matrices,
                                i > 0);
        }
    }
}

static int conv2d_blocks(const struct conv2d_winograd_weight *w) {
    return (w->in + BLOCK_ROWS - 1) / BLOCK_ROWS;
}

// A piece is a block of rows of a panel: the ranges' sums are added in order.
static void conv2d_reduce_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd_weight *w = context;
    const int index = piece / conv2d_blocks(w), first = piece % conv2d_blocks(w) * BLOCK_ROWS;
    const int count = conv2d_least(w->in - first, BLOCK_ROWS), panel = kernels()->panel;
    const size_t matrix = conv2d_matrix_floats(w), rows = (size_t)(count * panel);
    float *sums = w->sums + (size_t)index * TILE_POINTS * matrix;
    for (size_t i = 0; i < TILE_POINTS; i++) {
        float *to = sums + i * matrix + (size_t)(first * panel);
        for (int range = 1; range < w->ranges; range++)
            kernels()->sum(rows, to, to + (size_t)range * conv2d_sums_floats(w), to);
    }
    conv2d_give_rows(w, index, first, count, sums, conv2d_worker_at(w, worker).patch);
}

// Large weights.

static void conv2d_input_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd_weight *w = context;
    const int at = piece * SHARED_PIECE, count = conv2d_least(w->now - at, SHARED_PIECE);
    conv2d_transform_input(w, w->first + at, count, at, conv2d_worker_at(w, worker).patch,
                           w->input);
}

static void conv2d_panel_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd_weight *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    float *sums = w->sums + (size_t)piece * TILE_POINTS * conv2d_matrix_floats(w);
    conv2d_transform_gradient(w, piece, w->first, w->now, room.patch, room.gradient);
    conv2d_add_products(w, piece, w->now, w->input, room.gradient, sums, w->first > 0);
    if (w->first + w->now < w->tiles.count)
        return;
    for (int first = 0; first < w->in; first += BLOCK_ROWS)
        conv2d_give_rows(w, piece, first, conv2d_least(w->in - first, BLOCK_ROWS), sums,
                         room.patch);
}

static void conv2d_large(struct conv2d_winograd_weight *w, struct pool *pool) {
    const int batches = (w->tiles.count + w->chunk - 1) / w->chunk;
    for (int i = 0; i < batches; i++) {
        w->first = (int)((int64_t)w->tiles.count * i / batches);
        w->now = (int)((int64_t)w->tiles.count * (i + 1) / batches) - w->first;
        pool_run(pool, (w->now + SHARED_PIECE - 1) / SHARED_PIECE, conv2d_input_piece, w);
        pool_run(pool, w->panels, conv2d_panel_piece, w);
    }
}

static size_t conv2d_shared_floats(const struct conv2d_winograd_weight *w) {
    return w->small ? 0 : TILE_POINTS * conv2d_input_step(w);
}

void conv2d_winograd_weight(const struct op_call *call) {
    struct conv2d_winograd_weight w = conv2d_winograd_weight_of(call);
    w.sums = call->scratch;
    w.input = w.sums + (size_t)w.ranges * conv2d_sums_floats(&w);
    w.workers = w.input + conv2d_shared_floats(&w);
    if (w.small) {
        pool_run(call->pool, w.ranges, conv2d_range_piece, &w);
        pool_run(call->pool, w.panels * conv2d_blocks(&w), conv2d_reduce_piece, &w);
    } else {
        conv2d_large(&w, call->pool);
    }
}

size_t conv2d_winograd_weight_scratch(const struct op_call *call) {
    const struct conv2d_winograd_weight w = conv2d_winograd_weight_of(call);
    return (size_t)w.ranges * conv2d_sums_floats(&w) + conv2d_shared_floats(&w) +
           (size_t)pool_threads(call->pool) * conv2d_worker_floats(&w);
}
