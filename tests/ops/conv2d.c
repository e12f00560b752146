// conv2d against loops in double, for every instruction set; and that its bits depend on nothing
// but the work.
#include "base/kernels.h"
#include "ops/op.h"
#include "random_floats.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WEIGHT, BIAS };

struct geometry {
    int n, h, w, c, k, r, s, stride, pad, groups;
    bool bias;
    bool precise; // no Winograd
};

static const struct geometry geometries[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, false},
    {2, 5, 7, 3, 4, 3, 3, 1, 1, 1, true},
    {3, 8, 8, 16, 16, 3, 3, 1, 1, 1, false},
    {2, 9, 6, 5, 37, 3, 3, 2, 1, 1, true},
    {1, 13, 11, 3, 33, 7, 7, 2, 3, 1, false},
    {2, 7, 7, 19, 40, 3, 3, 1, 1, 1, true},
    {4, 6, 10, 8, 70, 1, 1, 1, 0, 1, false},
    {3, 7, 9, 17, 12, 1, 1, 2, 0, 1, true},
    {2, 10, 8, 6, 9, 5, 5, 1, 2, 1, false},
    {2, 11, 10, 4, 6, 5, 5, 3, 2, 1, true},
    {1, 7, 8, 2, 3, 3, 3, 3, 0, 1, false},
    {2, 6, 6, 3, 5, 1, 1, 3, 3, 1, true},
    {3, 9, 9, 12, 8, 3, 3, 1, 1, 4, false},
    {2, 8, 7, 6, 12, 3, 3, 2, 1, 3, true},
    {2, 7, 6, 10, 10, 3, 3, 1, 1, 10, true},
    {1, 9, 8, 5, 10, 5, 5, 2, 2, 5, false},
    {2, 8, 9, 4, 7, 3, 1, 1, 1, 1, true},
    {2, 9, 8, 4, 7, 2, 5, 2, 2, 1, false},
    {5, 4, 4, 64, 64, 3, 3, 1, 1, 1, false},
    {1, 16, 140, 2, 18, 3, 3, 1, 1, 1, true},
    {5, 3, 3, 7, 5, 3, 3, 2, 3, 1, true},
    {2, 6, 6, 3, 8, 2, 2, 2, 0, 1, false},
    {1, 5, 5, 2, 2, 1, 1, 4, 0, 1, true},
    {2, 12, 12, 68, 33, 3, 3, 2, 1, 1, false},
    {2, 6, 6, 128, 128, 3, 3, 1, 1, 1, true},
    {3, 40, 3, 3, 2, 3, 3, 1, 0, 1, false},
    {1, 3, 3, 200, 300, 3, 3, 1, 1, 1, true},
    {2, 9, 8, 40, 40, 3, 3, 2, 1, 40, false},
    {1, 5, 4, 33, 33, 5, 5, 3, 4, 33, true},
    {3, 20, 21, 16, 16, 3, 3, 1, 1, 16, false},
    {2, 6, 6, 3, 3, 1, 1, 3, 3, 3, true},
    {9, 12, 40, 19, 19, 5, 3, 1, 2, 19, true},
    // Pixels that lie a whole way of the cache apart, in strips and where they are; alone, strided,
    // padded, in groups.
    {2, 4, 5, 1024, 20, 1, 1, 1, 0, 1, true},
    {1, 5, 4, 512, 9, 1, 1, 2, 0, 1, false},
    {1, 5, 5, 512, 7, 3, 3, 2, 1, 1, true},
    {1, 3, 4, 6, 1024, 1, 1, 1, 0, 1, false},
    {1, 4, 3, 1024, 8, 3, 3, 1, 1, 4, true},
    // By Winograd: all tiles whole, cut, few; channels that fill no vector; any padding; large
    // weights, in one batch of tiles and in several; long sums.
    {2, 8, 12, 16, 32, 3, 3, 1, 1, 1, false},
    {5, 7, 11, 19, 21, 3, 3, 1, 1, 1, true},
    {1, 14, 10, 33, 16, 3, 3, 1, 0, 1, true},
    {2, 6, 14, 40, 70, 3, 3, 1, 2, 1, false},
    {9, 28, 15, 16, 24, 3, 3, 1, 1, 1, true},
    {3, 7, 7, 300, 40, 3, 3, 1, 1, 1, true},
    {29, 8, 8, 80, 112, 3, 3, 1, 1, 1, true},
    {1, 4, 4, 600, 17, 3, 3, 1, 1, 1, false},
};
// All of them, and then all of them again without Winograd.
enum { ONCE = sizeof geometries / sizeof *geometries, GEOMETRIES = 2 * ONCE };

