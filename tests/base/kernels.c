// The kernels of every instruction set against plain loops, and the bits of the matrix products
// against each other: an output is one chain, wherever it stands.
#include "base/kernels.h"
#include "base/random.h"
#include "random_floats.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { ROWS_MAX = 16, PANEL_MAX = 32 };

// Of sums of `terms` products of numbers up to 1: each step rounds a partial sum, which is mostly a
// few units large, by 6e-8 of it. A product left out or taken twice would be off by 0.25 on
// average.
static void assert_near(double got, double want, int terms) {
    assert_true(fabs(got - want) <= 1e-6 * (1 + terms));
}

// A gathered product with `tap_count` taps of `depth` floats, rows anywhere in `a`. Allocated
// exactly, so that a sanitizer sees any float too far.
struct gathering {
    int taps, depth;
    float *a[ROWS_MAX], *b;
    struct kernel_tap tap[4];
};

static struct gathering gathering_open(int taps, int depth, int panel) {
    struct gathering g = {.taps = taps, .depth = depth};
    for (int i = 0; i < ROWS_MAX; i++)
        g.a[i] = random_floats((size_t)(taps * depth + 1), 10 + (uint32_t)i);
    g.b = random_floats((size_t)(taps * depth * panel), 5);
    for (int t = 0; t < taps; t++) // taps in reverse order in A, one float in
        g.tap[t] = (struct kernel_tap){(taps - 1 - t) * depth + 1, (size_t)(t * depth)};
    return g;
}

static void gathering_close(struct gathering *g) {
    for (int i = 0; i < ROWS_MAX; i++)
        free(g->a[i]);
    free(g->b);
}

static double gathering_truth(const struct gathering *g, int i, int j, int panel) {
    double sum = 0;
    for (int t = 0; t < g->taps; t++) {
        for (int k = 0; k < g->depth; k++)
            sum += (double)g->a[i][g->tap[t].a + k] * g->b[((int)g->tap[t].b + k) * panel + j];
    }
    return sum;
}

// Whether the upper parts of the vector registers hold something, as far as the processor tells:
// code that is not AVX's then runs several times slower.
static bool upper_parts_in_use(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d, tells = 1 << 2, upper = 1 << 2;
    if (!__get_cpuid_count(13, 1, &a, &b, &c, &d) || !(a & tells))
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(1));
    return a & upper;
#else
    return false;
#endif
}

// Rows `first` .. first + count - 1 of A, each into exactly `columns` floats, which are then copied
// to `to`.
static void gather_rows(const struct kernels *k, const struct gathering *g, int first, int count,
                        int columns, const float *b, bool add, float *to) {
    const float *a[ROWS_MAX] = {0};
    float *out[ROWS_MAX] = {0};
    for (int i = 0; i < count; i++) {
        a[i] = g->a[first + i];
        out[i] = xmalloc((size_t)columns * sizeof(float));
        for (int j = 0; j < columns; j++)
            out[i][j] = add ? 0.5f : NAN;
    }
    k->gather(count, a, out, columns, g->tap, g->taps, g->depth, b, add, NULL, NULL);
    assert_false(upper_parts_in_use());
    for (int i = 0; i < count; i++) {
        memcpy(to + i * PANEL_MAX, out[i], (size_t)columns * sizeof(float));
        free(out[i]);
    }
}

static void check_gather(const struct kernels *k, const struct gathering *g, int count,
                         int columns) {
    float set[ROWS_MAX * PANEL_MAX], sum[ROWS_MAX * PANEL_MAX], one[PANEL_MAX];
    gather_rows(k, g, 0, count, columns, g->b, false, set);
    gather_rows(k, g, 0, count, columns, g->b, true, sum);
    for (int i = 0; i < count; i++) {
        gather_rows(k, g, i, 1, k->panel, g->b, false, one); // another row, count and columns
        assert_memory_equal(one, set + i * PANEL_MAX, (size_t)columns * sizeof(float));
        for (int j = 0; j < columns; j++) {
            const float got = set[i * PANEL_MAX + j];
            assert_near(got, gathering_truth(g, i, j, k->panel), g->taps * g->depth);
            assert_true(sum[i * PANEL_MAX + j] == got + 0.5f);
        }
    }
}

