// The matrix part of the kernels, for kernels_unit.c alone.
//
// A register block of up to ROWS x 2 vectors holds the sums. Its row count and its number of
// vectors are constants in each copy of a block, and the sums are variables, not an array: only
// then does every compiler keep them in registers. Partial panels are whole vectors with padding,
// so that every output is the same chain of multiply-adds wherever it stands.
#ifndef THAW_BASE_KERNELS_MATRIX_H
#define THAW_BASE_KERNELS_MATRIX_H

// EACH_ROW(x): x(0) x(1) ... for every row of the block. ROW_COUNTS(block, ...): a case for each
// count.
// clang-format off
#if ROWS == 14
#define EACH_ROW(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13)
#else
#define EACH_ROW(x) x(0) x(1) x(2) x(3) x(4) x(5)
#endif
#define ROW_COUNT(index, block, ...) case index + 1: block(index + 1, __VA_ARGS__); break;
#define ROW_COUNTS_6(...) \
    ROW_COUNT(0, __VA_ARGS__) ROW_COUNT(1, __VA_ARGS__) ROW_COUNT(2, __VA_ARGS__) \
    ROW_COUNT(3, __VA_ARGS__) ROW_COUNT(4, __VA_ARGS__) ROW_COUNT(5, __VA_ARGS__)
#if ROWS == 14
#define ROW_COUNTS(...) ROW_COUNTS_6(__VA_ARGS__) \
    ROW_COUNT(6, __VA_ARGS__) ROW_COUNT(7, __VA_ARGS__) ROW_COUNT(8, __VA_ARGS__) \
    ROW_COUNT(9, __VA_ARGS__) ROW_COUNT(10, __VA_ARGS__) ROW_COUNT(11, __VA_ARGS__) \
    ROW_COUNT(12, __VA_ARGS__) ROW_COUNT(13, __VA_ARGS__)
#else
#define ROW_COUNTS ROW_COUNTS_6
#endif
// clang-format on

#define DECLARE_SUMS(i) vec first##i = {0}, second##i = {0};

// out[0..columns) (= or +=) v, columns < WIDTH. By way of memory: GCC lets a function that takes a
// wide vector return without vzeroupper, and all code after it that is not AVX's then runs several
// times slower.
static __attribute__((noinline)) void matrix_store_part(float *out, const float *v, int columns,
                                                        bool add) {
    for (int j = 0; j < columns; j++)
        out[j] = add ? out[j] + v[j] : v[j];
}

INLINE void matrix_store(float *out, vec v, int columns, bool add) {
    if (columns < WIDTH) {
        float part[WIDTH];
        store(part, v);
        matrix_store_part(out, part, columns, add);
    } else
        store(out, add ? load(out) + v : v);
}

INLINE void matrix_store_row(float *out, int vectors, vec first, vec second, int columns,
                             bool add) {
    matrix_store(out, first, columns, add);
    if (vectors == 2)
        matrix_store(out + WIDTH, second, columns - WIDTH, add);
}

// A block of sums [count][PANEL], put into `out` with their tail. `parts`: which of FINISH_* are
// there, a constant.
INLINE void matrix_finish_rows(int parts, int count, int columns, const float *sums,
                               float *const *out, bool add, const struct kernel_tail *t) {
    int c = 0;
    for (; c + WIDTH <= columns; c += WIDTH) {
        const vec scale = parts & FINISH_NORM ? load(t->scale + c) : (vec){0};
        const vec shift = parts & FINISH_NORM ? load(t->shift + c) : (vec){0};
        for (int i = 0; i < count; i++) {
            const vec sum = load(sums + i * PANEL + c), x = add ? load(out[i] + c) + sum : sum;
            const float *other = parts & FINISH_ADD ? t->add + (out[i] - out[0]) + c : NULL;
            store(out[i] + c, finish_vector(parts, x, scale, shift, other, t->most));
        }
    }
    for (int i = 0; i < count; i++)
        for (int j = c; j < columns; j++) {
            const float sum = sums[i * PANEL + j], x = add ? out[i][j] + sum : sum;
            const float other = parts & FINISH_ADD ? t->add[out[i] - out[0] + j] : 0;
            out[i][j] = finish_one(parts, x, t, j, other);
        }
}

// By itself, so that there is not one in every copy of a block.
static __attribute__((noinline)) void matrix_finish(int count, int columns, const float *sums,
                                                    float *const *out, bool add,
                                                    const struct kernel_tail *tail) {
    FINISH_CASES(tail, matrix_finish_rows, count, columns, sums, out, add, tail);
}

