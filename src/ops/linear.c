// out = x W^T + b, x the input as a vector of shape_count. params: weight [out][in], bias [out] or
// NULL.
//
// Forward is by our own kernel, so that a sample's output does not depend on its batch, and so is
// the gradient of the weights, which writes them once. The gradient of the input is by OpenBLAS, in
// pieces that follow from the sizes alone.
#include "base/blas.h"
#include "base/kernels.h"
#include "ops/bias.h"
#include "ops/panels.h"
#include <string.h>

enum { WEIGHT, BIAS };

static int linear_in(const struct op_call *call) {
    return (int)shape_count(call->in_shape[0]);
}

static bool linear_infer(const union op_attr *attr, const struct shape *in, struct shape *out,
                         struct error *error) {
    const size_t count = shape_count(in[0]);
    if (attr->linear.out < 1 || count > INT32_MAX)
        return error_set(error, "linear: %d outputs of %zu inputs: at least 1 of at most %d",
                         attr->linear.out, count, INT32_MAX);
    *out = (struct shape){1, 1, attr->linear.out};
    return true;
}

// Pieces of one pass; too little work for waking threads is done here.
static void linear_run(struct op_call *call, int pieces, pool_work *work) {
    const double products = (double)call->n * linear_in(call) * call->out_shape.c;
    if (products > 1 << 20)
        pool_run(call->pool, pieces, work, call);
    else
        for (int piece = 0; piece < pieces; piece++)
            work(call, piece, 0);
}

enum {
    OUTPUTS = 32, // of a piece
    SAMPLES = 64, // that share what is read of the weights
    DEPTH = 2048, // of a sum whose chains are not cut
};

// Some outputs, of at most SAMPLES samples.
static void linear_outputs(const struct op_call *call, int first, int count, int j, int columns) {
    const int in = linear_in(call), out = call->out_shape.c;
    const float *bias = call->param[BIAS], *a[SAMPLES];
    float *to[SAMPLES];
    for (int i = 0; i < count; i++) {
        to[i] = call->out + (size_t)(first + i) * (size_t)out + j;
        if (bias)
            memcpy(to[i], bias + j, (size_t)columns * sizeof *bias);
    }
    for (int k = 0; k < in; k += DEPTH) {
        for (int i = 0; i < count; i++)
            a[i] = call->in[0] + (size_t)(first + i) * (size_t)in + k;
        kernels()->dots(count, columns, in - k < DEPTH ? in - k : DEPTH, a,
                        call->param[WEIGHT] + (size_t)j * (size_t)in + k, (size_t)in, to,
                        bias || k > 0);
    }
}

static void linear_forward_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct op_call *call = context;
    const int j = piece * OUTPUTS, left = call->out_shape.c - j;
    for (int i = 0; i < call->n; i += SAMPLES)
        linear_outputs(call, i, call->n - i < SAMPLES ? call->n - i : SAMPLES, j,
                       left < OUTPUTS ? left : OUTPUTS);
}

static void linear_forward(const struct op_call *call) {
    struct op_call job = *call;
    linear_run(&job, (call->out_shape.c + OUTPUTS - 1) / OUTPUTS, linear_forward_piece);
}

static unsigned linear_reads(const struct op_call *call) {
    return call->dparam[WEIGHT].to ? OP_READS_IN : 0;
}

// Both gradients are cut along the inputs.
enum { PIECES = 8, PIECE_LEAST = 64 };

static int linear_pieces(int size) {
    const int pieces = size / PIECE_LEAST;
    return pieces < 1 ? 1 : pieces < PIECES ? pieces : PIECES;
}

static int linear_cut(int size, int piece) {
    return (int)((int64_t)size * piece / linear_pieces(size));
}

// dx [n][in] = dout [n][out] W [out][in], for a range of columns.
static void linear_data_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct op_call *call = context;
    const int in = linear_in(call), out = call->out_shape.c;
    const int first = linear_cut(in, piece), end = linear_cut(in, piece + 1);
    blas_product(false, false, call->n, end - first, out, call->dout, out,
                 call->param[WEIGHT] + first, in, call->din[0].add, call->din[0].to + first, in);
}

