#include "ops/conv2d_winograd_weight.h"
#include "base/kernels.h"
#include "ops/conv2d_tiles.h"
#include "ops/panels.h"

enum {
    RANGES = 8,             // of tiles, at most
    RANGE_TILES = 32,       // at least, on average
    SMALL_FLOATS = 300000,  // of 36 matrices of sums: with so many at most they stay in L2
    CHAIN_TILES = 64,       // at most, in a chain of multiply-adds
    CHUNK_FLOATS = 180000,  // small: of a chunk's transformed data, about
    ROUND_FLOATS = 1 << 20, // large: of tiles that are transformed together, about
    CHUNK_PIECES = 16,      // in which threads transform a chunk of tiles
    SLICE = 64,             // input channels in a block of sums, which stays in L2,
    GROUP = 64,             // and output channels
    BLOCK_ROWS = SLICE,     // of a panel of sums, transformed back at once
};

struct conv2d_winograd_weight {
    const struct op_call *call;
    struct conv2d_tiles tiles;
    int in, out, panels; // channels; panels of output channels
    bool small;
    int ranges;      // small: of tiles, each summed by itself
    int rounds;      // large: of chunks, one after another
    int chunk;       // tiles that are transformed together; large: a chain of multiply-adds
    int slice;       // input channels whose transformed tiles, and sums, stand together
    int group;       // large: panels in a block of sums
    int first, end;  // large: the chunks at hand
    float *sums;     // [range][panel][36][in][panel]; several rounds: [block]
    float *input;    // large: of a round's chunks, [chunk][slices][36][tile][slice],
    float *gradient; // and of the output's gradient, [chunk][panel][36][tile][panel]
    float *workers;  // for each worker: conv2d_worker
};

struct conv2d_worker {
    float *input;    // small: a chunk's transformed tiles
    float *gradient; // small: [panel][36][tile][panel]
    float *sums;     // large, one round: a block, [panel of the group][36][slice][panel]
    float *patch;    // a tile beyond an edge, or nine taps of a block of rows
};

static int conv2d_least(int a, int b) {
    return a < b ? a : b;
}

static size_t conv2d_most(size_t a, size_t b) {
    return a > b ? a : b;
}

// Of the sums of a point and a panel.
static size_t conv2d_matrix_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)(conv2d_least(w->slice, w->in) * kernels()->panel);
}

static int conv2d_slices(const struct conv2d_winograd_weight *w) {
    return (w->in + w->slice - 1) / w->slice;
}

static int conv2d_groups(const struct conv2d_winograd_weight *w) {
    return (w->panels + w->group - 1) / w->group;
}

static size_t conv2d_block_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)w->group * TILE_POINTS * conv2d_matrix_floats(w);
}

// Of all blocks.
static size_t conv2d_sums_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)(conv2d_groups(w) * conv2d_slices(w)) * conv2d_block_floats(w);
}

// Of a transformed tile, of the input and of the gradient.
static size_t conv2d_tile_floats(const struct conv2d_winograd_weight *w) {
    const size_t pixel = conv2d_tile_pixel(w->in) + (size_t)(w->panels * kernels()->panel);
    return TILE_POINTS * pixel;
}

static void conv2d_cut_small(struct conv2d_winograd_weight *w) {
    const int ranges = conv2d_least(RANGES, w->tiles.count / RANGE_TILES);
    const int fit = (int)(CHUNK_FLOATS / conv2d_tile_floats(w));
    w->ranges = ranges > 1 ? ranges : 1;
    w->chunk = conv2d_least(conv2d_least(fit, CHAIN_TILES), w->tiles.count);
}