static void test_gather(void **state) {
    (void)state;
    const int sizes[][2] = {{1, 1}, {3, 1}, {1, 7}, {2, 16}, {4, 33}, {3, 64}, {0, 5}};
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        assert_true((*k)->panel == 2 * (*k)->width && (*k)->panel <= PANEL_MAX);
        assert_true((*k)->rows <= ROWS_MAX);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct gathering g = gathering_open(sizes[s][0], sizes[s][1], (*k)->panel);
            for (int count = 1; count <= (*k)->rows; count++) {
                for (int columns = 1; columns <= (*k)->panel; columns++)
                    check_gather(*k, &g, count, columns);
            }
            gathering_close(&g);
        }
    }
}

// The tail that gather does is what `finish` does behind it, to the bit.
static void check_gather_tail(const struct kernels *k, const struct gathering *g, int count,
                              int columns, int parts, bool add) {
    const size_t stride = (size_t)columns + 3,
                 floats = (size_t)(count - 1) * stride + (size_t)columns;
    const float *a[ROWS_MAX];
    float *rows[ROWS_MAX], *want_rows[ROWS_MAX];
    float *out = random_floats(floats, 1), *want = random_floats(floats, 1);
    float *scale = random_floats((size_t)columns, 2), *shift = random_floats((size_t)columns, 3);
    float *other = random_floats(floats, 4);
    const struct kernel_tail tail = {.scale = parts & 1 ? scale : NULL,
                                     .shift = parts & 1 ? shift : NULL,
                                     .add = parts & 2 ? other : NULL,
                                     .most = parts & 4 ? 0.5f : 0};
    for (int i = 0; i < count; i++) {
        a[i] = g->a[i];
        rows[i] = out + (size_t)i * stride;
        want_rows[i] = want + (size_t)i * stride;
    }
    k->gather(count, a, want_rows, columns, g->tap, g->taps, g->depth, g->b, add, NULL, NULL);
    k->finish((size_t)count, columns, stride, want, &tail, want);
    k->gather(count, a, rows, columns, g->tap, g->taps, g->depth, g->b, add, &tail, g->a[0]);
    assert_false(upper_parts_in_use());
    assert_memory_equal(out, want, floats * sizeof *out);
    free(out);
    free(want);
    free(scale);
    free(shift);
    free(other);
}

static void test_gather_tail(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        struct gathering g = gathering_open(2, 16, (*k)->panel);
        for (int count = 1; count <= (*k)->rows; count++)
            for (int columns = 1; columns <= (*k)->panel; columns++)
                for (int parts = 0; parts < 8; parts++)
                    for (int add = 0; add < 2; add++)
                        check_gather_tail(*k, &g, count, columns, parts, add);
        gathering_close(&g);
    }
}

// A column gives the same bits wherever in the panel it stands.
static void test_gather_columns(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        struct gathering g = gathering_open(3, 21, (*k)->panel);
        const size_t floats = (size_t)(3 * 21 * (*k)->panel);
        float *turned = xmalloc(floats * sizeof *turned);
        float plain[ROWS_MAX * PANEL_MAX], moved[ROWS_MAX * PANEL_MAX];
        gather_rows(*k, &g, 0, (*k)->rows, (*k)->panel, g.b, false, plain);
        for (int shift = 1; shift < (*k)->panel; shift++) {
            for (size_t i = 0; i < floats; i++) {
                const int panel = (*k)->panel, row = (int)i / panel, j = (int)i % panel;
                turned[row * panel + (j + shift) % panel] = g.b[i];
            }
            gather_rows(*k, &g, 0, (*k)->rows, (*k)->panel, turned, false, moved);
            for (int i = 0; i < (*k)->rows; i++) {
                for (int j = 0; j < (*k)->panel; j++)
                    assert_memory_equal(&plain[i * PANEL_MAX + j],
                                        &moved[i * PANEL_MAX + (j + shift) % (*k)->panel],
                                        sizeof(float));
            }
        }
        free(turned);
        gathering_close(&g);
    }
}

enum { RUNS = 3, LENGTH = 5, STRIDE = 70, OFFSET = 2 };

