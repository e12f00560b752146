// A linear layer over each token by itself: y = x W^T + b. params: weight [out][in], bias [out] or
// NULL.
//
// All products are by our own kernels. The rows of a product are the tokens that are there, each by
// its pointer, so that texts of different lengths stand in one product without gaps; and an output
// is one chain (chains.h), the same wherever its token stands.
#include "base/kernels.h"
#include "ops/bias.h"
#include "ops/chains.h"
#include "ops/op.h"
#include "ops/panels.h"
#include "ops/token_rows.h"
#include <string.h>

enum { WEIGHT, BIAS };
enum {
    TILE = 16,  // the most rows of any kernel
    RUNS = 256, // tokens in one chain of a weight's gradient
};

static bool token_linear_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                               struct error *error) {
    char text[32];
    if (in[0].w != 1)
        return error_set(error, "token_linear: the input is %s, but it must be a list of tokens, 1",
                         shape_text(in[0], text));
    if (attr->linear.out < 1)
        return error_set(error, "token_linear: %d outputs of %d inputs: at least 1",
                         attr->linear.out, in[0].c);
    *out = (struct shape){in[0].h, 1, attr->linear.out};
    return true;
}

static int token_linear_in(const struct op_call *call) {
    return call->in_shape[0].c;
}

static size_t token_linear_places(const struct op_call *call) {
    return (size_t)call->n * (size_t)call->out_shape.h;
}

// A product's share of the scratch: the rows' numbers, and for each thread so many floats.
struct token_linear {
    const struct op_call *call;
    const int *row;
    int rows;
    float *own;  // [threads][each]
    size_t each; // floats
};

// What a thread needs for the largest of the products: forward, with a panel of weights; the
// gradient of the input, likewise; that of the weight, with a panel of inputs and one of results.
static size_t token_linear_each(const struct op_call *call, bool backward) {
    const size_t in = (size_t)token_linear_in(call), out = (size_t)call->out_shape.c;
    size_t rows = backward ? 0 : in;
    if (backward && call->din[0].to)
        rows = out;
    if (backward && call->dparam[WEIGHT].to && out + token_linear_places(call) > rows)
        rows = out + token_linear_places(call);
    return rows * (size_t)kernels()->panel;
}

static size_t token_linear_own(const struct op_call *call) {
    return (token_linear_places(call) + 15) / 16 * 16; // behind the numbers, in floats
}

static size_t token_linear_scratch(const struct op_call *call, bool backward) {
    const size_t product = token_linear_own(call) +
                           (size_t)pool_threads(call->pool) * token_linear_each(call, backward);
    const size_t bias = backward && call->dparam[BIAS].to ? bias_scratch(call) : 0;
    return product > bias ? product : bias;
}

static struct token_linear token_linear_open(const struct op_call *call, bool backward) {
    int *row = (int *)(void *)call->scratch;
    return (struct token_linear){.call = call,
                                 .row = row,
                                 .rows = token_rows(call, row),
                                 .own = call->scratch + token_linear_own(call),
                                 .each = token_linear_each(call, backward)};
}

// Columns j .. of `to` [places][width] (= or +=) the product of x [places][depth] with a panel.
static void token_linear_product(const struct token_linear *t, const float *x, int depth,
                                 const float *panel, const float *bias, float *to, int width, int j,
                                 bool add) {
    const struct kernel_tap tap = {0};
    const int columns = width - j < kernels()->panel ? width - j : kernels()->panel;
    for (int first = 0; first < t->rows; first += kernels()->rows) {
        const int left = t->rows - first, count = left < kernels()->rows ? left : kernels()->rows;
        const float *a[TILE];
        float *y[TILE];
        for (int i = 0; i < count; i++) {
            const size_t row = (size_t)t->row[first + i];
            a[i] = x + row * (size_t)depth;
            y[i] = to + row * (size_t)width + j;
            if (bias)
                memcpy(y[i], bias + j, (size_t)columns * sizeof *bias);
        }
        chains_gather(count, a, y, columns, &tap, 1, depth, panel, add || bias);
    }
}

