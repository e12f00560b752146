// The exponential function of the vector kernels, and what softmax and its losses need of it, for
// kernels_unit.c alone, after kernels_vector.h.
//
// Sums run in 16 lanes that are added in one order, the same in all instruction sets.
#ifndef THAW_BASE_KERNELS_EXP_H
#define THAW_BASE_KERNELS_EXP_H

#include <stdint.h>

VECTOR_INLINE float exp_float_of(int32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

VECTOR_INLINE int32_t exp_bits_of(float f) {
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

// exp(x) to about one unit in the last place, for -87 <= x <= 88 (what is outside is taken for the
// end): x = n ln 2 + r, |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 p(r), p fitted by least maximum
// (relative error 5e-11). NaN stays.
VECTOR_INLINE float exp_one(float x) {
    const float whole = 12582912; // 1.5 * 2^23: adding it rounds to a whole number
    const float inside = x < -87 ? -87 : x > 88 ? 88 : x;
    const float sum = inside * 1.44269504f + whole, n = sum - whole;
    float r = n * -0.693145752f + inside; // the upper bits of ln 2: this product is exact
    r = n * -1.42860677e-6f + r;
    float p = r * 0.000197903417f + 0.00139446597f;
    p = p * r + 0.00833349707f;
    p = p * r + 0.041666295f;
    p = p * r + 0.166666659f;
    p = p * r + 0.5f;
    const float square = r * r;
    p = p * square + r;
    const uint32_t power = (uint32_t)(exp_bits_of(sum) - exp_bits_of(whole) + 127);
    return (1 + p) * exp_float_of((int32_t)(power << 23));
}

enum { EXP_LANES = 16, EXP_CHAIN = 1024 }; // floats whose sum is in float, before doubles

// exp(x - largest) of up to 16 floats; what is behind `count` is filled with anything finite.
VECTOR_INLINE void exp_lanes(size_t count, const float *x, float largest, float e[EXP_LANES]) {
    memset(e, 0, EXP_LANES * sizeof *e);
    memcpy(e, x, count * sizeof *e);
    VECTOR_LOOP
    for (int l = 0; l < EXP_LANES; l++)
        e[l] = exp_one(e[l] - largest);
}

static float exp_largest(size_t n, const float *x) {
    float lane[EXP_LANES], most = x[0];
    for (int l = 0; l < EXP_LANES; l++)
        lane[l] = x[0];
    size_t i = 0;
    for (; i + EXP_LANES <= n; i += EXP_LANES)
        for (int l = 0; l < EXP_LANES; l++)
            lane[l] = x[i + (size_t)l] > lane[l] ? x[i + (size_t)l] : lane[l];
    for (; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (int l = 0; l < EXP_LANES; l++)
        most = lane[l] > most ? lane[l] : most;
    return most;
}

VECTOR_INLINE double exp_chain(size_t n, const float *x, float largest) {
    float lane[EXP_LANES] = {0}, e[EXP_LANES];
    size_t i = 0;
    for (; i + EXP_LANES <= n; i += EXP_LANES) {
        exp_lanes(EXP_LANES, x + i, largest, e);
        for (int l = 0; l < EXP_LANES; l++)
            lane[l] += e[l];
    }
    if (i < n) {
        exp_lanes(n - i, x + i, largest, e);
        for (int l = 0; l < EXP_LANES; l++)
            lane[l] += (size_t)l < n - i ? e[l] : 0;
    }
    for (int half = EXP_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return (double)lane[0];
}

static double exp_sum(size_t n, const float *x, float *largest) {
    double sum = 0;
    *largest = exp_largest(n, x);
    for (size_t first = 0; first < n; first += EXP_CHAIN)
        sum += exp_chain(n - first < EXP_CHAIN ? n - first : EXP_CHAIN, x + first, *largest);
    return sum;
}

VECTOR_INLINE void exp_scale_lanes(size_t count, const float *x, float largest, float factor,
                                   float *y, bool add) {
    float e[EXP_LANES], before[EXP_LANES] = {0};
    exp_lanes(count, x, largest, e);
    if (add)
        memcpy(before, y, count * sizeof *y);
    VECTOR_LOOP
    for (int l = 0; l < EXP_LANES; l++)
        e[l] = e[l] * factor + before[l];
    memcpy(y, e, count * sizeof *y);
}

static void exp_scale(size_t n, const float *x, float largest, float factor, float *y, bool add) {
    size_t i = 0;
    for (; i + EXP_LANES <= n; i += EXP_LANES)
        exp_scale_lanes(EXP_LANES, x + i, largest, factor, y + i, add);
    if (i < n)
        exp_scale_lanes(n - i, x + i, largest, factor, y + i, add);
}

#endif