static struct geometry geometry_at(size_t index) {
    struct geometry g = geometries[index % ONCE];
    g.precise = index >= ONCE;
    return g;
}

// What one call reads, and all that it writes.
struct problem {
    struct geometry g;
    union op_attr attr;
    struct shape in, out;
    float *x, *weight, *bias, *dout;
    float *y, *dx, *dweight, *dbias;
};

enum { DX = 1, DWEIGHT = 2, DBIAS = 4, ALL = 7 };

static size_t x_count(const struct problem *p) {
    return (size_t)p->g.n * shape_count(p->in);
}

static size_t y_count(const struct problem *p) {
    return (size_t)p->g.n * shape_count(p->out);
}

static size_t weight_count(const struct problem *p) {
    return (size_t)(p->g.r * p->g.s * (p->g.c / p->g.groups) * p->g.k);
}

static struct problem problem_open(struct geometry g) {
    struct problem p = {.g = g, .in = {g.h, g.w, g.c}};
    p.attr.conv.out = g.k;
    p.attr.conv.kernel_h = g.r;
    p.attr.conv.kernel_w = g.s;
    p.attr.conv.stride = g.stride;
    p.attr.conv.pad = g.pad;
    p.attr.conv.groups = g.groups;
    p.attr.conv.bias = g.bias;
    assert_true(op_conv2d.infer(&p.attr, &p.in, &p.out, NULL));
    p.x = random_floats(x_count(&p), 1);
    p.weight = random_floats(weight_count(&p), 2);
    p.bias = random_floats((size_t)g.k, 3);
    p.dout = random_floats(y_count(&p), 4);
    p.y = random_floats(y_count(&p), 5);
    p.dx = random_floats(x_count(&p), 6);
    p.dweight = random_floats(weight_count(&p), 7);
    p.dbias = random_floats((size_t)g.k, 8);
    return p;
}

