// The kernels of one instruction set: compiled once for each, with its flags and
// -DKERNELS_ISA=<name> (meson.build).
#include "base/kernels.h"
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define WIDTH 16
#define ROWS 14
#elif defined(__AVX__)
#define WIDTH 8
#define ROWS 6
#else
#define WIDTH 4
#define ROWS 6
#endif
#define PANEL (2 * WIDTH)
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * WIDTH)));

INLINE vec load(const float *from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vec v) {
    memcpy(to, &v, sizeof v);
}

// All bits of an element are set, or none: what a comparison of vectors gives.
typedef int32_t mask __attribute__((vector_size(4 * WIDTH)));

INLINE vec choose(mask where, vec a, vec b) {
    return (vec)(((mask)a & where) | ((mask)b & ~where));
}

#include "base/kernels_finish.h"
#include "base/kernels_matrix.h"
#include "base/kernels_norm.h"
#include "base/kernels_pack.h"
// After the matrix part, whose counts of rows it uses.
#include "base/kernels_depthwise.h"
#include "base/kernels_dots.h"
#include "base/kernels_vector.h"
// After the vector part, whose macros they use.
#include "base/kernels_drop.h"
#include "base/kernels_exp.h"
#include "base/kernels_pool.h"
#include "base/kernels_split.h"
#include "base/kernels_winograd.h"
// After the exponential function.
#include "base/kernels_text.h"

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

const struct kernels JOIN(kernels_, KERNELS_ISA) = {
    .isa = STRING(KERNELS_ISA),
    .width = WIDTH,
    .panel = PANEL,
    .rows = ROWS,
    .gather = matrix_gather,
    .product = matrix_product,
    .outer = matrix_outer,
    .pack = pack_panels,
    .pack_transposed = pack_transposed,
    .dots = dots_rows,
#ifdef __AMX_BF16__
    .split_left = split_lines,
    .split_right = split_across,
    .split_right_transposed = split_columns,
    .split_open = split_open,
    .split_close = split_close,
    .split_product = split_product,
#endif
    .depthwise = depthwise_pixels,
    .depthwise_weight = depthwise_weight,
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_output_add = winograd_output_add,
    .winograd_gradient = winograd_gradient,
    .winograd_weight = winograd_weight,
    .winograd_weight_back = winograd_weight_back,
    .max_pool = pool_max,
    .max_pool_back = pool_max_back,
    .finish = finish,
    .channel_sums = vector_channel_sums,
    .norm_dots = norm_dots,
    .norm_blend = norm_blend,
    .relu_back = vector_relu_back,
    .sum = vector_sum,
    .scale = vector_scale,
    .square_sum = vector_square_sum,
    .sgd = vector_sgd,
    .adam = vector_adam,
    .exp_sum = exp_sum,
    .exp_scale = exp_scale,
    .softmax = text_softmax,
    .softmax_again = text_softmax_again,
    .softmax_back = text_softmax_back,
    .gelu = text_gelu,
    .gelu_back = text_gelu_back,
    .drop = drop_apply,
    .layer_norm = text_layer_norm,
    .layer_norm_back = text_layer_norm_back,
    .layer_norm_sums = text_layer_norm_sums,
};