// A panel of outputs of all tokens.
static void token_linear_forward_piece(void *context, int piece, int worker) {
    const struct token_linear *t = context;
    const struct op_call *call = t->call;
    const int in = token_linear_in(call), out = call->out_shape.c, j = piece * kernels()->panel;
    const int columns = out - j < kernels()->panel ? out - j : kernels()->panel;
    float *panel = t->own + (size_t)worker * t->each;
    panels_pack_transposed(in, columns, call->param[WEIGHT] + (size_t)j * (size_t)in, (size_t)in,
                           panel);
    token_linear_product(t, call->in[0], in, panel, call->param[BIAS], call->out, out, j, false);
}

static void token_linear_forward(const struct op_call *call) {
    struct token_linear t = token_linear_open(call, false);
    pool_run(call->pool, panels_count(call->out_shape.c), token_linear_forward_piece, &t);
}

static unsigned token_linear_reads(const struct op_call *call) {
    return call->dparam[WEIGHT].to ? OP_READS_IN : 0;
}

// dx = dy W: a panel of inputs of all tokens.
static void token_linear_data_piece(void *context, int piece, int worker) {
    const struct token_linear *t = context;
    const struct op_call *call = t->call;
    const int in = token_linear_in(call), out = call->out_shape.c, j = piece * kernels()->panel;
    const int columns = in - j < kernels()->panel ? in - j : kernels()->panel;
    float *panel = t->own + (size_t)worker * t->each;
    panels_pack(out, columns, call->param[WEIGHT] + j, (size_t)in, panel);
    token_linear_product(t, call->dout, out, panel, NULL, call->din[0].to, in, j, call->din[0].add);
}

// dW = dy^T x: a panel of inputs for all outputs, summed over the tokens in chains.
static void token_linear_weight_piece(void *context, int piece, int worker) {
    const struct token_linear *t = context;
    const struct op_call *call = t->call;
    const int in = token_linear_in(call), out = call->out_shape.c, j = piece * kernels()->panel;
    const int columns = in - j < kernels()->panel ? in - j : kernels()->panel;
    float *sums = t->own + (size_t)worker * t->each,
          *x = sums + (size_t)out * (size_t)kernels()->panel;
    for (int i = 0; i < t->rows; i++)
        panels_pack(1, columns, call->in[0] + (size_t)t->row[i] * (size_t)in + j, (size_t)in,
                    x + (size_t)i * (size_t)kernels()->panel);
    for (int first = 0; first < t->rows; first += RUNS) {
        const int left = t->rows - first, runs = left < RUNS ? left : RUNS;
        const float *dy[RUNS];
        for (int i = 0; i < runs; i++)
            dy[i] = call->dout + (size_t)t->row[first + i] * (size_t)out;
        kernels()->outer(out, columns, runs, 1, dy, 0, 0,
                         x + (size_t)first * (size_t)kernels()->panel, sums, first > 0);
    }
    for (int i = 0; i < out; i++)
        op_give(call->dparam[WEIGHT], (size_t)i * (size_t)in + (size_t)j, (size_t)columns,
                sums + (size_t)i * (size_t)kernels()->panel);
}

static void token_linear_backward(const struct op_call *call) {
    struct token_linear t = token_linear_open(call, true);
    const int panels = panels_count(token_linear_in(call));
    if (call->din[0].to)
        pool_run(call->pool, panels, token_linear_data_piece, &t);
    if (call->dparam[WEIGHT].to)
        pool_run(call->pool, panels, token_linear_weight_piece, &t);
    if (call->dparam[BIAS].to)
        bias_gradient(call, call->dparam[BIAS], call->scratch);
}

static struct op_flops token_linear_flops(const union op_attr *attr, const struct shape *in,
                                          struct shape out) {
    const double product = 2 * (double)in[0].c * (double)shape_count(out);
    const double bias = attr->linear.bias ? (double)shape_count(out) : 0;
    return (struct op_flops){.forward = product + bias, .data = product, .weight = product + bias};
}

const struct operation op_token_linear = {
    .name = "token_linear",
    .inputs = 1,
    .pure = true,
    .infer = token_linear_infer,
    .scratch = token_linear_scratch,
    .forward = token_linear_forward,
    .reads = token_linear_reads,
    .backward = token_linear_backward,
    .flops = token_linear_flops,
};