static void conv2d_cut_large(struct conv2d_winograd_weight *w) {
    const size_t all = (size_t)w->tiles.count * conv2d_tile_floats(w);
    w->slice = SLICE;
    w->group = conv2d_least(w->panels, GROUP / kernels()->panel);
    const int chunks = (w->tiles.count + CHAIN_TILES - 1) / CHAIN_TILES;
    w->chunk = (w->tiles.count + chunks - 1) / chunks;
    // Several rounds need room for the sums.
    w->rounds = all <= ROUND_FLOATS + conv2d_sums_floats(w)
                    ? 1
                    : conv2d_least(chunks, (int)(all / ROUND_FLOATS) + 1);
}

static struct conv2d_winograd_weight conv2d_winograd_weight_of(const struct op_call *call) {
    struct conv2d_winograd_weight w = {.call = call,
                                       .tiles = conv2d_tiles(call->out_shape, call->n),
                                       .in = call->in_shape[0].c,
                                       .out = call->out_shape.c,
                                       .panels = panels_count(call->out_shape.c)};
    w.slice = (int)conv2d_tile_pixel(w.in);
    w.group = w.panels;
    w.small = conv2d_sums_floats(&w) <= SMALL_FLOATS;
    (w.small ? conv2d_cut_small : conv2d_cut_large)(&w);
    return w;
}

static size_t conv2d_input_step(const struct conv2d_winograd_weight *w) {
    return conv2d_points_step(w->chunk, (size_t)w->slice);
}

// Of a chunk.
static size_t conv2d_input_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)conv2d_slices(w) * TILE_POINTS * conv2d_input_step(w);
}

static size_t conv2d_gradient_step(const struct conv2d_winograd_weight *w) {
    return conv2d_points_step(w->chunk, (size_t)kernels()->panel);
}

static size_t conv2d_gradient_floats(const struct conv2d_winograd_weight *w) {
    return (size_t)w->panels * TILE_POINTS * conv2d_gradient_step(w);
}

static size_t conv2d_spare_floats(const struct conv2d_winograd_weight *w) {
    const size_t taps = (size_t)(TILE_TAPS * BLOCK_ROWS * kernels()->panel);
    return conv2d_most(taps, conv2d_most(conv2d_patch_floats(TILE_WINDOW, w->in),
                                         conv2d_patch_floats(TILE_SIDE, kernels()->panel)));
}

static size_t conv2d_worker_floats(const struct conv2d_winograd_weight *w) {
    return (w->small         ? conv2d_input_floats(w) + conv2d_gradient_floats(w)
            : w->rounds == 1 ? conv2d_block_floats(w)
                             : 0) +
           conv2d_spare_floats(w);
}

static struct conv2d_worker conv2d_worker_at(const struct conv2d_winograd_weight *w, int worker) {
    float *room = w->workers + (size_t)worker * conv2d_worker_floats(w);
    return (struct conv2d_worker){
        .input = room,
        .gradient = room + conv2d_input_floats(w),
        .sums = room,
        .patch = room + conv2d_worker_floats(w) - conv2d_spare_floats(w),
    };
}

// Input tiles first .. first + count - 1 into places `at`, ... of `to`, [slices][36][place][slice].
static void conv2d_transform_input(const struct conv2d_winograd_weight *w, int first, int count,
                                   int at, float *patch, float *to) {
    const int pad = w->call->attr->conv.pad, pixel = (int)conv2d_tile_pixel(w->in);
    const size_t step = conv2d_input_step(w);
    for (int i = 0; i < count; i++) {
        struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        tile.y -= pad;
        tile.x -= pad;
        const struct conv2d_view v = conv2d_tile_view(w->call->in[0], &w->call->in_shape[0], &tile,
                                                      TILE_WINDOW, 0, w->in, patch);
        float *place = to + (size_t)((at + i) * w->slice);
        for (int channel = 0; channel < pixel; channel += w->slice, place += TILE_POINTS * step)
            kernels()->winograd_input(conv2d_least(pixel - channel, w->slice) / kernels()->width,
                                      v.at + channel, v.row, v.column, place, TILE_WINDOW * step,
                                      step);
    }
}

