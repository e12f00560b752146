// What texts need of the vector kernels, for kernels_unit.c alone, after kernels_exp.h.
//
// Sums along a row run in 16 lanes that are added in one order, the same in all instruction sets.
#ifndef THAW_BASE_KERNELS_TEXT_H
#define THAW_BASE_KERNELS_TEXT_H

// The normal distribution's share above |x|, given exp(-x^2 / 2): t = 1 / (1 + 0.247 |x|), the
// share over exp and t fitted by a polynomial in t (relative error 7e-9).
VECTOR_INLINE float text_share_above(float x, float exponential) {
    const float t = 1 / (1 + 0.24748737f * fabsf(x));
    float p = t * 0.0188880988f - 0.0777092578f;
    p = p * t + 0.0864478509f;
    p = p * t - 0.00790222133f;
    p = p * t + 0.0383306699f;
    p = p * t + 0.0759436209f;
    p = p * t + 0.0745253834f;
    p = p * t + 0.0941943368f;
    p = p * t + 0.0985379031f;
    p = p * t + 0.0987436188f;
    return p * t * exponential;
}

VECTOR_INLINE float text_gelu_one(float x) {
    const float above = text_share_above(x, exp_one(x * x * -0.5f));
    return x * (x < 0 ? above : 1 - above);
}

VECTOR_INLINE float text_gelu_slope(float x) {
    const float exponential = exp_one(x * x * -0.5f);
    const float above = text_share_above(x, exponential);
    const float density = exponential * 0.398942280f;
    return x * density + (x < 0 ? above : 1 - above);
}

// 1 + tanh(u) = 2 / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
VECTOR_INLINE float text_gelu_tanh_share(float x) {
    const float cube = x * x * x, u = (cube * 0.044715f + x) * -1.59576912f;
    return 1 / (1 + exp_one(u > 80 ? 80 : u)); // no denormal share
}

VECTOR_INLINE float text_gelu_tanh_slope(float x) {
    const float share = text_gelu_tanh_share(x);
    const float rise = (x * x * 0.134145f + 1) * 1.59576912f; // of 2 u
    const float rest = x * share * (1 - share);
    return rest * rise + share;
}

static void text_gelu(size_t n, const float *x, bool by_tanh, float *y) {
    if (by_tanh) {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] * text_gelu_tanh_share(x[i]);
    } else {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = text_gelu_one(x[i]);
    }
}

VECTOR_INLINE void text_gelu_back_loop(size_t n, const float *x, bool by_tanh, const float *dy,
                                       float *dx, bool add) {
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++) {
        const float slope = by_tanh ? text_gelu_tanh_slope(x[i]) : text_gelu_slope(x[i]);
        const float d = dy[i] * slope;
        dx[i] = add ? dx[i] + d : d;
    }
}

static void text_gelu_back(size_t n, const float *x, bool by_tanh, const float *dy, float *dx,
                           bool add) {
    if (by_tanh && add)
        text_gelu_back_loop(n, x, true, dy, dx, true);
    else if (by_tanh)
        text_gelu_back_loop(n, x, true, dy, dx, false);
    else if (add)
        text_gelu_back_loop(n, x, false, dy, dx, true);
    else
        text_gelu_back_loop(n, x, false, dy, dx, false);
}

enum { TEXT_LANES = 16 };

VECTOR_INLINE float text_lanes_sum(float lane[TEXT_LANES]) {
    for (int half = TEXT_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

// lane[i % 16] += term(i) for i < n, in rising order. `term` may use i.
#define TEXT_LANES_ADD(n, term)                                                                    \
    do {                                                                                           \
        size_t at_ = 0;                                                                            \
        for (; at_ + TEXT_LANES <= (n); at_ += TEXT_LANES)                                         \
            for (int l = 0; l < TEXT_LANES; l++) {                                                 \
                const size_t i = at_ + (size_t)l;                                                  \
                lane[l] += (term);                                                                 \
            }                                                                                      \
        for (size_t i = at_; i < (n); i++)                                                         \
            lane[i - at_] += (term);                                                               \
    } while (0)

static float text_sum(size_t n, const float *x) {
    float lane[TEXT_LANES] = {0};
    TEXT_LANES_ADD(n, x[i]);
    return text_lanes_sum(lane);
}

static float text_dot(size_t n, const float *x, const float *y) {
    float lane[TEXT_LANES] = {0};
    TEXT_LANES_ADD(n, x[i] * y[i]);
    return text_lanes_sum(lane);
}

static float text_square_distance(size_t n, const float *x, float mean) {
    float lane[TEXT_LANES] = {0};
    TEXT_LANES_ADD(n, (x[i] - mean) * (x[i] - mean));
    return text_lanes_sum(lane);
}

static float text_softmax(size_t n, float scale, float *x) {
    const float largest = exp_largest(n, x);
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        x[i] = exp_one((x[i] - largest) * scale);
    const float sum = text_sum(n, x), share = 1 / sum;
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        x[i] *= share;
    return largest * scale + logf(sum);
}

static void text_softmax_again(size_t n, float scale, float log_sum, float *x) {
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        x[i] = exp_one(x[i] * scale - log_sum);
}

static void text_softmax_back(size_t n, float scale, const float *p, float *dp) {
    const float mean = text_dot(n, p, dp);
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        dp[i] = p[i] * (dp[i] - mean) * scale;
}

static void text_layer_norm(int channels, const float *x, const float *weight, const float *bias,
                            float eps, float *y, float moments[2]) {
    const size_t n = (size_t)channels;
    const float mean = text_sum(n, x) / (float)channels;
    const float variance = text_square_distance(n, x, mean) / (float)channels;
    const float scale = 1 / sqrtf(variance + eps);
    VECTOR_LOOP
    for (int c = 0; c < channels; c++) {
        const float normal = (x[c] - mean) * scale;
        y[c] = normal * weight[c] + bias[c];
    }
    moments[0] = mean;
    moments[1] = scale;
}

VECTOR_INLINE void text_layer_norm_spread(int channels, const float *dy, const float *x,
                                          const float *weight, const float moments[2], float along,
                                          float share, float *dx, bool add) {
    VECTOR_LOOP
    for (int c = 0; c < channels; c++) {
        const float normal = (x[c] - moments[0]) * moments[1];
        const float rest = dy[c] * weight[c] - share;
        const float d = (rest - normal * along) * moments[1];
        dx[c] = add ? dx[c] + d : d;
    }
}

static void text_layer_norm_back(int channels, const float *dy, const float *x, const float *weight,
                                 const float moments[2], float *dx, bool add) {
    const size_t n = (size_t)channels;
    float lane[TEXT_LANES] = {0};
    const float share = text_dot(n, dy, weight) / (float)channels;
    TEXT_LANES_ADD(n, dy[i] * weight[i] * (x[i] - moments[0]));
    const float along = text_lanes_sum(lane) * moments[1] / (float)channels;
    if (add)
        text_layer_norm_spread(channels, dy, x, weight, moments, along, share, dx, true);
    else
        text_layer_norm_spread(channels, dy, x, weight, moments, along, share, dx, false);
}

static void text_layer_norm_sums(size_t rows, int channels, const float *dy, const float *x,
                                 const float *moments, float *dot) {
    memset(dot, 0, (size_t)channels * sizeof *dot);
    for (size_t r = 0; r < rows; r++, dy += channels, x += channels, moments += 2) {
        VECTOR_LOOP
        for (int c = 0; c < channels; c++) {
            const float normal = (x[c] - moments[0]) * moments[1];
            dot[c] += dy[c] * normal;
        }
    }
}

#endif