static void problem_close(struct problem *p) {
    float *all[] = {p->x, p->weight, p->bias, p->dout, p->y, p->dx, p->dweight, p->dbias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

// Scratch is exactly as long as asked for, and NaN.
static float *make_scratch(const struct op_call *call, bool backward) {
    const size_t count = op_conv2d.scratch(call, backward);
    float *to = aligned_alloc(64, (count * sizeof *to + 64) / 64 * 64);
    assert_non_null(to);
    memset(to, 0xff, count * sizeof *to);
    return to;
}

static void run(struct problem *p, int threads, unsigned wanted, bool add) {
    struct op_call call = {.attr = &p->attr,
                           .n = p->g.n,
                           .in_shape = {p->in},
                           .out_shape = p->out,
                           .in = {p->x},
                           .out = p->y,
                           .param = {p->weight, p->g.bias ? p->bias : NULL},
                           .dout = p->dout,
                           .mode = {.precise = p->g.precise},
                           .pool = pool_open(threads)};
    call.scratch = make_scratch(&call, false);
    op_conv2d.forward(&call);
    free(call.scratch);
    call.din[0] = (struct op_grad){wanted & DX ? p->dx : NULL, add};
    call.dparam[WEIGHT] = (struct op_grad){wanted & DWEIGHT ? p->dweight : NULL, add};
    call.dparam[BIAS] = (struct op_grad){wanted & DBIAS && p->g.bias ? p->dbias : NULL, add};
    if (!(op_conv2d.reads(&call) & OP_READS_IN))
        call.in[0] = NULL;
    call.scratch = make_scratch(&call, true);
    op_conv2d.backward(&call);
    free(call.scratch);
    pool_close(call.pool);
}

// The definition, in double: each product goes where it belongs.
struct truth {
    double *y, *dx, *dweight, *dbias;
};

static void truth_pixel(const struct problem *p, struct truth *t, int n, int y, int x, int k) {
    const struct geometry *g = &p->g;
    const int cg = g->c / g->groups, kg = g->k / g->groups;
    const size_t at =
        ((size_t)(n * p->out.h + y) * (size_t)p->out.w + (size_t)x) * (size_t)g->k + (size_t)k;
    t->y[at] = g->bias ? p->bias[k] : 0;
    t->dbias[k] += p->dout[at];
    for (int r = 0; r < g->r; r++) {
        for (int s = 0; s < g->s; s++) {
            const int h = y * g->stride + r - g->pad, w = x * g->stride + s - g->pad;
            if (h < 0 || h >= g->h || w < 0 || w >= g->w)
                continue;
            for (int c = 0; c < cg; c++) {
                const int i = ((n * g->h + h) * g->w + w) * g->c + k / kg * cg + c;
                const int j = ((r * g->s + s) * cg + c) * g->k + k;
                t->y[at] += (double)p->x[i] * p->weight[j];
                t->dx[i] += (double)p->dout[at] * p->weight[j];
                t->dweight[j] += (double)p->dout[at] * p->x[i];
            }
        }
    }
}

static struct truth truth_open(const struct problem *p) {
    struct truth t = {xcalloc(y_count(p), sizeof(double)), xcalloc(x_count(p), sizeof(double)),
                      xcalloc(weight_count(p), sizeof(double)),
                      xcalloc((size_t)p->g.k, sizeof(double))};
    for (int n = 0; n < p->g.n; n++) {
        for (int y = 0; y < p->out.h; y++) {
            for (int x = 0; x < p->out.w; x++) {
                for (int k = 0; k < p->g.k; k++)
                    truth_pixel(p, &t, n, y, x, k);
            }
        }
    }
    return t;
}

static void truth_close(struct truth *t) {
    free(t->y);
    free(t->dx);
    free(t->dweight);
    free(t->dbias);
}

// Relative to the largest value. Winograd's way rounds in each transform on both sides of the
// product, and adds up numbers a few times larger than their sum: its largest errors are measured
// at three times those of a chain of multiply-adds, and twice that is allowed.
static double tolerance(size_t index) {
    return geometry_at(index).precise ? 2e-6 : 5e-6;
}

static void assert_near(const char *what, size_t index, size_t count, const float *got,
                        const double *want) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(got[i] - want[i]) <= tolerance(index) * largest + 1e-6))
            fail_msg("geometry %zu: %s[%zu] is %g, not %g", index, what, i, got[i], want[i]);
    }
}

static void assert_same(size_t count, const float *a, const float *b) {
    assert_memory_equal(a, b, count * sizeof *a);
}

static void test_values(void **state) {
    (void)state;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        struct problem p = problem_open(geometry_at(i));
        struct truth t = truth_open(&p);
        for (const struct kernels *const *isa = kernels_available(); *isa; isa++) {
            assert_true(kernels_force((*isa)->isa));
            run(&p, 2, ALL, false);
            assert_near("out", i, y_count(&p), p.y, t.y);
            assert_near("din", i, x_count(&p), p.dx, t.dx);
            assert_near("weight gradient", i, weight_count(&p), p.dweight, t.dweight);
            if (p.g.bias)
                assert_near("bias gradient", i, (size_t)p.g.k, p.dbias, t.dbias);
        }
        kernels_force(kernels_available()[0]->isa);
        truth_close(&t);
        problem_close(&p);
    }
}

static void assert_all_same(const struct problem *p, const struct problem *q) {
    assert_same(y_count(p), p->y, q->y);
    assert_same(x_count(p), p->dx, q->dx);
    assert_same(weight_count(p), p->dweight, q->dweight);
    assert_same((size_t)p->g.k, p->dbias, q->dbias);
}

static void test_threads(void **state) {
    (void)state;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        struct problem p = problem_open(geometry_at(i)), q = problem_open(geometry_at(i));
        run(&p, 1, ALL, false);
        for (int threads = 2; threads <= 4; threads += 2) {
            run(&q, threads, ALL, false);
            assert_all_same(&p, &q);
        }
        problem_close(&p);
        problem_close(&q);
    }
}