INLINE void matrix_gather_block(int count, int vectors, const float *const *a, float *const *out,
                                int columns, const struct kernel_tap *taps, int tap_count,
                                int depth, const float *b, bool add, const float *next,
                                int next_step) {
    EACH_ROW(DECLARE_SUMS)
    for (int t = 0; t < tap_count; t++) {
        const float *row = b + taps[t].b * PANEL;
        const ptrdiff_t end = taps[t].a + depth;
        for (ptrdiff_t k = taps[t].a; k < end; k++, row += PANEL) {
            const vec b0 = load(row), b1 = load(row + (vectors - 1) * WIDTH);
            // B may come from afar, and the next page of it is not foreseen by hardware.
            __builtin_prefetch(row + 16 * PANEL);
            if (vectors == 2)
                __builtin_prefetch(row + 16 * PANEL + WIDTH);
            __builtin_prefetch(next);
            next += next_step;
#define GATHER_STEP(i)                                                                             \
    if (i < count) {                                                                               \
        const float x = a[i][k];                                                                   \
        first##i += x * b0;                                                                        \
        if (vectors == 2)                                                                          \
            second##i += x * b1;                                                                   \
    }
            EACH_ROW(GATHER_STEP)
        }
    }
#define GATHER_STORE(i)                                                                            \
    if (i < count)                                                                                 \
        matrix_store_row(out[i], vectors, first##i, second##i, columns, add);
    EACH_ROW(GATHER_STORE)
}

#define GATHER_CASES(vectors)                                                                      \
    ROW_COUNTS(matrix_gather_block, vectors, a, out, columns, taps, tap_count, depth, b, add,      \
               next ? next : b, next ? CACHE_LINE : 0)

static void matrix_gather_plain(int count, const float *const *a, float *const *out, int columns,
                                const struct kernel_tap *taps, int tap_count, int depth,
                                const float *b, bool add, const float *next) {
    if (columns > WIDTH) {
        switch (count) { GATHER_CASES(2) }
    } else {
        switch (count) { GATHER_CASES(1) }
    }
}

// What will be written, and what is added to it, to be there when the sums are.
INLINE void matrix_fetch(int count, int columns, float *const *out, const float *add) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < columns; j += CACHE_LINE) {
            __builtin_prefetch(out[i] + j, 1);
            if (add)
                __builtin_prefetch(add + (out[i] - out[0]) + j);
        }
}

static void matrix_gather(int count, const float *const *a, float *const *out, int columns,
                          const struct kernel_tap *taps, int tap_count, int depth, const float *b,
                          bool add, const struct kernel_tail *tail, const float *next) {
    matrix_fetch(count, columns, out, tail ? tail->add : NULL);
    if (!tail) {
        matrix_gather_plain(count, a, out, columns, taps, tap_count, depth, b, add, next);
        return;
    }
    float sums[ROWS * PANEL], *rows[ROWS];
    for (int i = 0; i < count; i++)
        rows[i] = sums + i * PANEL;
    matrix_gather_plain(count, a, rows, columns, taps, tap_count, depth, b, false, next);
    matrix_finish(count, columns, sums, out, add, tail);
}

// Rows by threes from a pointer each: base and index of an address need no register of their own.
#define PRODUCT_POINTERS                                                                           \
    const float *a0 = a, *a3 = a + 3 * a_stride, *a6 = a + 6 * a_stride, *a9 = a + 9 * a_stride,   \
                *a12 = a + 12 * a_stride;
#define PRODUCT_ROW(i) ((i) < 3 ? a0 : (i) < 6 ? a3 : (i) < 9 ? a6 : (i) < 12 ? a9 : a12)