// What `outer` reads: runs far apart, and B.
struct running {
    float *run[RUNS], *b;
};

static struct running running_open(int rows, int panel) {
    struct running r = {.b = random_floats((size_t)(RUNS * LENGTH * panel), 5)};
    for (int q = 0; q < RUNS; q++)
        r.run[q] = random_floats((size_t)((LENGTH - 1) * STRIDE + OFFSET + rows), 20 + (uint32_t)q);
    return r;
}

static void running_close(struct running *r) {
    for (int q = 0; q < RUNS; q++)
        free(r->run[q]);
    free(r->b);
}

static double running_truth(const struct running *r, int i, int j, int panel) {
    double sum = 0;
    for (int q = 0; q < RUNS; q++) {
        for (int p = 0; p < LENGTH; p++)
            sum += (double)r->run[q][OFFSET + p * STRIDE + i] * r->b[(q * LENGTH + p) * panel + j];
    }
    return sum;
}

static float *run_outer(const struct kernels *k, const struct running *r, int first, int rows,
                        int columns, bool add) {
    const float *a[RUNS];
    float *out = xmalloc((size_t)((rows - 1) * k->panel + columns) * sizeof *out);
    for (int q = 0; q < RUNS; q++)
        a[q] = r->run[q];
    for (int i = 0; i < (rows - 1) * k->panel + columns; i++)
        out[i] = add ? 0.5f : NAN;
    k->outer(rows, columns, RUNS, LENGTH, a, STRIDE, (size_t)(OFFSET + first), r->b, out,
             (size_t)k->panel, add);
    return out;
}

static void check_outer(const struct kernels *k, int rows, int columns) {
    struct running r = running_open(rows, k->panel);
    float *set = run_outer(k, &r, 0, rows, columns, false);
    float *sum = run_outer(k, &r, 0, rows, columns, true);
    float *last = run_outer(k, &r, rows - 1, 1, k->panel, false); // another place and count
    assert_memory_equal(last, set + (rows - 1) * k->panel, (size_t)columns * sizeof(float));
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            const float got = set[i * k->panel + j];
            assert_near(got, running_truth(&r, i, j, k->panel), RUNS * LENGTH);
            assert_true(sum[i * k->panel + j] == got + 0.5f);
        }
    }
    free(set);
    free(sum);
    free(last);
    running_close(&r);
}

static void test_outer(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        for (int rows = 1; rows <= 60; rows += rows < 17 ? 1 : 7) {
            const int columns[] = {1, (*k)->width - 1, (*k)->width, (*k)->width + 1, (*k)->panel};
            for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                check_outer(*k, rows, columns[i]);
        }
    }
}

// Winograd's transforms, against convolutions in double. They are of the channels side by side, so
// that a convolution of one channel at a time takes products of entries alone.
enum { VECTORS = 2, CHANNELS_MAX = PANEL_MAX };

struct winograd {
    int channels;
    float *tile, *weight, *output; // [6][6], [3][3], [4][4], each [channels]; output: a gradient
    float *points[3];              // the transformed ones
};

static struct winograd winograd_open(const struct kernels *k) {
    const int c = VECTORS * k->width;
    const size_t n = (size_t)c;
    struct winograd w = {
        c, random_floats(36 * n, 1), random_floats(9 * n, 2), random_floats(16 * n, 3), {0}};
    for (int i = 0; i < 3; i++)
        w.points[i] = random_floats(36 * n, 4);
    k->winograd_input(VECTORS, w.tile, 6 * n, n, w.points[0], 6 * n, n);
    k->winograd_weight(VECTORS, w.weight, 3 * n, n, w.points[1], 6 * n, n);
    k->winograd_gradient(VECTORS, w.output, 4 * n, n, w.points[2], 6 * n, n);
    return w;
}

static void winograd_close(struct winograd *w) {
    free(w->tile);
    free(w->weight);
    free(w->output);
    for (int i = 0; i < 3; i++)
        free(w->points[i]);
}

