// A linear layer over each token by itself: y = x W^T + b. params: weight [out][in], bias [out] or
// NULL.
//
// All products are by our own kernels, large ones by the processor's tiles (split.h). The rows of a
// product are the tokens that are there, each by its pointer, so that texts of different lengths
// stand in one product without gaps; and an output is one chain (chains.h), the same wherever its
// token stands.
#include "base/kernels.h"
#include "ops/bias.h"
#include "ops/chains.h"
#include "ops/op.h"
#include "ops/panels.h"
#include "ops/split.h"
#include "ops/token_rows.h"
#include <string.h>

enum { WEIGHT, BIAS };
enum {
    TILE = 16,    // the most rows of any kernel
    GROUP = 4,    // the most panels for which a block of rows is read once
    PIECES = 8,   // groups are smaller where there would be fewer pieces
    OUTPUTS = 64, // in a piece of the weight's gradient
};

static bool token_linear_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                               struct error *error) {
    if (!op_check_tokens("token_linear", in[0], error))
        return false;
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

// A product's share of the scratch: the rows' numbers, a packed matrix that all threads read, and
// for each thread so many floats.
struct token_linear {
    const struct op_call *call;
    const int *row;
    int rows;
    float *packed; // the inputs in panels of `rows` rows, for the weight's gradient
    float *own;    // [threads][each]
    size_t each;   // floats
};

// How many panels of a product of so many columns make a piece.
static int token_linear_group(int columns) {
    const int group = panels_count(columns) / PIECES;
    return group < 1 ? 1 : group < GROUP ? group : GROUP;
}

static int token_linear_groups(int columns) {
    return (panels_count(columns) - 1) / token_linear_group(columns) + 1;
}

// What a thread needs for the largest of the products: forward, a group of panels of weights; the
// gradient of the input, likewise; that of the weight, some outputs' gradients of all tokens.
static size_t token_linear_each(const struct op_call *call, bool backward) {
    const size_t in = (size_t)token_linear_in(call), out = (size_t)call->out_shape.c;
    const size_t panel = (size_t)kernels()->panel, some = OUTPUTS * token_linear_places(call);
    size_t floats = backward ? 0 : in * panel * (size_t)token_linear_group((int)out);
    if (backward && call->din[0].to)
        floats = out * panel * (size_t)token_linear_group((int)in);
    if (backward && call->dparam[WEIGHT].to && some > floats)
        floats = some;
    return floats;
}

static size_t token_linear_packed(const struct op_call *call, bool backward) {
    return backward && call->dparam[WEIGHT].to
               ? panels_floats((int)token_linear_places(call), token_linear_in(call))
               : 0;
}

static size_t token_linear_numbers(const struct op_call *call) {
    return (token_linear_places(call) + 15) / 16 * 16; // in floats
}

static bool token_linear_splits(const struct op_call *call) {
    return split_suits(token_linear_in(call), call->out_shape.c);
}

static size_t token_linear_split_scratch(const struct op_call *call, bool backward) {
    const int in = token_linear_in(call), out = call->out_shape.c;
    const int places = (int)token_linear_places(call);
    size_t floats = backward ? 0 : split_scratch(places, in, out);
    if (backward && call->dparam[WEIGHT].to)
        floats = split_scratch(out, places, in);
    const size_t data = backward && call->din[0].to ? split_scratch(places, out, in) : 0;
    return data > floats ? data : floats;
}

static size_t token_linear_scratch(const struct op_call *call, bool backward) {
    size_t product = token_linear_packed(call, backward) +
                     (size_t)pool_threads(call->pool) * token_linear_each(call, backward);
    if (token_linear_splits(call))
        product = token_linear_split_scratch(call, backward);
    product += token_linear_numbers(call);
    const size_t bias = backward && call->dparam[BIAS].to ? bias_scratch(call) : 0;
    return product > bias ? product : bias;
}

static struct token_linear token_linear_open(const struct op_call *call, bool backward) {
    int *row = (int *)(void *)call->scratch;
    float *packed = call->scratch + token_linear_numbers(call);
    return (struct token_linear){.call = call,
                                 .row = row,
                                 .rows = token_rows(call, row),
                                 .packed = packed,
                                 .own = packed + token_linear_packed(call, backward),
                                 .each = token_linear_each(call, backward)};
}

// A product of x [places][depth] with a group of panels, whose columns of `to` [places][width]
// begin at `first`: sets, or adds to, the rows that are there.
struct token_product {
    const float *x, *panels, *bias;
    float *to;
    int depth, width, first, group;
    bool add;
};

// Some rows and one panel.
static void token_linear_block(const struct token_product *p, const int *row, int count,
                               int panel) {
    const struct kernel_tap tap = {0};
    const int j = p->first + panel * kernels()->panel, left = p->width - j;
    const int columns = left < kernels()->panel ? left : kernels()->panel;
    const float *a[TILE];
    float *y[TILE];
    for (int i = 0; i < count; i++) {
        a[i] = p->x + (size_t)row[i] * (size_t)p->depth;
        y[i] = p->to + (size_t)row[i] * (size_t)p->width + j;
        if (p->bias)
            memcpy(y[i], p->bias + j, (size_t)columns * sizeof *p->bias);
    }
    chains_gather(count, a, y, columns, &tap, 1, p->depth,
                  p->panels + (size_t)panel * (size_t)p->depth * (size_t)kernels()->panel,
                  p->add || p->bias, NULL, NULL);
}

static void token_linear_product(const struct token_linear *t, const struct token_product *p) {
    for (int first = 0; first < t->rows; first += kernels()->rows) {
        const int left = t->rows - first, count = left < kernels()->rows ? left : kernels()->rows;
        for (int panel = 0; panel < p->group; panel++)
            token_linear_block(p, t->row + first, count, panel);
    }
}

// Which panels piece number `piece` has.
static void token_linear_take(struct token_product *p, int piece) {
    const int group = token_linear_group(p->width), left = panels_count(p->width) - piece * group;
    p->first = piece * group * kernels()->panel;
    p->group = left < group ? left : group;
}

// Some outputs of all tokens.
static void token_linear_forward_piece(void *context, int piece, int worker) {
    const struct token_linear *t = context;
    const struct op_call *call = t->call;
    const size_t in = (size_t)token_linear_in(call);
    float *panels = t->own + (size_t)worker * t->each;
    struct token_product p = {.x = call->in[0],
                              .panels = panels,
                              .bias = call->param[BIAS],
                              .to = call->out,
                              .depth = (int)in,
                              .width = call->out_shape.c};
    token_linear_take(&p, piece);
    for (int i = 0, j = p.first; i < p.group; i++, j += kernels()->panel) {
        const int left = p.width - j, columns = left < kernels()->panel ? left : kernels()->panel;
        panels_pack_transposed(p.depth, columns, call->param[WEIGHT] + (size_t)j * in, in,
                               panels + (size_t)i * in * (size_t)kernels()->panel);
    }
    token_linear_product(t, &p);
}

static void token_linear_forward_split(const struct token_linear *t) {
    const struct op_call *call = t->call;
    const int in = token_linear_in(call), out = call->out_shape.c;
    const struct split s = {.rows = t->rows,
                            .depth = in,
                            .columns = out,
                            .left = {call->in[0], t->row, (size_t)in, true},
                            .right = {call->param[WEIGHT], NULL, (size_t)in, true},
                            .to = call->out,
                            .row = t->row,
                            .stride = (size_t)out,
                            .bias = call->param[BIAS]};
    split_multiply(&s, call->pool, t->packed);
}

static void token_linear_forward(const struct op_call *call) {
    struct token_linear t = token_linear_open(call, false);
    if (token_linear_splits(call)) {
        token_linear_forward_split(&t);
        return;
    }
    pool_run(call->pool, token_linear_groups(call->out_shape.c), token_linear_forward_piece, &t);
}

static unsigned token_linear_reads(const struct op_call *call) {
    return call->dparam[WEIGHT].to ? OP_READS_IN : 0;
}

// dx = dy W: some inputs of all tokens.
static void token_linear_data_piece(void *context, int piece, int worker) {
    const struct token_linear *t = context;
    const struct op_call *call = t->call;
    const size_t out = (size_t)call->out_shape.c;
    float *panels = t->own + (size_t)worker * t->each;
    struct token_product p = {.x = call->dout,
                              .panels = panels,
                              .to = call->din[0].to,
                              .depth = (int)out,
                              .width = token_linear_in(call),
                              .add = call->din[0].add};
    token_linear_take(&p, piece);
    for (int i = 0, j = p.first; i < p.group; i++, j += kernels()->panel) {
        const int left = p.width - j, columns = left < kernels()->panel ? left : kernels()->panel;
        panels_pack(p.depth, columns, call->param[WEIGHT] + j, (size_t)p.width,
                    panels + (size_t)i * out * (size_t)kernels()->panel);
    }
    token_linear_product(t, &p);
}

static void token_linear_data_split(const struct token_linear *t) {
    const struct op_call *call = t->call;
    const int in = token_linear_in(call), out = call->out_shape.c;
    const struct split s = {.rows = t->rows,
                            .depth = out,
                            .columns = in,
                            .left = {call->dout, t->row, (size_t)out, true},
                            .right = {call->param[WEIGHT], NULL, (size_t)in, false},
                            .to = call->din[0].to,
                            .row = t->row,
                            .stride = (size_t)in,
                            .add = call->din[0].add};
    split_multiply(&s, call->pool, t->packed);
}

static void token_linear_data(struct token_linear *t) {
    if (token_linear_splits(t->call))
        token_linear_data_split(t);
    else
        pool_run(t->call->pool, token_linear_groups(token_linear_in(t->call)),
                 token_linear_data_piece, t);
}

// A panel of the inputs of all tokens.
static float *token_linear_panel(const struct token_linear *t, int panel) {
    return t->packed + (size_t)panel * (size_t)t->rows * (size_t)kernels()->panel;
}

static void token_linear_pack_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct token_linear *t = context;
    const int in = token_linear_in(t->call), j = piece * kernels()->panel;
    const int columns = in - j < kernels()->panel ? in - j : kernels()->panel;
    for (int i = 0; i < t->rows; i++)
        panels_pack(1, columns, t->call->in[0] + (size_t)t->row[i] * (size_t)in + j, (size_t)in,
                    token_linear_panel(t, piece) + (size_t)i * (size_t)kernels()->panel);
}