INLINE void matrix_product_block(int count, int vectors, int depth, const float *a, size_t a_stride,
                                 const float *b, float *out, size_t out_stride, bool carry) {
    EACH_ROW(DECLARE_SUMS)
    PRODUCT_POINTERS
#define PRODUCT_CARRY(i)                                                                           \
    if (i < count && carry) {                                                                      \
        first##i = load(out + i * out_stride);                                                     \
        if (vectors == 2)                                                                          \
            second##i = load(out + i * out_stride + WIDTH);                                        \
    }
    EACH_ROW(PRODUCT_CARRY)
    // What the next block of rows reads: A in whole lines, for its rows are contiguous or nearly
    // so.
    const float *next = a + count * a_stride, *sums = out + count * out_stride;
    for (int k = 0; k < depth; k++, b += PANEL) {
        const vec b0 = load(b), b1 = load(b + (vectors - 1) * WIDTH);
        __builtin_prefetch(next + k * 16);
        if (carry)
            __builtin_prefetch(sums + k * 8);
#define PRODUCT_STEP(i)                                                                            \
    if (i < count) {                                                                               \
        const float x = PRODUCT_ROW(i)[(i % 3) * a_stride];                                        \
        first##i += x * b0;                                                                        \
        if (vectors == 2)                                                                          \
            second##i += x * b1;                                                                   \
    }
        EACH_ROW(PRODUCT_STEP)
        a0++, a3++, a6++, a9++, a12++;
    }
#define PRODUCT_STORE(i)                                                                           \
    if (i < count) {                                                                               \
        store(out + i * out_stride, first##i);                                                     \
        if (vectors == 2)                                                                          \
            store(out + i * out_stride + WIDTH, second##i);                                        \
    }
    EACH_ROW(PRODUCT_STORE)
}

#define PRODUCT_CASES(vectors)                                                                     \
    ROW_COUNTS(matrix_product_block, vectors, depth, from, a_stride, b, to, out_stride, carry)

static void matrix_product(int rows, int columns, int depth, const float *a, size_t a_stride,
                           const float *b, float *out, size_t out_stride, bool carry) {
    const int blocks = (rows + ROWS - 1) / ROWS; // of sizes as equal as can be
    for (int i = 0; i < blocks; i++) {
        const int first = (int)((int64_t)rows * i / blocks);
        const int count = (int)((int64_t)rows * (i + 1) / blocks) - first;
        const float *from = a + (size_t)first * a_stride;
        float *to = out + (size_t)first * out_stride;
        if (columns > WIDTH) {
            switch (count) { PRODUCT_CASES(2) }
        } else {
            switch (count) { PRODUCT_CASES(1) }
        }
    }
}

// What the next of many short products reads, where it follows this one's: fetched in passing. Not
// of long ones, which fill the cache by themselves (steps of 0).
struct matrix_ahead {
    const float *b, *sums; // B, from further away; what is added to
    ptrdiff_t a;
    int b_step, sums_step;
};

enum { MATRIX_SHORT = 64 };

INLINE void matrix_outer_block(int count, int vectors, int columns, int runs, int length,
                               const float *const *a, size_t a_stride, size_t a_offset,
                               const float *b, float *out, size_t out_stride, bool add,
                               struct matrix_ahead ahead) {
    EACH_ROW(DECLARE_SUMS)
    for (int q = 0; q < runs; q++) {
        const float *x = a[q] + a_offset;
        for (int p = 0; p < length; p++, x += a_stride, b += PANEL) {
            const vec b0 = load(b), b1 = load(b + (vectors - 1) * WIDTH);
            __builtin_prefetch(x + ahead.a);
            __builtin_prefetch(ahead.b, 0, 2);
            __builtin_prefetch(ahead.sums);
            ahead.b += ahead.b_step;
            ahead.sums += ahead.sums_step;
#define OUTER_STEP(i)                                                                              \
    if (i < count) {                                                                               \
        first##i += x[i] * b0;                                                                     \
        if (vectors == 2)                                                                          \
            second##i += x[i] * b1;                                                                \
    }
            EACH_ROW(OUTER_STEP)
        }
    }
#define OUTER_STORE(i)                                                                             \
    if (i < count)                                                                                 \
        matrix_store_row(out + i * out_stride, vectors, first##i, second##i, columns, add);
    EACH_ROW(OUTER_STORE)
}

#define OUTER_CASES(vectors)                                                                       \
    ROW_COUNTS(matrix_outer_block, vectors, columns, runs, length, a, a_stride, offset, b, to,     \
               out_stride, add, ahead)

static void matrix_outer(int rows, int columns, int runs, int length, const float *const *a,
                         size_t a_stride, size_t a_offset, const float *b, float *out,
                         size_t out_stride, bool add) {
    const int blocks = (rows + ROWS - 1) / ROWS; // of sizes as equal as can be
    for (int i = 0; i < blocks; i++) {
        const int first = (int)((int64_t)rows * i / blocks);
        const int count = (int)((int64_t)rows * (i + 1) / blocks) - first;
        const size_t offset = a_offset + (size_t)first;
        float *to = out + (size_t)first * out_stride;
        struct matrix_ahead ahead = {b, to, 0, 0, 0};
        if (runs == 1 && length <= MATRIX_SHORT && out_stride == PANEL)
            ahead = (struct matrix_ahead){b + (size_t)length * PANEL +
                                              (size_t)length * PANEL * (size_t)first / (size_t)rows,
                                          to + count * PANEL, (ptrdiff_t)a_stride * length,
                                          PANEL * count / rows, add ? 8 : 0};
        if (columns > WIDTH) {
            switch (count) { OUTER_CASES(2) }
        } else {
            switch (count) { OUTER_CASES(1) }
        }
    }
}

#endif
