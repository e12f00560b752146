// The packing part of the kernels, for kernels_unit.c alone.
#ifndef THAW_BASE_KERNELS_PACK_H
#define THAW_BASE_KERNELS_PACK_H

typedef int lanes __attribute__((vector_size(4 * WIDTH)));

// clang-format off
#if WIDTH == 16
#define LANES (lanes){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
#elif WIDTH == 8
#define LANES (lanes){0, 1, 2, 3, 4, 5, 6, 7}
#else
#define LANES (lanes){0, 1, 2, 3}
#endif
// clang-format on

#ifndef __clang__
// Blocks of `half` x `half` numbers of two lines trade places: the upper half of each pair of
// blocks of `low` with the lower half of that of `high`.
INLINE void pack_trade(int half, vec *low, vec *high) {
    const lanes upper = (LANES & half) != 0; // -1 or 0
    const lanes to_low = LANES + (upper & (WIDTH - half));
    const lanes to_high = LANES + (upper & WIDTH) + (~upper & half);
    const vec a = *low, b = *high;
    *low = __builtin_shuffle(a, b, to_low);
    *high = __builtin_shuffle(a, b, to_high);
}

INLINE void pack_trades(int half, vec *line) {
#pragma GCC unroll 16
    for (int i = 0; i < WIDTH; i++)
        if (!(i & half))
            pack_trade(half, &line[i], &line[i + half]);
}

// to[r * PANEL + j] = from[j * stride + r], r and j < WIDTH.
static void pack_square(const float *from, size_t stride, float *to) {
    vec line[WIDTH];
#pragma GCC unroll 16
    for (size_t j = 0; j < WIDTH; j++)
        line[j] = load(from + j * stride);
    pack_trades(1, line);
    pack_trades(2, line);
    if (WIDTH > 4)
        pack_trades(4, line);
    if (WIDTH > 8)
        pack_trades(8, line);
#pragma GCC unroll 16
    for (size_t r = 0; r < WIDTH; r++)
        store(to + r * PANEL, line[r]);
}
#else
static void pack_square(const float *from, size_t stride, float *to) {
    for (size_t r = 0; r < WIDTH; r++)
        for (size_t j = 0; j < WIDTH; j++)
            to[r * PANEL + j] = from[j * stride + r];
}
#endif

// The same for fewer rows or columns; zeros up to the end of the vector.
static void pack_corner(int rows, int columns, const float *from, size_t stride, float *to) {
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < WIDTH; j++)
            to[r * PANEL + j] = j < columns ? from[(size_t)j * stride + (size_t)r] : 0;
}

static void pack_transposed(int rows, int columns, const float *from, size_t stride, float *to) {
    for (int r = 0; r < rows; r += WIDTH, from += WIDTH, to += WIDTH * PANEL)
        for (int j = 0; j < columns; j += WIDTH) {
            const float *corner = from + (size_t)j * stride;
            if (rows - r < WIDTH || columns - j < WIDTH)
                pack_corner(rows - r < WIDTH ? rows - r : WIDTH, columns - j, corner, stride,
                            to + j);
            else
                pack_square(corner, stride, to + j);
        }
}

enum { PACK_AHEAD = 8 }; // rows to fetch, which may be far apart

static void pack_panels(int rows, int columns, const float *from, size_t stride, float *to,
                        size_t step) {
    for (int r = 0; r < rows; r++, from += stride, to += PANEL) {
        float *panel = to;
        for (int j = 0; j < columns; j += PANEL, panel += step)
            for (int i = j; i < j + PANEL && i < columns; i += WIDTH) {
                __builtin_prefetch(from + PACK_AHEAD * stride + i);
                if (columns - i >= WIDTH)
                    store(panel + i - j, load(from + i));
                else
                    for (int lane = 0; lane < WIDTH; lane++)
                        panel[i - j + lane] = i + lane < columns ? from[i + lane] : 0;
            }
    }
}

#endif
