// The transforms of Winograd's convolution, for kernels_unit.c alone; kernels.h says what they do.
//
// F(4x4, 3x3) with the interpolation points 0, +-a, +-b and infinity, a = sqrt(1/2), b = sqrt(2).
// With the customary points 0, +-1, +-2 the root-mean-square error is twice, the largest one three
// to six times as large (measured): a * b = 1 keeps the powers of the points small and even. The
// matrices follow from the points (Lavin and Gray, 2015; Blahut, 2010, section 5.3):
//
//     B' = 1  0 -5/2  0   1  0    G = 1     0    0     A' = 1  1    1   1    1   0
//          0 -b  -2   a   1  0        -2/3 -2a/3 -1/3       0  a   -a   b   -b   0
//          0  b  -2  -a   1  0        -2/3  2a/3 -1/3       0  1/2  1/2 2    2   0
//          0 -a  -1/2 b   1  0        1/6   b/6   1/3       0  a/2 -a/2 2b  -2b  1
//          0  a  -1/2 -b  1  0        1/6  -b/6   1/3
//          0  1   0  -5/2 0  1        0     0     1
//
// A line is one such matrix times a vector of vectors, its entries `step` floats apart. Every tile
// goes through this one copy of the code, so that its bits do not depend on its place.
#ifndef THAW_BASE_KERNELS_WINOGRAD_H
#define THAW_BASE_KERNELS_WINOGRAD_H

#define WINOGRAD_A 0.70710678118654752f
#define WINOGRAD_B 1.41421356237309505f

// 6 -> 6: B' d
INLINE void winograd_input_line(const float *d, size_t step, float *to, size_t to_step) {
    const vec d0 = load(d), d1 = load(d + step), d2 = load(d + 2 * step);
    const vec d3 = load(d + 3 * step), d4 = load(d + 4 * step), d5 = load(d + 5 * step);
    const vec even_a = d4 - 2.0f * d2, odd_a = d3 - 2.0f * d1;
    const vec even_b = d4 - 0.5f * d2, odd_b = 2.0f * d3 - d1;
    store(to, (d0 + d4) - 2.5f * d2);
    store(to + to_step, even_a + WINOGRAD_A * odd_a);
    store(to + 2 * to_step, even_a - WINOGRAD_A * odd_a);
    store(to + 3 * to_step, even_b + WINOGRAD_A * odd_b);
    store(to + 4 * to_step, even_b - WINOGRAD_A * odd_b);
    store(to + 5 * to_step, (d1 + d5) - 2.5f * d3);
}

// 3 -> 6: G g
INLINE void winograd_weight_line(const float *g, size_t step, float *to, size_t to_step) {
    const vec g0 = load(g), g1 = load(g + step), g2 = load(g + 2 * step);
    const vec even_a = g0 + 0.5f * g2, even_b = g0 + 2.0f * g2;
    store(to, g0);
    store(to + to_step, (-2.0f / 3) * (even_a + WINOGRAD_A * g1));
    store(to + 2 * to_step, (-2.0f / 3) * (even_a - WINOGRAD_A * g1));
    store(to + 3 * to_step, (1.0f / 6) * (even_b + WINOGRAD_B * g1));
    store(to + 4 * to_step, (1.0f / 6) * (even_b - WINOGRAD_B * g1));
    store(to + 5 * to_step, g2);
}

// 6 -> 4: A' m
INLINE void winograd_output_line(const float *m, size_t step, float *to, size_t to_step) {
    const vec m0 = load(m), m1 = load(m + step), m2 = load(m + 2 * step);
    const vec m3 = load(m + 3 * step), m4 = load(m + 4 * step), m5 = load(m + 5 * step);
    const vec even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
    store(to, (m0 + even_a) + even_b);
    store(to + to_step, WINOGRAD_A * (odd_a + 2.0f * odd_b));
    store(to + 2 * to_step, 0.5f * (even_a + 4.0f * even_b));
    store(to + 3 * to_step, m5 + (0.5f * WINOGRAD_A) * (odd_a + 8.0f * odd_b));
}

// 4 -> 6: A y
INLINE void winograd_gradient_line(const float *y, size_t step, float *to, size_t to_step) {
    const vec y0 = load(y), y1 = load(y + step), y2 = load(y + 2 * step), y3 = load(y + 3 * step);
    const vec even_a = y0 + 0.5f * y2, odd_a = y1 + 0.5f * y3;
    const vec even_b = y0 + 2.0f * y2, odd_b = y1 + 2.0f * y3;
    store(to, y0);
    store(to + to_step, even_a + WINOGRAD_A * odd_a);
    store(to + 2 * to_step, even_a - WINOGRAD_A * odd_a);
    store(to + 3 * to_step, even_b + WINOGRAD_B * odd_b);
    store(to + 4 * to_step, even_b - WINOGRAD_B * odd_b);
    store(to + 5 * to_step, y3);
}

// 6 -> 3: G' u
INLINE void winograd_weight_back_line(const float *u, size_t step, float *to, size_t to_step) {
    const vec u0 = load(u), u1 = load(u + step), u2 = load(u + 2 * step);
    const vec u3 = load(u + 3 * step), u4 = load(u + 4 * step), u5 = load(u + 5 * step);
    const vec even_a = u1 + u2, odd_a = u1 - u2, even_b = u3 + u4, odd_b = u3 - u4;
    store(to, (u0 - (2.0f / 3) * even_a) + (1.0f / 6) * even_b);
    store(to + to_step, (WINOGRAD_B / 6) * (odd_b - 2.0f * odd_a));
    store(to + 2 * to_step, u5 + (1.0f / 3) * (even_b - even_a));
}

// Columns first, then rows: from an IN x IN grid to an OUT x OUT one. By itself, so that what is
// done with its result is not contracted with its last operation.
#define WINOGRAD_TRANSFORM(name, IN, OUT)                                                          \
    static __attribute__((noinline)) void winograd_##name(int vectors, const float *from,          \
                                                          size_t row, size_t column, float *to,    \
                                                          size_t to_row, size_t to_column) {       \
        float half[(OUT) * (IN)*WIDTH] __attribute__((aligned(64)));                               \
        for (int v = 0; v < vectors; v++, from += WIDTH, to += WIDTH) {                            \
            for (size_t x = 0; x < (IN); x++)                                                      \
                winograd_##name##_line(from + x * column, row, half + x * WIDTH, (IN)*WIDTH);      \
            for (size_t y = 0; y < (OUT); y++)                                                     \
                winograd_##name##_line(half + y * (IN)*WIDTH, WIDTH, to + y * to_row, to_column);  \
        }                                                                                          \
    }

WINOGRAD_TRANSFORM(input, 6, 6)
WINOGRAD_TRANSFORM(output, 6, 4)
WINOGRAD_TRANSFORM(gradient, 4, 6)
WINOGRAD_TRANSFORM(weight, 3, 6)
WINOGRAD_TRANSFORM(weight_back, 6, 3)

// Added to what stands there.
static void winograd_output_add(int vectors, const float *from, size_t row, size_t column,
                                float *to, size_t to_row, size_t to_column) {
    float tile[4 * 4 * WIDTH] __attribute__((aligned(64)));
    for (int v = 0; v < vectors; v++, from += WIDTH, to += WIDTH) {
        winograd_output(1, from, row, column, tile, 4 * WIDTH, WIDTH);
        for (size_t y = 0; y < 4; y++)
            for (size_t x = 0; x < 4; x++) {
                float *at = to + y * to_row + x * to_column;
                store(at, load(tile + (4 * y + x) * WIDTH) + load(at));
            }
    }
}

#endif
