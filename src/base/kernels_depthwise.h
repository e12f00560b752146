// The depthwise part of the kernels, for kernels_unit.c alone: every channel by itself, channels
// contiguous. Blocks as in kernels_matrix.h: a constant number of sums, in variables. The channels
// behind the last whole vector are one at a time, by the same chain of multiply-adds.
#ifndef THAW_BASE_KERNELS_DEPTHWISE_H
#define THAW_BASE_KERNELS_DEPTHWISE_H

#define DECLARE_SUM(i) vec sum##i = {0};

INLINE void depthwise_store(float *y, vec sum, const float *bias, bool add) {
    store(y, add ? load(y) + sum : bias ? load(bias) + sum : sum);
}

// One channel of one pixel.
INLINE void depthwise_channel(const float *x, int taps, const struct kernel_tap *tap,
                              const float *w, size_t channels, const float *bias, float *y,
                              bool add) {
    float sum = 0;
    for (int t = 0; t < taps; t++)
        sum += x[tap[t].a] * w[tap[t].b * channels];
    *y = add ? *y + sum : bias ? *bias + sum : sum;
}

INLINE void depthwise_block(int count, int channels, const float *x, ptrdiff_t x_step, int taps,
                            const struct kernel_tap *tap, const float *w, const float *bias,
                            float *y, ptrdiff_t y_step, bool add) {
    int c = 0;
    for (; c + WIDTH <= channels; c += WIDTH) {
        EACH_ROW(DECLARE_SUM)
        for (int t = 0; t < taps; t++) {
            const vec b = load(w + tap[t].b * (size_t)channels + c);
            const float *from = x + tap[t].a + c;
#define DEPTHWISE_STEP(i)                                                                          \
    if (i < count)                                                                                 \
        sum##i += load(from + i * x_step) * b;
            EACH_ROW(DEPTHWISE_STEP)
        }
#define DEPTHWISE_STORE(i)                                                                         \
    if (i < count)                                                                                 \
        depthwise_store(y + i * y_step + c, sum##i, bias ? bias + c : NULL, add);
        EACH_ROW(DEPTHWISE_STORE)
    }
    for (; c < channels; c++)
        for (int i = 0; i < count; i++)
            depthwise_channel(x + i * x_step + c, taps, tap, w + c, (size_t)channels,
                              bias ? bias + c : NULL, y + i * y_step + c, add);
}

static void depthwise_pixels(int count, int channels, const float *x, ptrdiff_t x_step, int taps,
                             const struct kernel_tap *tap, const float *w, const float *bias,
                             float *y, ptrdiff_t y_step, bool add) {
    const int blocks = (count + ROWS - 1) / ROWS; // of sizes as equal as can be
    for (int i = 0; i < blocks; i++) {
        const int first = (int)((int64_t)count * i / blocks);
        const float *from = x + first * x_step;
        float *to = y + first * y_step;
        switch ((int)((int64_t)count * (i + 1) / blocks) - first) {
            ROW_COUNTS(depthwise_block, channels, from, x_step, taps, tap, w, bias, to, y_step, add)
        }
    }
}

// `count` taps; the sums are over pixels.
INLINE void depthwise_weight_block(int count, int pixels, int channels, const float *x,
                                   ptrdiff_t x_step, const struct kernel_tap *tap, const float *dy,
                                   float *dw) {
    int c = 0;
    for (; c + WIDTH <= channels; c += WIDTH) {
        const float *from = x + c, *gradient = dy + c;
        EACH_ROW(DECLARE_SUM)
        for (int p = 0; p < pixels; p++, from += x_step, gradient += channels) {
            const vec b = load(gradient);
#define DEPTHWISE_WEIGHT_STEP(i)                                                                   \
    if (i < count)                                                                                 \
        sum##i += load(from + tap[i].a) * b;
            EACH_ROW(DEPTHWISE_WEIGHT_STEP)
        }
#define DEPTHWISE_WEIGHT_STORE(i)                                                                  \
    if (i < count)                                                                                 \
        depthwise_store(dw + tap[i].b * (size_t)channels + c, sum##i, NULL, true);
        EACH_ROW(DEPTHWISE_WEIGHT_STORE)
    }
    for (; c < channels; c++)
        for (int i = 0; i < count; i++) {
            float sum = 0;
            for (int p = 0; p < pixels; p++)
                sum += x[p * x_step + tap[i].a + c] * dy[(ptrdiff_t)p * channels + c];
            dw[tap[i].b * (size_t)channels + (size_t)c] += sum;
        }
}

static void depthwise_weight(int pixels, int channels, const float *x, ptrdiff_t x_step, int taps,
                             const struct kernel_tap *tap, const float *dy, float *dw) {
    const int blocks = (taps + ROWS - 1) / ROWS;
    for (int i = 0; i < blocks; i++) {
        const int first = taps * i / blocks;
        const struct kernel_tap *from = tap + first;
        switch (taps * (i + 1) / blocks - first) {
            ROW_COUNTS(depthwise_weight_block, pixels, channels, x, x_step, from, dy, dw)
        }
    }
}

#endif
