// BatchNorm's backward, for kernels_unit.c alone: vectors of channels, a few rows at a time, so
// that rows are read in order and sums stay in registers. The order of each sum is that of the
// rows. The channels behind the last whole vector are one at a time, by the same expressions.
#ifndef THAW_BASE_KERNELS_NORM_H
#define THAW_BASE_KERNELS_NORM_H

enum { NORM_ROWS = 16, NORM_VECTORS = 4 };

// dy where the ReLU behind the norm let it pass, else 0.
INLINE vec norm_passed(bool masked, vec dy, vec x, vec scale, vec shift, float most) {
    if (!masked)
        return dy;
    const vec y = x * scale + shift;
    return (vec)((mask)dy & (mask)(y > 0) & (mask)(y < most));
}

INLINE float norm_passed_one(bool masked, float dy, float x, const struct kernel_tail *relu,
                             int c) {
    if (!masked)
        return dy;
    const float y = x * relu->scale[c] + relu->shift[c];
    return ((y > 0) & (y < relu->most)) ? dy : 0;
}

// What the columns of one step have in registers.
struct norm_columns {
    vec scale[NORM_VECTORS], shift[NORM_VECTORS], mean[NORM_VECTORS];
};

INLINE struct norm_columns norm_columns(bool masked, int vectors, int c, const float *mean,
                                        const struct kernel_tail *relu) {
    struct norm_columns k;
    for (int v = 0; v < vectors; v++) {
        k.scale[v] = masked ? load(relu->scale + c + v * WIDTH) : (vec){0};
        k.shift[v] = masked ? load(relu->shift + c + v * WIDTH) : (vec){0};
        k.mean[v] = load(mean + c + v * WIDTH);
    }
    return k;
}

INLINE void norm_dots_columns(bool masked, int vectors, size_t rows, int channels, int c,
                              const float *dy, const float *x, const float *mean,
                              const struct kernel_tail *relu, float *sum, float *dot) {
    const struct norm_columns k = norm_columns(masked, vectors, c, mean, relu);
    const float most = masked ? relu->most : 0;
    vec s[NORM_VECTORS], d[NORM_VECTORS];
    for (int v = 0; v < vectors; v++) {
        s[v] = load(sum + c + v * WIDTH);
        d[v] = load(dot + c + v * WIDTH);
    }
    for (size_t r = 0, at = (size_t)c; r < rows; r++, at += (size_t)channels)
        for (int v = 0; v < vectors; v++) {
            const vec value = load(x + at + v * WIDTH);
            const vec gradient =
                norm_passed(masked, load(dy + at + v * WIDTH), value, k.scale[v], k.shift[v], most);
            s[v] += gradient;
            d[v] = gradient * (value - k.mean[v]) + d[v];
        }
    for (int v = 0; v < vectors; v++) {
        store(sum + c + v * WIDTH, s[v]);
        store(dot + c + v * WIDTH, d[v]);
    }
}

INLINE void norm_dots_rows(bool masked, size_t rows, int channels, const float *dy, const float *x,
                           const float *mean, const struct kernel_tail *relu, float *sum,
                           float *dot) {
    int c = 0;
    for (; c + NORM_VECTORS * WIDTH <= channels; c += NORM_VECTORS * WIDTH)
        norm_dots_columns(masked, NORM_VECTORS, rows, channels, c, dy, x, mean, relu, sum, dot);
    for (; c + WIDTH <= channels; c += WIDTH)
        norm_dots_columns(masked, 1, rows, channels, c, dy, x, mean, relu, sum, dot);
    for (size_t r = 0; c < channels && r < rows; r++)
        for (int i = c; i < channels; i++) {
            const size_t at = r * (size_t)channels + (size_t)i;
            const float gradient = norm_passed_one(masked, dy[at], x[at], relu, i);
            sum[i] += gradient;
            dot[i] = gradient * (x[at] - mean[i]) + dot[i];
        }
}

