// The vector part of the kernels, for kernels_unit.c alone: a fragment of static functions
// vector_channel_sums, vector_sum, ... one for each such member of struct kernels.
//
// Plain loops that the compiler vectorises along contiguous channels or elements; the order of
// every sum is written out, so vectorising never reassociates. Where a product is added, the other
// addend is never a product too, so there is one way only to fuse, in vector bodies and in scalar
// tails.
#ifndef THAW_BASE_KERNELS_VECTOR_H
#define THAW_BASE_KERNELS_VECTOR_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// Promises that iterations are independent: a destination is one of the sources or overlaps none.
#ifdef __clang__
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define VECTOR_LOOP _Pragma("GCC ivdep")
#endif

// For helpers whose flags must be constants before their loop is vectorised.
#define VECTOR_INLINE static inline __attribute__((always_inline))

// The sums below take four rows at a time to save loads and stores of the sums; the order is the
// same as one row at a time.
enum { VECTOR_ROWS = 4 };

VECTOR_INLINE void vector_add_rows(int rows, int channels, const float *x, float *sum) {
    VECTOR_LOOP
    for (int c = 0; c < channels; c++) {
        float s = sum[c];
        for (int r = 0; r < rows; r++)
            s += x[(size_t)r * channels + c];
        sum[c] = s;
    }
}

VECTOR_INLINE void vector_add_squares(int rows, int channels, const float *x, const float *mean,
                                      float *square) {
    VECTOR_LOOP
    for (int c = 0; c < channels; c++) {
        float s = square[c];
        for (int r = 0; r < rows; r++) {
            float d = x[(size_t)r * channels + c] - (mean ? mean[c] : 0);
            s = d * d + s;
        }
        square[c] = s;
    }
}

static void vector_clear(int channels, float *to) {
    if (to)
        memset(to, 0, (size_t)channels * sizeof *to);
}

static void vector_channel_sums(size_t rows, int channels, const float *x, const float *mean,
                                float *sum, float *square) {
    vector_clear(channels, sum);
    vector_clear(channels, square);
    size_t r = 0;
    for (; r + VECTOR_ROWS <= rows; r += VECTOR_ROWS, x += VECTOR_ROWS * (size_t)channels) {
        if (sum)
            vector_add_rows(VECTOR_ROWS, channels, x, sum);
        if (square)
            vector_add_squares(VECTOR_ROWS, channels, x, mean, square);
    }
    for (; r < rows; r++, x += channels) {
        if (sum)
            vector_add_rows(1, channels, x, sum);
        if (square)
            vector_add_squares(1, channels, x, mean, square);
    }
}

static void vector_relu_back(size_t n, const float *y, float most, const float *dy, float *dx,
                             bool add) {
    if (add) {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            dx[i] += ((y[i] > 0) & (y[i] < most)) ? dy[i] : 0;
    } else {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            dx[i] = ((y[i] > 0) & (y[i] < most)) ? dy[i] : 0;
    }
}

static void vector_sum(size_t n, const float *a, const float *b, float *y) {
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void vector_scale(size_t n, const float *x, float factor, float *y, bool add) {
    if (add) {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] * factor + y[i];
    } else {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] * factor;
    }
}

// Eight doubles, split by the compiler into what the instruction set has: the order of the sum, and
// so the bits, are the same in all (a float's square is exact in double).
typedef double vector_doubles __attribute__((vector_size(64)));
typedef float vector_floats __attribute__((vector_size(32), aligned(4), may_alias));

static double vector_square_sum(size_t n, const float *x) {
    vector_doubles even = {0}, odd = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const vector_floats *at = (const vector_floats *)(x + i);
        vector_doubles a = __builtin_convertvector(at[0], vector_doubles);
        vector_doubles b = __builtin_convertvector(at[1], vector_doubles);
        even += a * a;
        odd += b * b;
    }
    double sum = 0;
    for (int lane = 0; lane < 8; lane++)
        sum += even[lane] + odd[lane];
    for (; i < n; i++)
        sum += (double)x[i] * x[i];
    return sum;
}

VECTOR_INLINE void vector_sgd_loop(size_t n, float *w, const float *g, float *moment, float lr,
                                   float weight_decay, float momentum, bool nesterov, bool first) {
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++) {
        float d = weight_decay * w[i] + g[i];
        if (moment) {
            float m = first ? d : momentum * moment[i] + d;
            moment[i] = m;
            d = nesterov ? momentum * m + d : m;
        }
        w[i] -= lr * d;
    }
}

static void vector_sgd(size_t n, float *w, const float *g, float *moment, float lr,
                       float weight_decay, float momentum, bool nesterov, bool first) {
    if (!moment)
        vector_sgd_loop(n, w, g, NULL, lr, weight_decay, 0, false, false);
    else if (first)
        vector_sgd_loop(n, w, g, moment, lr, weight_decay, momentum, nesterov, true);
    else
        vector_sgd_loop(n, w, g, moment, lr, weight_decay, momentum, nesterov, false);
}

// v stays >= 0: g * g - v is never below -v, even when rounded.
static void vector_adam(size_t n, float *w, const float *g, float *m, float *v, float step_size,
                        double beta1, double beta2, float root_correction2, float eps, float l2,
                        float decay) {
    const float new1 = (float)(1 - beta1), new2 = (float)(1 - beta2), kept = 1 - decay;
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++) {
        float d = l2 * w[i] + g[i];
        float first = new1 * (d - m[i]) + m[i];
        float second = new2 * (d * d - v[i]) + v[i];
        m[i] = first;
        v[i] = second;
        w[i] = w[i] * kept - step_size * first / (sqrtf(second) / root_correction2 + eps);
    }
}

#endif