// to[i] becomes what adding from[i] to it gives.
static void add_to(size_t count, float *to, const float *from) {
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

static void test_add(void **state) {
    (void)state;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        struct problem p = problem_open(geometry_at(i)), q = problem_open(geometry_at(i));
        struct problem before = problem_open(geometry_at(i));
        run(&p, 2, ALL, true);
        run(&q, 2, ALL, false);
        add_to(x_count(&q), q.dx, before.dx);
        add_to(weight_count(&q), q.dweight, before.dweight);
        if (q.g.bias)
            add_to((size_t)q.g.k, q.dbias, before.dbias);
        assert_all_same(&p, &q);
        problem_close(&p);
        problem_close(&q);
        problem_close(&before);
    }
}

// What is not wanted stays untouched; what is wanted has the bits that it has beside all others.
static void test_wanted(void **state) {
    (void)state;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        struct problem all = problem_open(geometry_at(i)), before = problem_open(geometry_at(i));
        run(&all, 2, ALL, false);
        for (unsigned wanted = 0; wanted < ALL; wanted++) {
            struct problem p = problem_open(geometry_at(i));
            run(&p, 2, wanted, false);
            assert_same(x_count(&p), p.dx, wanted & DX ? all.dx : before.dx);
            assert_same(weight_count(&p), p.dweight,
                        wanted & DWEIGHT ? all.dweight : before.dweight);
            assert_same((size_t)p.g.k, p.dbias, wanted & DBIAS ? all.dbias : before.dbias);
            problem_close(&p);
        }
        problem_close(&all);
        problem_close(&before);
    }
}

// A sample alone, and in a batch in another place, gives the same bits.
static void test_samples(void **state) {
    (void)state;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        struct geometry g = geometry_at(i);
        g.n = 5;
        struct problem all = problem_open(g);
        run(&all, 2, ALL, false);
        g.n = 1;
        for (size_t sample = 0; sample < 5; sample += 2) {
            struct problem one = problem_open(g);
            const size_t x = x_count(&one), y = y_count(&one);
            memcpy(one.x, all.x + sample * x, x * sizeof(float));
            memcpy(one.dout, all.dout + sample * y, y * sizeof(float));
            run(&one, 1, DX, false);
            assert_same(y, one.y, all.y + sample * y);
            assert_same(x, one.dx, all.dx + sample * x);
            problem_close(&one);
        }
        problem_close(&all);
    }
}

static void test_infer(void **state) {
    (void)state;
    const struct shape in = {5, 6, 8};
    struct shape out;
    struct error error = {0};
    union op_attr attr = {
        .conv = {.out = 12, .kernel_h = 3, .kernel_w = 3, .stride = 2, .pad = 1, .groups = 4}};
    assert_true(op_conv2d.infer(&attr, &in, &out, &error));
    assert_true(shape_equal(out, (struct shape){3, 3, 12}));
    attr.conv.groups = 3;
    assert_false(op_conv2d.infer(&attr, &in, &out, &error));
    assert_non_null(strstr(error.text, "8 input and 12 output channels"));
    attr.conv.groups = 1;
    attr.conv.pad = 0;
    attr.conv.kernel_h = 6;
    assert_false(op_conv2d.infer(&attr, &in, &out, &error));
    assert_non_null(strstr(error.text, "6x3 kernel does not fit an input of 5x6"));
    attr.conv.kernel_h = 3;
    attr.conv.stride = 17;
    assert_false(op_conv2d.infer(&attr, &in, &out, &error));
    attr.conv.stride = 0;
    assert_false(op_conv2d.infer(&attr, &in, &out, &error));
}

static void test_flops(void **state) {
    (void)state;
    const struct shape in = {56, 56, 64}, out = {28, 28, 128};
    union op_attr attr = {
        .conv = {.out = 128, .kernel_h = 3, .kernel_w = 3, .stride = 2, .pad = 1, .groups = 1}};
    const double product = 2.0 * 28 * 28 * 128 * 9 * 64;
    const struct op_flops flops = op_conv2d.flops(&attr, &in, out);
    assert_true(flops.forward == product && flops.data == product && flops.weight == product);
    attr.conv.groups = 64;
    attr.conv.bias = true;
    const struct op_flops narrow = op_conv2d.flops(&attr, &in, out);
    assert_true(narrow.data == product / 64);
    assert_true(narrow.forward == product / 64 + 28 * 28 * 128);
    assert_true(narrow.weight == narrow.forward);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_threads), cmocka_unit_test(test_add),
        cmocka_unit_test(test_wanted), cmocka_unit_test(test_samples), cmocka_unit_test(test_infer),
        cmocka_unit_test(test_flops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
