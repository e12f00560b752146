// What is done to an output in passing (struct kernel_tail), for kernels_unit.c alone: columns of
// up to four vectors at a time, their scales and shifts in registers. The channels behind the last
// whole vector are one at a time, by the same expressions.
#ifndef THAW_BASE_KERNELS_FINISH_H
#define THAW_BASE_KERNELS_FINISH_H

enum { FINISH_NORM = 1, FINISH_ADD = 2, FINISH_RELU = 4, FINISH_VECTORS = 4 };

// `parts`: which of FINISH_* are there, a constant.
INLINE vec finish_vector(int parts, vec x, vec scale, vec shift, const float *add, float most) {
    if (parts & FINISH_NORM)
        x = x * scale + shift;
    if (parts & FINISH_ADD)
        x = x + load(add);
    if (parts & FINISH_RELU) {
        x = choose(x < 0, (vec){0}, x);
        x = choose(x > most, (vec){0} + most, x);
    }
    return x;
}

INLINE float finish_one(int parts, float x, const struct kernel_tail *t, int c, float add) {
    if (parts & FINISH_NORM)
        x = x * t->scale[c] + t->shift[c];
    if (parts & FINISH_ADD)
        x = x + add;
    if (parts & FINISH_RELU) {
        x = x < 0 ? 0 : x;
        x = x > t->most ? t->most : x;
    }
    return x;
}

// `vectors` of channels, from channel c on.
INLINE void finish_columns(int parts, int vectors, size_t rows, size_t step, int c, const float *x,
                           const struct kernel_tail *t, float *y) {
    vec scale[FINISH_VECTORS], shift[FINISH_VECTORS];
    for (int v = 0; v < vectors; v++) {
        scale[v] = parts & FINISH_NORM ? load(t->scale + c + v * WIDTH) : (vec){0};
        shift[v] = parts & FINISH_NORM ? load(t->shift + c + v * WIDTH) : (vec){0};
    }
    size_t at = (size_t)c;
    for (size_t r = 0; r < rows; r++, at += step)
        for (int v = 0; v < vectors; v++) {
            const size_t i = at + (size_t)(v * WIDTH);
            store(y + i, finish_vector(parts, load(x + i), scale[v], shift[v],
                                       parts & FINISH_ADD ? t->add + i : NULL, t->most));
        }
}

INLINE void finish_all(int parts, size_t rows, int channels, size_t step, const float *x,
                       const struct kernel_tail *t, float *y) {
    int c = 0;
    for (; c + FINISH_VECTORS * WIDTH <= channels; c += FINISH_VECTORS * WIDTH)
        finish_columns(parts, FINISH_VECTORS, rows, step, c, x, t, y);
    for (; c + WIDTH <= channels; c += WIDTH)
        finish_columns(parts, 1, rows, step, c, x, t, y);
    for (size_t r = 0; c < channels && r < rows; r++)
        for (int i = c; i < channels; i++) {
            const size_t at = r * step + (size_t)i;
            y[at] = finish_one(parts, x[at], t, i, parts & FINISH_ADD ? t->add[at] : 0);
        }
}

// work(parts, ...) with those parts as a constant that `tail` has.
#define FINISH_CASE(parts, work, ...)                                                              \
    case parts:                                                                                    \
        work(parts, __VA_ARGS__);                                                                  \
        break;
#define FINISH_CASES(tail, ...)                                                                    \
    switch (((tail)->scale ? FINISH_NORM : 0) | ((tail)->add ? FINISH_ADD : 0) |                   \
            ((tail)->most > 0 ? FINISH_RELU : 0)) {                                                \
        FINISH_CASE(0, __VA_ARGS__)                                                                \
        FINISH_CASE(FINISH_NORM, __VA_ARGS__)                                                      \
        FINISH_CASE(FINISH_ADD, __VA_ARGS__)                                                       \
        FINISH_CASE(FINISH_RELU, __VA_ARGS__)                                                      \
        FINISH_CASE(FINISH_NORM | FINISH_ADD, __VA_ARGS__)                                         \
        FINISH_CASE(FINISH_NORM | FINISH_RELU, __VA_ARGS__)                                        \
        FINISH_CASE(FINISH_ADD | FINISH_RELU, __VA_ARGS__)                                         \
        FINISH_CASE(FINISH_NORM | FINISH_ADD | FINISH_RELU, __VA_ARGS__)                           \
    }

static void finish(size_t rows, int channels, size_t step, const float *x,
                   const struct kernel_tail *t, float *y) {
    FINISH_CASES(t, finish_all, rows, channels, step, x, t, y);
}

#endif
