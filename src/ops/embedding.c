// A vector for each token: out row i is row id of the table, id = in row i. params: weight
// [rows][out]. in: [n][tokens][1][1], whole numbers below `rows`; it gets no gradient.
//
// Its gradient is of the rows of tokens that occur, where the plan asks for these alone
// (gradient.h), or of the whole table.
#include "base/kernels.h"
#include "ops/gradient.h"
#include "ops/op.h"
#include <assert.h>
#include <string.h>

enum { CLEAR_FLOATS = 1 << 18, SPREAD_CHANNELS = 64 }; // in a piece

static bool embedding_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                            struct error *error) {
    char text[32];
    if (in[0].w != 1 || in[0].c != 1)
        return error_set(error, "embedding: the input is %s, but it must be a list of token ids, 1",
                         shape_text(in[0], text));
    if (attr->embedding.rows < 1 || attr->embedding.out < 1)
        return error_set(error, "embedding: a table of %dx%d; both must be at least 1",
                         attr->embedding.rows, attr->embedding.out);
    *out = (struct shape){in[0].h, 1, attr->embedding.out};
    return true;
}

// The id of token i of a sample.
static size_t embedding_id(const struct op_call *call, int sample, int i) {
    const float id = call->in[0][(size_t)sample * (size_t)call->in_shape[0].h + (size_t)i];
    assert(id >= 0 && id < (float)call->attr->embedding.rows);
    return (size_t)id;
}

static void embedding_forward_samples(const struct op_call *call, int piece, int first, int count) {
    (void)piece;
    const size_t channels = (size_t)call->out_shape.c;
    for (int s = first; s < first + count; s++) {
        float *to = call->out + (size_t)s * shape_count(call->out_shape);
        for (int i = 0; i < op_rows(call, call->in_shape[0], s); i++, to += channels)
            memcpy(to, call->param[0] + embedding_id(call, s, i) * channels, channels * sizeof *to);
    }
}

static void embedding_forward(const struct op_call *call) {
    op_run(call, op_pieces(call), embedding_forward_samples);
}

static unsigned embedding_reads(const struct op_call *call) {
    return call->dparam[0].to ? OP_READS_IN : 0;
}

static int embedding_reached(const union op_attr *attr, struct shape in, int n) {
    const int64_t tokens = (int64_t)n * in.h;
    const bool whole = attr->embedding.out % GRADIENT_VECTOR == 0;
    return whole && tokens < attr->embedding.rows ? (int)tokens : 0;
}

// For the places of rows.
static size_t embedding_scratch(const struct op_call *call, bool backward) {
    return backward && call->dparam[0].row ? (size_t)call->attr->embedding.rows : 0;
}

// Where the gradient of each row begins in what is written, in rows; NULL: at its own number.
static int *embedding_places(const struct op_call *call) {
    return call->dparam[0].row ? (int *)(void *)call->scratch : NULL;
}

// Finds the rows that occur, and gives each its place.
static void embedding_find(const struct op_call *call, int *place) {
    const int rows = call->attr->embedding.rows;
    int *found = call->dparam[0].row, count = 0;
    memset(place, 0, (size_t)rows * sizeof *place);
    for (int s = 0; s < call->n; s++)
        for (int i = 0; i < op_rows(call, call->in_shape[0], s); i++)
            place[embedding_id(call, s, i)] = 1;
    for (int r = 0; r < rows; r++) {
        if (!place[r])
            continue;
        place[r] = count++;
        found[count] = r;
    }
    found[0] = count;
}

// Of all that is written.
static size_t embedding_floats(const struct op_call *call) {
    const int *row = call->dparam[0].row, rows = row ? row[0] : call->attr->embedding.rows;
    return (size_t)rows * (size_t)call->attr->embedding.out;
}

static void embedding_clear(void *context, int piece, int worker) {
    (void)worker;
    const struct op_call *call = context;
    const size_t first = (size_t)piece * CLEAR_FLOATS, left = embedding_floats(call) - first;
    memset(call->dparam[0].to + first, 0,
           (left < CLEAR_FLOATS ? left : CLEAR_FLOATS) * sizeof(float));
}

// Some channels of all tokens, one token after another.
static void embedding_spread(void *context, int piece, int worker) {
    (void)worker;
    const struct op_call *call = context;
    const size_t channels = (size_t)call->out_shape.c, first = (size_t)piece * SPREAD_CHANNELS;
    const size_t left = channels - first, count = left < SPREAD_CHANNELS ? left : SPREAD_CHANNELS;
    const int *place = embedding_places(call);
    for (int s = 0; s < call->n; s++) {
        const float *dy = call->dout + (size_t)s * shape_count(call->out_shape) + first;
        for (int i = 0; i < op_rows(call, call->in_shape[0], s); i++, dy += channels) {
            const size_t id = embedding_id(call, s, i), row = place ? (size_t)place[id] : id;
            float *to = call->dparam[0].to + row * channels + first;
            kernels()->sum(count, to, dy, to);
        }
    }
}

static void embedding_backward(const struct op_call *call) {
    struct op_call job = *call;
    if (!call->dparam[0].to)
        return;
    if (call->dparam[0].row)
        embedding_find(call, embedding_places(call));
    if (!call->dparam[0].add)
        pool_run(call->pool, (int)((embedding_floats(call) - 1) / CLEAR_FLOATS + 1),
                 embedding_clear, &job);
    pool_run(call->pool, (call->out_shape.c - 1) / SPREAD_CHANNELS + 1, embedding_spread, &job);
}

static struct op_flops embedding_flops(const union op_attr *attr, const struct shape *in,
                                       struct shape out) {
    (void)attr, (void)in;
    return (struct op_flops){.weight = (double)shape_count(out)};
}

const struct operation op_embedding = {
    .name = "embedding",
    .inputs = 1,
    .pure = true,
    .infer = embedding_infer,
    .forward = embedding_forward,
    .scratch = embedding_scratch,
    .reads = embedding_reads,
    .backward = embedding_backward,
    .reached = embedding_reached,
    .flops = embedding_flops,
};