static void norm_dots(size_t rows, int channels, const float *dy, const float *x, const float *mean,
                      const float *invstd, const struct kernel_tail *relu, float *sum, float *dot) {
    memset(sum, 0, (size_t)channels * sizeof *sum);
    memset(dot, 0, (size_t)channels * sizeof *dot);
    const size_t step = NORM_ROWS * (size_t)channels;
    for (size_t r = 0; r < rows; r += NORM_ROWS, dy += step, x += step) {
        const size_t count = rows - r < NORM_ROWS ? rows - r : NORM_ROWS;
        if (relu)
            norm_dots_rows(true, count, channels, dy, x, mean, relu, sum, dot);
        else
            norm_dots_rows(false, count, channels, dy, x, mean, NULL, sum, dot);
    }
    for (int c = 0; c < channels; c++)
        dot[c] *= invstd[c];
}

INLINE void norm_blend_columns(bool masked, bool add, int vectors, size_t rows, int channels, int c,
                               const float *dy, const float *x, const struct kernel_blend *b,
                               const struct kernel_tail *relu, float *dx) {
    const struct norm_columns k = norm_columns(masked, vectors, c, b->mean, relu);
    const float most = masked ? relu->most : 0;
    vec of_dy[NORM_VECTORS], of_x[NORM_VECTORS], rest[NORM_VECTORS];
    for (int v = 0; v < vectors; v++) {
        of_dy[v] = load(b->of_dy + c + v * WIDTH);
        of_x[v] = load(b->of_x + c + v * WIDTH);
        rest[v] = load(b->rest + c + v * WIDTH);
    }
    for (size_t r = 0, at = (size_t)c; r < rows; r++, at += (size_t)channels)
        for (int v = 0; v < vectors; v++) {
            const size_t i = at + (size_t)(v * WIDTH);
            const vec value = load(x + i);
            const vec gradient =
                norm_passed(masked, load(dy + i), value, k.scale[v], k.shift[v], most);
            const vec other = (value - k.mean[v]) * of_x[v] + rest[v];
            const vec blend = gradient * of_dy[v] + other;
            store(dx + i, add ? load(dx + i) + blend : blend);
        }
}

INLINE void norm_blend_rows(bool masked, bool add, size_t rows, int channels, const float *dy,
                            const float *x, const struct kernel_blend *b,
                            const struct kernel_tail *relu, float *dx) {
    int c = 0;
    for (; c + NORM_VECTORS * WIDTH <= channels; c += NORM_VECTORS * WIDTH)
        norm_blend_columns(masked, add, NORM_VECTORS, rows, channels, c, dy, x, b, relu, dx);
    for (; c + WIDTH <= channels; c += WIDTH)
        norm_blend_columns(masked, add, 1, rows, channels, c, dy, x, b, relu, dx);
    for (size_t r = 0; c < channels && r < rows; r++)
        for (int i = c; i < channels; i++) {
            const size_t at = r * (size_t)channels + (size_t)i;
            const float gradient = norm_passed_one(masked, dy[at], x[at], relu, i);
            const float other = (x[at] - b->mean[i]) * b->of_x[i] + b->rest[i];
            const float blend = gradient * b->of_dy[i] + other;
            dx[at] = add ? dx[at] + blend : blend;
        }
}

static void norm_blend(size_t rows, int channels, const float *dy, const float *x,
                       const struct kernel_blend *b, const struct kernel_tail *relu, float *dx,
                       bool add) {
    const size_t step = NORM_ROWS * (size_t)channels;
    for (size_t r = 0; r < rows; r += NORM_ROWS, dy += step, x += step, dx += step) {
        const size_t count = rows - r < NORM_ROWS ? rows - r : NORM_ROWS;
        if (relu && add)
            norm_blend_rows(true, true, count, channels, dy, x, b, relu, dx);
        else if (relu)
            norm_blend_rows(true, false, count, channels, dy, x, b, relu, dx);
        else if (add)
            norm_blend_rows(false, true, count, channels, dy, x, b, NULL, dx);
        else
            norm_blend_rows(false, false, count, channels, dy, x, b, NULL, dx);
    }
}

#endif