// Panel `index` of the output gradient's tiles first .. first + count - 1, likewise, to
// [36][place][panel].
static void conv2d_transform_gradient(const struct conv2d_winograd_weight *w, int index, int first,
                                      int count, int at, float *patch, float *to) {
    const int panel = kernels()->panel, channel = index * panel;
    const int columns = conv2d_least(w->out - channel, panel);
    const int vectors = (int)conv2d_tile_pixel(columns) / kernels()->width;
    const size_t step = conv2d_gradient_step(w);
    for (int i = 0; i < count; i++) {
        const struct conv2d_tile tile = conv2d_tile_at(&w->tiles, first + i);
        const struct conv2d_view v = conv2d_tile_view(w->call->dout, &w->call->out_shape, &tile,
                                                      TILE_SIDE, channel, columns, patch);
        kernels()->winograd_gradient(vectors, v.at, v.row, v.column,
                                     to + (size_t)((at + i) * panel), TILE_WINDOW * step, step);
    }
}

// Adds to (or sets) a panel's sums, for `rows` input channels, what the `count` tiles of a chunk
// give: a chain.
static void conv2d_add_chain(const struct conv2d_winograd_weight *w, int index, int rows, int count,
                             const float *input, const float *gradient, float *sums, bool add) {
    const int panel = kernels()->panel; // of which whole vectors are transformed back
    const int columns = (int)conv2d_tile_pixel(conv2d_least(w->out - index * panel, panel));
    for (size_t i = 0; i < TILE_POINTS; i++) {
        const float *a = input + i * conv2d_input_step(w);
        kernels()->outer(rows, columns, 1, count, &a, (size_t)w->slice, 0,
                         gradient + i * conv2d_gradient_step(w), sums + i * (size_t)(rows * panel),
                         (size_t)panel, add);
    }
}

// Rows (input channels) first .. first + count - 1 of a panel's sums, `step` floats from point to
// point, transformed back.
static void conv2d_give_rows(const struct conv2d_winograd_weight *w, int index, int first,
                             int count, const float *sums, size_t step, float *taps) {
    const int panel = kernels()->panel, channel = index * panel;
    const size_t columns = (size_t)conv2d_least(w->out - channel, panel);
    const size_t block = (size_t)(count * panel);
    kernels()->winograd_weight_back((int)block / kernels()->width, sums, TILE_WINDOW * step, step,
                                    taps, 3 * block, block);
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
            conv2d_transform_gradient(w, j, begin + first, count, 0, room.patch, gradient);
            conv2d_add_chain(w, j, w->in, count, room.input, gradient, sums + (size_t)j * matrices,
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
    conv2d_give_rows(w, index, first, count, sums + first * panel, matrix,
                     conv2d_worker_at(w, worker).patch);
}

// Large weights: a piece is first a part of a chunk to transform, then a block of the sums.

static int conv2d_chunks(const struct conv2d_winograd_weight *w) {
    return (w->tiles.count + w->chunk - 1) / w->chunk;
}

static int conv2d_chunk_first(const struct conv2d_winograd_weight *w, int chunk) {
    return (int)((int64_t)w->tiles.count * chunk / conv2d_chunks(w));
}

// The most chunks of a round.
static int conv2d_round_chunks(const struct conv2d_winograd_weight *w) {
    return (conv2d_chunks(w) + w->rounds - 1) / w->rounds;
}

static void conv2d_tiles_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd_weight *w = context;
    const int index = piece / CHUNK_PIECES, part = piece % CHUNK_PIECES;
    const int tile = conv2d_chunk_first(w, w->first + index);
    const int tiles = conv2d_chunk_first(w, w->first + index + 1) - tile;
    const int at = tiles * part / CHUNK_PIECES, count = tiles * (part + 1) / CHUNK_PIECES - at;
    float *patch = conv2d_worker_at(w, worker).patch;
    float *gradient = w->gradient + (size_t)index * conv2d_gradient_floats(w);
    conv2d_transform_input(w, tile + at, count, at, patch,
                           w->input + (size_t)index * conv2d_input_floats(w));
    for (int j = 0; j < w->panels; j++, gradient += TILE_POINTS * conv2d_gradient_step(w))
        conv2d_transform_gradient(w, j, tile + at, count, at, patch, gradient);
}