// a side x side grid of sums over a `window` x `window` grid of small[y][x] * tile[y + i][x + j].
static void check_sums(const struct winograd *w, const float *small, int window, int side,
                       const float *got) {
    for (int at = 0; at < side * side * w->channels; at++) {
        const int c = at % w->channels, i = at / w->channels / side, j = at / w->channels % side;
        double sum = 0;
        for (int t = 0; t < window * window; t++)
            sum += (double)small[t * w->channels + c] *
                   w->tile[((i + t / window) * 6 + j + t % window) * w->channels + c];
        assert_near(got[at], sum, 9);
    }
}

static void test_winograd(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        struct winograd w = winograd_open(*k);
        const size_t n = (size_t)w.channels;
        float product[36 * CHANNELS_MAX], got[16 * CHANNELS_MAX], more[16 * CHANNELS_MAX];
        for (size_t i = 0; i < 36 * n; i++)
            product[i] = w.points[0][i] * w.points[1][i];
        (*k)->winograd_output(VECTORS, product, 6 * n, n, got, 4 * n, n);
        check_sums(&w, w.weight, 3, 4, got);
        for (size_t i = 0; i < 16 * n; i++)
            more[i] = 0.5f;
        (*k)->winograd_output_add(VECTORS, product, 6 * n, n, more, 4 * n, n);
        for (size_t i = 0; i < 16 * n; i++)
            assert_true(more[i] == got[i] + 0.5f);
        for (size_t i = 0; i < 36 * n; i++)
            product[i] = w.points[0][i] * w.points[2][i];
        (*k)->winograd_weight_back(VECTORS, product, 6 * n, n, got, 3 * n, n);
        check_sums(&w, w.output, 4, 3, got);
        winograd_close(&w);
    }
}

enum { DEPTH = 37 };

// A [rows][DEPTH] times a panel, its depth cut in two at `cut`.
static float *run_product(const struct kernels *k, const float *a, const float *b, int rows,
                          int columns, int cut) {
    float *out = random_floats((size_t)(rows * k->panel), 6);
    if (cut > 0)
        k->product(rows, columns, cut, a, DEPTH, b, out, (size_t)k->panel, false);
    k->product(rows, columns, DEPTH - cut, a + cut, DEPTH, b + cut * k->panel, out,
               (size_t)k->panel, cut > 0);
    return out;
}

// One chain, wherever it is cut and whatever rows stand beside it.
static void check_product(const struct kernels *k, int rows, int columns) {
    float *a = random_floats((size_t)(rows * DEPTH), 3);
    float *b = random_floats((size_t)(DEPTH * k->panel), 4);
    float *out = run_product(k, a, b, rows, columns, 0);
    float *carried = run_product(k, a, b, rows, columns, 11);
    float *last = run_product(k, a + (rows - 1) * DEPTH, b, 1, k->panel, 0);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int d = 0; d < DEPTH; d++)
                sum += (double)a[i * DEPTH + d] * b[d * k->panel + j];
            assert_near(out[i * k->panel + j], sum, DEPTH);
            assert_true(out[i * k->panel + j] == carried[i * k->panel + j]);
            assert_true(i < rows - 1 || out[i * k->panel + j] == last[j]);
        }
    float *all[] = {a, b, out, carried, last};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void test_product(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++)
        for (int rows = 1; rows <= 2 * (*k)->rows + 1; rows++)
            for (int columns = 1; columns <= (*k)->panel; columns++)
                check_product(*k, rows, columns);
}

// Every size that is whole vectors, cut, or none; the source and the packed panel are exact.
static void test_pack_transposed(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        const int panel = (*k)->panel, width = (*k)->width;
        for (int rows = 1; rows <= 2 * width + 1; rows++)
            for (int columns = 1; columns <= panel; columns++) {
                const int end = (columns + width - 1) / width * width;
                const size_t floats = (size_t)((rows - 1) * panel + end);
                float *from = random_floats((size_t)(rows * columns), 8);
                float *to = random_floats(floats, 9);
                (*k)->pack_transposed(rows, columns, from, (size_t)rows, to);
                for (int i = 0; i < rows * end; i++) {
                    const int r = i / end, j = i % end;
                    assert_true(to[r * panel + j] == (j < columns ? from[j * rows + r] : 0));
                }
                free(from);
                free(to);
            }
    }
}

