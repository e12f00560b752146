// Products of rows with rows, for kernels_unit.c alone, after the matrix part, whose vectors and
// widths it uses: what a linear layer computes from weights as they lie, [out][in], unpacked.
//
// A block of DOTS_ROWS x DOTS_COLUMNS vectors holds the sums, WIDTH lanes of each; as many sums as
// lanes, so that they fold into a single vector. Its sizes are constants in each copy of a block,
// and its loops unrolled, so that compilers keep it in registers.
#ifndef THAW_BASE_KERNELS_DOTS_H
#define THAW_BASE_KERNELS_DOTS_H

// DOTS_LANES(half, from): of two vectors' lanes, in every run of 2 * half those `half` that begin
// at `from`.
#define DOTS_LANE(o, half, from) ((o) / (half)*2 * (half) + (o) % (half) + (from))
#define DOTS_LANES_4(o, half, from)                                                                \
    DOTS_LANE(o, half, from), DOTS_LANE(o + 1, half, from), DOTS_LANE(o + 2, half, from),          \
        DOTS_LANE(o + 3, half, from)
#if WIDTH == 16
#define DOTS_LANES(half, from)                                                                     \
    DOTS_LANES_4(0, half, from), DOTS_LANES_4(4, half, from), DOTS_LANES_4(8, half, from),         \
        DOTS_LANES_4(12, half, from)
#elif WIDTH == 8
#define DOTS_LANES(half, from) DOTS_LANES_4(0, half, from), DOTS_LANES_4(4, half, from)
#else
#define DOTS_LANES(half, from) DOTS_LANES_4(0, half, from)
#endif
#define DOTS_FOLD(a, b, half)                                                                      \
    (__builtin_shufflevector(a, b, DOTS_LANES(half, 0)) +                                          \
     __builtin_shufflevector(a, b, DOTS_LANES(half, half)))

enum { DOTS_COLUMNS = WIDTH == 16 ? 4 : 2, DOTS_ROWS = WIDTH / DOTS_COLUMNS };

// One level: pairs of vectors into one each.
#define DOTS_FOLD_ALL(count, half)                                                                 \
    for (int i = 0; i < (count); i++)                                                              \
    v[i] = DOTS_FOLD(v[2 * i], v[2 * i + 1], half)

// Lane i of the result: the sum of the lanes of v[i], by halves.
INLINE vec dots_lane_sums(vec v[WIDTH]) {
#if WIDTH == 16
    DOTS_FOLD_ALL(8, 8);
#endif
#if WIDTH >= 8
    DOTS_FOLD_ALL(4, 4);
#endif
    DOTS_FOLD_ALL(2, 2);
    DOTS_FOLD_ALL(1, 1);
    return v[0];
}

// The first `count` floats at `from`, 0 behind them.
INLINE vec dots_load(const float *from, int count) {
    float part[WIDTH] = {0};
    if (count == WIDTH)
        return load(from);
    memcpy(part, from, (size_t)count * sizeof *part);
    return load(part);
}

// `count` lanes from k on.
INLINE void dots_step(int rows, int columns, int k, int count, const float *const *a,
                      const float *const *b, vec sum[WIDTH]) {
    vec y[DOTS_COLUMNS];
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++)
        y[j] = dots_load(b[j] + k, count);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
        const vec x = dots_load(a[i] + k, count);
#pragma GCC unroll 4
        for (int j = 0; j < columns; j++)
            sum[i * DOTS_COLUMNS + j] += x * y[j];
    }
}

INLINE void dots_block(int rows, int columns, int depth, const float *const *a,
                       const float *const *b, float *const *out, int at, bool add) {
    vec sum[WIDTH] = {0};
    float dot[WIDTH];
    int k = 0;
    for (; k + WIDTH <= depth; k += WIDTH)
        dots_step(rows, columns, k, WIDTH, a, b, sum);
    if (k < depth)
        dots_step(rows, columns, k, depth - k, a, b, sum);
    store(dot, dots_lane_sums(sum));
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            out[i][at + j] = (add ? out[i][at + j] : 0) + dot[i * DOTS_COLUMNS + j];
}

INLINE void dots_columns(int rows, int columns, int depth, const float *const *a,
                         const float *const *b, float *const *out, int at, bool add) {
    int i = 0;
    for (; i + DOTS_ROWS <= rows; i += DOTS_ROWS)
        dots_block(DOTS_ROWS, columns, depth, a + i, b, out + i, at, add);
    for (; i < rows; i++)
        dots_block(1, columns, depth, a + i, b, out + i, at, add);
}

static void dots_rows(int rows, int columns, int depth, const float *const *a, const float *b,
                      size_t b_stride, float *const *out, bool add) {
    const float *each[DOTS_COLUMNS];
    for (int j = 0, taken; j < columns; j += taken) {
        taken = j + DOTS_COLUMNS <= columns ? DOTS_COLUMNS : 1;
        for (int k = 0; k < taken; k++)
            each[k] = b + (size_t)(j + k) * b_stride;
        if (taken == DOTS_COLUMNS)
            dots_columns(rows, DOTS_COLUMNS, depth, a, each, out, j, add);
        else
            dots_columns(rows, 1, depth, a, each, out, j, add);
    }
}

#endif