// to [count][rows]: the gradients of outputs first .. of all tokens, token by token in blocks that
// stay in the cache.
static void token_linear_transpose(const struct token_linear *t, int first, int count, float *to) {
    enum { BLOCK = 16 };
    const size_t out = (size_t)t->call->out_shape.c;
    for (int r = 0; r < t->rows; r += BLOCK) {
        const int rows = t->rows - r < BLOCK ? t->rows - r : BLOCK;
        const float *from[BLOCK];
        for (int i = 0; i < rows; i++)
            from[i] = t->call->dout + (size_t)t->row[r + i] * out + (size_t)first;
        for (int o = 0; o < count; o++)
            for (int i = 0; i < rows; i++)
                to[(size_t)o * (size_t)t->rows + (size_t)(r + i)] = from[i][o];
    }
}

// dW = dy^T x: some outputs, for all inputs, summed over the tokens.
static void token_linear_weight_piece(void *context, int piece, int worker) {
    const struct token_linear *t = context;
    const struct op_call *call = t->call;
    const struct kernel_tap tap = {0};
    const int in = token_linear_in(call), first = piece * OUTPUTS, left = call->out_shape.c - first;
    const int outputs = left < OUTPUTS ? left : OUTPUTS;
    float *dy = t->own + (size_t)worker * t->each;
    token_linear_transpose(t, first, outputs, dy);
    for (int j = 0; j < in; j += kernels()->panel) {
        const int columns = in - j < kernels()->panel ? in - j : kernels()->panel;
        const float *panel = token_linear_panel(t, j / kernels()->panel);
        for (int o = 0; o < outputs; o += kernels()->rows) {
            const int count = outputs - o < kernels()->rows ? outputs - o : kernels()->rows;
            const float *a[TILE];
            float *y[TILE];
            for (int i = 0; i < count; i++) {
                a[i] = dy + (size_t)(o + i) * (size_t)t->rows;
                y[i] = call->dparam[WEIGHT].to + (size_t)(first + o + i) * (size_t)in + (size_t)j;
            }
            chains_gather(count, a, y, columns, &tap, 1, t->rows, panel, call->dparam[WEIGHT].add,
                          NULL, NULL);
        }
    }
}

static void token_linear_weight_split(const struct token_linear *t) {
    const struct op_call *call = t->call;
    const int in = token_linear_in(call), out = call->out_shape.c;
    const struct split s = {.rows = out,
                            .depth = t->rows,
                            .columns = in,
                            .left = {call->dout, t->row, (size_t)out, false},
                            .right = {call->in[0], t->row, (size_t)in, false},
                            .to = call->dparam[WEIGHT].to,
                            .stride = (size_t)in,
                            .add = call->dparam[WEIGHT].add};
    split_multiply(&s, call->pool, t->packed);
}

static void token_linear_weight(struct token_linear *t) {
    const struct op_call *call = t->call;
    if (token_linear_splits(call)) {
        token_linear_weight_split(t);
        return;
    }
    pool_run(call->pool, panels_count(token_linear_in(call)), token_linear_pack_piece, t);
    pool_run(call->pool, (call->out_shape.c - 1) / OUTPUTS + 1, token_linear_weight_piece, t);
}

static void token_linear_backward(const struct op_call *call) {
    struct token_linear t = token_linear_open(call, true);
    if (call->din[0].to)
        token_linear_data(&t);
    if (call->dparam[WEIGHT].to)
        token_linear_weight(&t);
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