// The elements from draw `first` on, by the definition.
static void check_drop(const struct kernels *k, size_t n, uint64_t first, bool add) {
    const struct random_key key = random_key(7, RANDOM_DROPOUT, 3);
    const struct kernel_drop drop = {{key.word[0], key.word[1]}, 11, 5, 0.3 * (1 << 24), 1.25f};
    float *from = random_floats(n + 1, 1), *to = random_floats(n + 1, 2);
    const float *before = random_floats(n + 1, 2);
    k->drop(n, &drop, (uint32_t)(first / 4), from, to, add);
    for (size_t i = 0; i < n; i++) {
        const bool kept = random_word(key, 11, 5, first + i) >> 8 >= (uint32_t)drop.lowest;
        const float y = kept ? from[i] * 1.25f : 0;
        assert_near(to[i], add ? (double)before[i] + y : y, 0);
        assert_true(kept || to[i] == (add ? before[i] : 0));
    }
    assert_true(to[n] == before[n]);
    k->drop(n, &drop, (uint32_t)(first / 4), from, from, false); // in place
    assert_true(add || memcmp(from, to, n * sizeof *to) == 0 || n == 0);
    free(from);
    free(to);
    free((float *)(uintptr_t)before);
}

// Panels of any matrix, and nothing behind its last vector.
static void test_pack(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        const int panel = (*k)->panel, width = (*k)->width;
        for (int columns = 1; columns <= 3 * panel; columns++) {
            const int rows = 3, end = (columns + width - 1) / width * width;
            const int panels = (columns + panel - 1) / panel;
            float *from = random_floats((size_t)(rows * columns), 8);
            float *to = random_floats((size_t)(panels * rows * panel), 9);
            (*k)->pack(rows, columns, from, (size_t)columns, to, (size_t)(rows * panel));
            for (int i = 0; i < rows * end; i++) {
                const int r = i / end, j = i % end;
                const float *at = to + j / panel * rows * panel + r * panel;
                assert_true(at[j % panel] == (j < columns ? from[r * columns + j] : 0));
            }
            free(from);
            free(to);
        }
    }
}

static void test_drop(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        for (size_t n = 0; n < 150; n += n < 70 ? 1 : 13) {
            check_drop(*k, n, 64, false);
            check_drop(*k, n, ((uint64_t)1 << 34) - 256, true);
        }
    }
}

// Rows of A, and of B with a gap behind each; out of A times the transposed B.
struct dotting {
    int rows, columns, depth, stride;
    float *a, *b, *out;
};

static void dotting_run(const struct kernels *k, const struct dotting *d, int first_row,
                        int first_column, float *out, bool add) {
    const float *a[ROWS_MAX] = {0};
    float *to[ROWS_MAX] = {0};
    const int rows = d->rows - first_row, columns = d->columns - first_column;
    for (int i = 0; i < rows; i++) {
        a[i] = d->a + (size_t)((first_row + i) * d->depth);
        to[i] = out + i * columns;
    }
    k->dots(rows, columns, d->depth, a, d->b + (size_t)(first_column * d->stride),
            (size_t)d->stride, to, add);
    assert_false(upper_parts_in_use());
}

static void check_dots(const struct kernels *k, const struct dotting *d) {
    const int columns = d->columns;
    float *part = random_floats((size_t)(d->rows * columns), 3);
    dotting_run(k, d, 0, 0, d->out, false);
    for (int i = 0; i < d->rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int p = 0; p < d->depth; p++)
                sum += (double)d->a[i * d->depth + p] * d->b[j * d->stride + p];
            assert_near(d->out[i * columns + j], sum, d->depth);
        }
    dotting_run(k, d, d->rows / 2, columns / 2, part, false); // elsewhere, among others
    for (int i = d->rows / 2; i < d->rows; i++)
        for (int j = columns / 2; j < columns; j++) {
            const float alone = part[(i - d->rows / 2) * (columns - columns / 2) + j - columns / 2];
            assert_true(alone == d->out[i * columns + j]);
        }
    memcpy(part, d->out, (size_t)(d->rows * columns) * sizeof *part);
    dotting_run(k, d, 0, 0, part, true);
    for (int i = 0; i < d->rows * columns; i++)
        assert_true(part[i] == 2 * d->out[i]);
    free(part);
}