enum {
    GROUP = 4,   // panels of the input that are packed at a time
    BLOCK = 56,  // outputs whose products are computed at a time
    CHAIN = 256, // samples in a chain
};

// Floats for a worker: a packed group of the batch, and a block of products.
static size_t linear_weight_floats(const struct op_call *call) {
    return ((size_t)GROUP * (size_t)call->n + BLOCK) * (size_t)kernels()->panel;
}

static size_t linear_scratch(const struct op_call *call, bool backward) {
    size_t floats = 0;
    if (backward && call->dparam[WEIGHT].to)
        floats = (size_t)pool_threads(call->pool) * linear_weight_floats(call);
    const size_t bias = backward && call->dparam[BIAS].to ? bias_scratch(call) : 0;
    return floats > bias ? floats : bias;
}

// dW of a block of outputs and a panel of inputs, from its packed inputs.
static void linear_weight_block(const struct op_call *call, int j, int rows, int first, int columns,
                                const float *packed, float *products) {
    const size_t in = (size_t)linear_in(call), out = (size_t)call->out_shape.c;
    const int panel = kernels()->panel;
    const struct op_grad to = call->dparam[WEIGHT];
    for (int i = 0; i < call->n; i += CHAIN) {
        const float *dout = call->dout + (size_t)i * out;
        kernels()->outer(rows, columns, 1, call->n - i < CHAIN ? call->n - i : CHAIN, &dout, out,
                         (size_t)j, packed + (size_t)i * (size_t)panel, products, (size_t)panel,
                         i > 0);
    }
    for (int r = 0; r < rows; r++)
        op_give(to, (size_t)(j + r) * in + (size_t)first, (size_t)columns, products + r * panel);
}

// dW [out][in] = dout^T [out][n] x [n][in], for a range of columns.
static void linear_weight_piece(void *context, int piece, int worker) {
    const struct op_call *call = context;
    const int in = linear_in(call), out = call->out_shape.c, panel = kernels()->panel;
    const int first = linear_cut(in, piece), end = linear_cut(in, piece + 1);
    const size_t each = (size_t)call->n * (size_t)panel; // floats of a packed panel
    float *packed = call->scratch + (size_t)worker * linear_weight_floats(call);
    for (int c = first; c < end; c += GROUP * panel) {
        const int last = end - c < GROUP * panel ? end : c + GROUP * panel;
        for (int k = c; k < last; k += panel)
            panels_pack(call->n, last - k < panel ? last - k : panel, call->in[0] + k, (size_t)in,
                        packed + (size_t)((k - c) / panel) * each);
        for (int j = 0; j < out; j += BLOCK)
            for (int k = c; k < last; k += panel)
                linear_weight_block(call, j, out - j < BLOCK ? out - j : BLOCK, k,
                                    last - k < panel ? last - k : panel,
                                    packed + (size_t)((k - c) / panel) * each,
                                    packed + GROUP * each);
    }
}

static void linear_backward(const struct op_call *call) {
    struct op_call job = *call;
    const int pieces = linear_pieces(linear_in(call));
    if (call->din[0].to)
        linear_run(&job, pieces, linear_data_piece);
    if (call->dparam[WEIGHT].to)
        linear_run(&job, pieces, linear_weight_piece);
    if (call->dparam[BIAS].to)
        bias_gradient(call, call->dparam[BIAS], call->scratch);
}

static struct op_flops linear_flops(const union op_attr *attr, const struct shape *in,
                                    struct shape out) {
    const double product = 2 * (double)shape_count(in[0]) * out.c;
    const double bias = attr->linear.bias ? out.c : 0;
    return (struct op_flops){.forward = product + bias, .data = product, .weight = product + bias};
}

const struct operation op_linear = {
    .name = "linear",
    .inputs = 1,
    .pure = true,
    .infer = linear_infer,
    .scratch = linear_scratch,
    .forward = linear_forward,
    .reads = linear_reads,
    .backward = linear_backward,
    .flops = linear_flops,
};
