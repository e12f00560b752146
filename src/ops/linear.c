// out = x W^T + b, x the input as a vector of shape_count. params: weight [out][in], bias [out] or
// NULL.
//
// Forward is by our own kernel, so that a sample's output does not depend on its batch. The
// gradients are by OpenBLAS, in pieces that follow from the sizes alone.
#include "base/blas.h"
#include "base/kernels.h"
#include "ops/bias.h"
#include "ops/chains.h"
#include "ops/panels.h"
#include <string.h>

enum { WEIGHT, BIAS };
enum { TILE = 16 }; // the most rows of any kernel

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

// Floats of one packed panel of weights.
static size_t linear_panel_floats(const struct op_call *call) {
    return (size_t)linear_in(call) * (size_t)kernels()->panel;
}

static size_t linear_scratch(const struct op_call *call, bool backward) {
    if (!backward)
        return (size_t)pool_threads(call->pool) * linear_panel_floats(call);
    return call->dparam[BIAS].to ? bias_scratch(call) : 0;
}

// One panel of outputs, for all samples.
static void linear_forward_piece(void *context, int piece, int worker) {
    const struct op_call *call = context;
    const struct kernel_tap tap = {0};
    const int in = linear_in(call), out = call->out_shape.c, j = piece * kernels()->panel;
    const int columns = out - j < kernels()->panel ? out - j : kernels()->panel;
    const float *bias = call->param[BIAS], *a[TILE];
    float *b = call->scratch + (size_t)worker * linear_panel_floats(call), *to[TILE];
    panels_pack_transposed(in, columns, call->param[WEIGHT] + (size_t)j * (size_t)in, (size_t)in,
                           b);
    for (int first = 0; first < call->n; first += kernels()->rows) {
        const int left = call->n - first, count = left < kernels()->rows ? left : kernels()->rows;
        for (int i = 0; i < count; i++) {
            a[i] = call->in[0] + (size_t)(first + i) * (size_t)in;
            to[i] = call->out + (size_t)(first + i) * (size_t)out + j;
            if (bias)
                memcpy(to[i], bias + j, (size_t)columns * sizeof *bias);
        }
        chains_gather(count, a, to, columns, &tap, 1, in, b, bias != NULL);
    }
}

static void linear_forward(const struct op_call *call) {
    struct op_call job = *call;
    pool_run(call->pool, panels_count(call->out_shape.c), linear_forward_piece, &job);
}

static unsigned linear_reads(const struct op_call *call) {
    return call->dparam[WEIGHT].to ? OP_READS_IN : 0;
}

// Both gradients are cut along `size` into pieces that OpenBLAS handles well.
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

// dW [out][in] = dout^T [out][n] x [n][in], for a range of columns.
static void linear_weight_piece(void *context, int piece, int worker) {
    (void)worker;
    const struct op_call *call = context;
    const int in = linear_in(call), out = call->out_shape.c;
    const int first = linear_cut(in, piece), end = linear_cut(in, piece + 1);
    blas_product(true, false, out, end - first, call->n, call->dout, out, call->in[0] + first, in,
                 call->dparam[WEIGHT].add, call->dparam[WEIGHT].to + first, in);
}

static void linear_backward(const struct op_call *call) {
    struct op_call job = *call;
    const int pieces = linear_pieces(linear_in(call));
    if (call->din[0].to)
        pool_run(call->pool, pieces, linear_data_piece, &job);
    if (call->dparam[WEIGHT].to)
        pool_run(call->pool, pieces, linear_weight_piece, &job);
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