static void test_dots(void **state) {
    (void)state;
    const int sizes[][3] = {{1, 1, 1}, {4, 4, 16}, {5, 7, 33}, {16, 9, 64}, {3, 10, 700}};
    for (const struct kernels *const *k = kernels_available(); *k; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct dotting d = {sizes[s][0], sizes[s][1], sizes[s][2], sizes[s][2] + 3, 0, 0, 0};
            d.a = random_floats((size_t)(d.rows * d.depth), 1);
            d.b = random_floats((size_t)((d.columns - 1) * d.stride + d.depth), 2);
            d.out = random_floats((size_t)(d.rows * d.columns), 3);
            check_dots(*k, &d);
            free(d.a);
            free(d.b);
            free(d.out);
        }
}

// The exponential itself is good to about 1e-7, and the sum's chains are short; x - largest is
// rounded to a float first, which counts in what is far below the largest.
static void check_exp(const struct kernels *k, size_t n) {
    float *x = random_floats(n, 4), *y = random_floats(n, 5), *before = random_floats(n, 5);
    float largest, most = -INFINITY;
    double want = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] *= 20;
        most = fmaxf(most, x[i]);
    }
    for (size_t i = 0; i < n; i++)
        want += exp((double)x[i] - most);
    const double sum = k->exp_sum(n, x, &largest);
    assert_true(largest == most && fabs(sum / want - 1) < 3e-7);
    for (int add = 0; add < 2; add++) {
        k->exp_scale(n, x, largest, 0.75f, y, add);
        for (size_t i = 0; i < n; i++) {
            const double value = 0.75 * exp((double)x[i] - most), old = add ? before[i] : 0;
            const double share = 3e-7 + 6e-8 * (double)(most - x[i]);
            assert_true(fabs(y[i] - (value + old)) <= share * (value + fabs(old)));
        }
        memcpy(y, before, n * sizeof *y);
    }
    assert_false(upper_parts_in_use());
    free(x);
    free(y);
    free(before);
}

static void test_exp(void **state) {
    (void)state;
    for (const struct kernels *const *k = kernels_available(); *k; k++) {
        const float odd[2] = {1, NAN}, far[2] = {0, -1e30f};
        float largest;
        for (size_t n = 1; n < 40; n++)
            check_exp(*k, n);
        check_exp(*k, 1000);
        check_exp(*k, 50257);
        assert_true(isnan((*k)->exp_sum(2, odd, &largest)));
        assert_true((*k)->exp_sum(2, far, &largest) == 1);
    }
}

// Blocks of left [rows][depth] along and right [depth][columns] across the depth, or turned.
static void split_both(const struct kernels *k, int rows, int depth, int columns, const float *left,
                       const float *right, const float *turned, uint16_t *to[2]) {
    for (int deep = 0; deep < depth; deep += SPLIT_SIDE) {
        const float *row[SPLIT_SIDE] = {0}, *across[SPLIT_SIDE] = {0}, *along[SPLIT_SIDE] = {0};
        const int count = depth - deep < SPLIT_SIDE ? depth - deep : SPLIT_SIDE;
        const size_t at = (size_t)(deep / SPLIT_SIDE) * SPLIT_NUMBERS;
        uint16_t again[SPLIT_NUMBERS];
        for (int i = 0; i < rows; i++)
            row[i] = left + i * depth + deep;
        for (int d = 0; d < count; d++)
            across[d] = right + (deep + d) * columns;
        for (int j = 0; j < columns; j++)
            along[j] = turned + j * depth + deep;
        k->split_left(rows, count, row, to[0] + at);
        k->split_right(count, columns, across, to[1] + at);
        k->split_right_transposed(columns, count, along, again);
        assert_memory_equal(to[1] + at, again, sizeof again);
    }
}