static void conv2d_block_piece(void *context, int piece, int worker) {
    const struct conv2d_winograd_weight *w = context;
    const struct conv2d_worker room = conv2d_worker_at(w, worker);
    const int slice = piece % conv2d_slices(w), panel = piece / conv2d_slices(w) * w->group;
    const int panels = conv2d_least(w->panels - panel, w->group);
    const int rows = conv2d_least(w->in - slice * w->slice, w->slice);
    const size_t step = (size_t)(rows * kernels()->panel);
    const float *input = w->input + (size_t)slice * TILE_POINTS * conv2d_input_step(w);
    const float *gradient = w->gradient + (size_t)panel * TILE_POINTS * conv2d_gradient_step(w);
    float *sums = w->rounds == 1 ? room.sums : w->sums + (size_t)piece * conv2d_block_floats(w);
    for (int i = w->first; i < w->end; i++) {
        const int count = conv2d_chunk_first(w, i + 1) - conv2d_chunk_first(w, i);
        for (int j = 0; j < panels; j++)
            conv2d_add_chain(w, panel + j, rows, count, input,
                             gradient + (size_t)j * TILE_POINTS * conv2d_gradient_step(w),
                             sums + (size_t)j * TILE_POINTS * step, i > 0);
        input += conv2d_input_floats(w);
        gradient += conv2d_gradient_floats(w);
    }
    for (int j = 0; j < panels && w->end == conv2d_chunks(w); j++)
        conv2d_give_rows(w, panel + j, slice * w->slice, rows,
                         sums + (size_t)j * TILE_POINTS * step, step, room.patch);
}

static void conv2d_large(struct conv2d_winograd_weight *w, struct pool *pool) {
    for (int i = 0; i < w->rounds; i++) {
        w->first = conv2d_chunks(w) * i / w->rounds;
        w->end = conv2d_chunks(w) * (i + 1) / w->rounds;
        pool_run(pool, (w->end - w->first) * CHUNK_PIECES, conv2d_tiles_piece, w);
        pool_run(pool, conv2d_groups(w) * conv2d_slices(w), conv2d_block_piece, w);
    }
}

// Those that are added to by several threads or rounds.
static size_t conv2d_common_sums(const struct conv2d_winograd_weight *w) {
    return w->small || w->rounds > 1 ? (size_t)(w->small ? w->ranges : 1) * conv2d_sums_floats(w)
                                     : 0;
}

void conv2d_winograd_weight(const struct op_call *call) {
    struct conv2d_winograd_weight w = conv2d_winograd_weight_of(call);
    w.sums = call->scratch;
    const size_t chunks = w.small ? 0 : (size_t)conv2d_round_chunks(&w);
    w.input = w.sums + conv2d_common_sums(&w);
    w.gradient = w.input + chunks * conv2d_input_floats(&w);
    w.workers = w.gradient + chunks * conv2d_gradient_floats(&w);
    if (w.small) {
        pool_run(call->pool, w.ranges, conv2d_range_piece, &w);
        pool_run(call->pool, w.panels * conv2d_blocks(&w), conv2d_reduce_piece, &w);
    } else {
        conv2d_large(&w, call->pool);
    }
}

size_t conv2d_winograd_weight_scratch(const struct op_call *call) {
    const struct conv2d_winograd_weight w = conv2d_winograd_weight_of(call);
    const size_t chunks = w.small ? 0 : (size_t)conv2d_round_chunks(&w);
    return conv2d_common_sums(&w) +
           chunks * (conv2d_input_floats(&w) + conv2d_gradient_floats(&w)) +
           (size_t)pool_threads(call->pool) * conv2d_worker_floats(&w);
}