static void check_split(const struct kernels *k, int rows, int depth, int columns) {
    const size_t blocks = (size_t)(depth + SPLIT_SIDE - 1) / SPLIT_SIDE;
    float *left = random_floats((size_t)(rows * depth), 1), *bias = random_floats(SPLIT_SIDE, 4);
    float *right = random_floats((size_t)(depth * columns), 2);
    float *turned = random_floats((size_t)(depth * columns), 3);
    float *out = random_floats((size_t)(rows * columns), 5), *line[SPLIT_SIDE];
    uint16_t *to[2] = {xmalloc(blocks * SPLIT_NUMBERS * 2), xmalloc(blocks * SPLIT_NUMBERS * 2)};
    for (int i = 0; i < depth * columns; i++)
        turned[i % columns * depth + i / columns] = right[i];
    for (int i = 0; i < rows; i++)
        line[i] = out + i * columns;
    split_both(k, rows, depth, columns, left, right, turned, to);
    k->split_open();
    k->split_product((int)blocks, to[0], to[1], rows, columns, bias, line, false);
    k->split_product((int)blocks, to[0], to[1], rows, columns, NULL, line, true);
    k->split_close();
    for (int i = 0; i < rows * columns; i++) {
        double sum = 0;
        for (int d = 0; d < depth; d++)
            sum += (double)left[i / columns * depth + d] * right[d * columns + i % columns];
        assert_near(out[i], 2 * sum + (double)bias[i % columns], 4);
    }
    free(left);
    free(right);
    free(turned);
    free(bias);
    free(out);
    free(to[0]);
    free(to[1]);
}

// The kernels with tiles, which are the best of all where there are any; else the test is skipped.
static const struct kernels *with_tiles(void) {
    const struct kernels *best = kernels_available()[0];
    if (!best->split_product) {
        print_message("this processor has no tiles\n");
        skip();
    }
    return best;
}

static void test_split(void **state) {
    (void)state;
    const struct kernels *k = with_tiles();
    const int sizes[] = {1, 15, 16, 17, 31, 32};
    for (int i = 0; i < 6 * 6 * 3; i++)
        check_split(k, sizes[i % 6], sizes[i / 6 % 6] + i / 36 * 32, sizes[5 - i % 6]);
}

// What is left of a number near the smallest ones has all bits: none may get into its neighbour.
static void test_split_of_tiny_numbers(void **state) {
    (void)state;
    const struct kernels *k = with_tiles();
    float left[SPLIT_SIDE], right[SPLIT_SIDE], out, *line = &out;
    uint16_t to[2][SPLIT_NUMBERS];
    for (int exponent = -149; exponent < -80; exponent++) {
        const float *row[SPLIT_SIDE] = {left}, *column[SPLIT_SIDE] = {right};
        double sum = 0;
        for (int i = 0; i < SPLIT_SIDE; i++) {
            left[i] = ldexpf(1 + (float)(0x7fffff ^ i * 0x1234) / 0x800000, exponent);
            right[i] = i % 2 ? 1 : 0.5f;
            sum += (double)left[i] * right[i];
        }
        k->split_left(1, SPLIT_SIDE, row, to[0]);
        k->split_right_transposed(1, SPLIT_SIDE, column, to[1]);
        k->split_open();
        k->split_product(1, to[0], to[1], 1, 1, NULL, &line, false);
        k->split_close();
        assert_true(fabs(out - sum) <= 1e-6 * sum + SPLIT_SIDE * 0x1p-126);
    }
}

static void test_force(void **state) {
    (void)state;
    const struct kernels *const *all = kernels_available();
    int count = 0;
    for (; all[count]; count++) {
        assert_true(kernels_force(all[count]->isa));
        assert_ptr_equal(kernels(), all[count]);
    }
    assert_string_equal(all[count - 1]->isa, "baseline");
    assert_false(kernels_force("no such thing"));
    assert_ptr_equal(kernels(), all[count - 1]);
    assert_true(kernels_force(all[0]->isa));
}

// main set THAW_ISA before the first use.
static void test_environment(void **state) {
    (void)state;
    assert_string_equal(kernels()->isa, "baseline");
}

int main(void) {
    setenv("THAW_ISA", "baseline", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_gather_tail),
        cmocka_unit_test(test_gather_columns),
        cmocka_unit_test(test_outer),
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_pack_transposed),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_split_of_tiny_numbers),
        cmocka_unit_test(test_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
