// linear against loops in double, for every instruction set; and that its bits depend on nothing
// but the work.
#include "base/kernels.h"
#include "base/xalloc.h"
#include "ops/op.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WEIGHT, BIAS };

struct problem {
    int n, in, out;
    struct shape shape; // of one input
    float *x, *weight, *bias, *dout;
    float *y, *dx, *dweight, *dbias;
};

static float *random_floats(int count, uint32_t seed) {
    float *to = xmalloc((size_t)count * sizeof *to);
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = (float)(seed >> 8) / (1 << 23) - 1;
    }
    return to;
}

static struct problem problem_open(int n, struct shape shape, int out) {
    struct problem p = {.n = n, .in = (int)shape_count(shape), .out = out, .shape = shape};
    p.x = random_floats(n * p.in, 1);
    p.weight = random_floats(out * p.in, 2);
    p.bias = random_floats(out, 3);
    p.dout = random_floats(n * out, 4);
    p.y = random_floats(n * out, 5);
    p.dx = random_floats(n * p.in, 6);
    p.dweight = random_floats(out * p.in, 7);
    p.dbias = random_floats(out, 8);
    return p;
}

static void problem_close(struct problem *p) {
    float *all[] = {p->x, p->weight, p->bias, p->dout, p->y, p->dx, p->dweight, p->dbias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

// Scratch is exactly as long as asked for, and NaN.
static float *make_scratch(const struct op_call *call, bool backward) {
    const size_t count = op_linear.scratch(call, backward);
    float *to = aligned_alloc(64, (count * sizeof *to + 64) / 64 * 64);
    assert_non_null(to);
    memset(to, 0xff, count * sizeof *to);
    return to;
}

// `data`, `weight`: whether those gradients are wanted.
static void run(struct problem *p, int threads, bool data, bool weight, bool add) {
    const union op_attr attr = {.linear = {.out = p->out, .bias = true}};
    struct op_call call = {.attr = &attr,
                           .n = p->n,
                           .in_shape = {p->shape},
                           .out_shape = {1, 1, p->out},
                           .in = {p->x},
                           .out = p->y,
                           .param = {p->weight, p->bias},
                           .dout = p->dout,
                           .pool = pool_open(threads)};
    call.scratch = make_scratch(&call, false);
    op_linear.forward(&call);
    free(call.scratch);
    call.din[0] = (struct op_grad){data ? p->dx : NULL, add};
    call.dparam[WEIGHT] = (struct op_grad){weight ? p->dweight : NULL, add};
    call.dparam[BIAS] = (struct op_grad){weight ? p->dbias : NULL, add};
    if (!(op_linear.reads(&call) & OP_READS_IN))
        call.in[0] = NULL;
    call.scratch = make_scratch(&call, true);
    op_linear.backward(&call);
    free(call.scratch);
    pool_close(call.pool);
}

static void assert_near(float got, double want, int terms) {
    assert_true(fabs(got - want) <= 1e-6 * (1 + terms));
}

static void check_outputs(const struct problem *p) {
    for (int n = 0; n < p->n; n++) {
        for (int j = 0; j < p->out; j++) {
            double want = p->bias[j];
            for (int i = 0; i < p->in; i++)
                want += (double)p->x[n * p->in + i] * p->weight[j * p->in + i];
            assert_near(p->y[n * p->out + j], want, p->in);
        }
    }
}

static void check_data(const struct problem *p, double before) {
    for (int n = 0; n < p->n; n++) {
        for (int i = 0; i < p->in; i++) {
            double want = before;
            for (int j = 0; j < p->out; j++)
                want += (double)p->dout[n * p->out + j] * p->weight[j * p->in + i];
            assert_near(p->dx[n * p->in + i], want, p->out);
        }
    }
}

static void check_weight(const struct problem *p, double before) {
    for (int j = 0; j < p->out; j++) {
        double bias = before;
        for (int n = 0; n < p->n; n++)
            bias += p->dout[n * p->out + j];
        assert_near(p->dbias[j], bias, p->n);
        for (int i = 0; i < p->in; i++) {
            double want = before;
            for (int n = 0; n < p->n; n++)
                want += (double)p->dout[n * p->out + j] * p->x[n * p->in + i];
            assert_near(p->dweight[j * p->in + i], want, p->n);
        }
    }
}

static void fill(float *to, int count, float value) {
    for (int i = 0; i < count; i++)
        to[i] = value;
}

static void check_gradients(struct problem *p, bool add) {
    const float before = add ? 0.5f : NAN;
    fill(p->dx, p->n * p->in, before);
    fill(p->dweight, p->out * p->in, before);
    fill(p->dbias, p->out, before);
    run(p, 2, true, true, add);
    check_outputs(p);
    check_data(p, add ? before : 0);
    check_weight(p, add ? before : 0);
}

static const struct {
    int n;
    struct shape in;
    int out;
} sizes[] = {{1, {1, 1, 1}, 1},    {5, {1, 1, 64}, 10}, {17, {2, 3, 7}, 37},
             {33, {4, 4, 16}, 70}, {3, {1, 1, 700}, 2}, {2, {7, 7, 5}, 100}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_values(void **state) {
    (void)state;
    for (const struct kernels *const *isa = kernels_available(); *isa; isa++) {
        assert_true(kernels_force((*isa)->isa));
        for (int i = 0; i < SIZES; i++) {
            struct problem p = problem_open(sizes[i].n, sizes[i].in, sizes[i].out);
            check_gradients(&p, false);
            check_gradients(&p, true);
            problem_close(&p);
        }
    }
    kernels_force(kernels_available()[0]->isa);
}

static void assert_same(int count, const float *a, const float *b) {
    assert_memory_equal(a, b, (size_t)count * sizeof *a);
}

static void test_threads(void **state) {
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        struct problem p = problem_open(sizes[i].n, sizes[i].in, sizes[i].out);
        struct problem q = problem_open(sizes[i].n, sizes[i].in, sizes[i].out);
        run(&p, 1, true, true, false);
        run(&q, 4, true, true, false);
        assert_same(p.n * p.out, p.y, q.y);
        assert_same(p.n * p.in, p.dx, q.dx);
        assert_same(p.out * p.in, p.dweight, q.dweight);
        assert_same(p.out, p.dbias, q.dbias);
        problem_close(&p);
        problem_close(&q);
    }
}

// What is not wanted stays untouched; what is wanted has the bits that it has beside all others.
static void test_wanted(void **state) {
    (void)state;
    struct problem all = problem_open(9, (struct shape){2, 3, 50}, 33);
    struct problem before = problem_open(9, (struct shape){2, 3, 50}, 33);
    run(&all, 2, true, true, false);
    for (int wanted = 0; wanted < 3; wanted++) {
        struct problem p = problem_open(9, (struct shape){2, 3, 50}, 33);
        run(&p, 2, wanted & 1, wanted & 2, false);
        assert_same(p.n * p.in, p.dx, wanted & 1 ? all.dx : before.dx);
        assert_same(p.out * p.in, p.dweight, wanted & 2 ? all.dweight : before.dweight);
        assert_same(p.out, p.dbias, wanted & 2 ? all.dbias : before.dbias);
        problem_close(&p);
    }
    problem_close(&all);
    problem_close(&before);
}

// A sample's output alone has the bits that it has anywhere in a batch.
static void test_samples(void **state) {
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        struct problem all = problem_open(sizes[i].n, sizes[i].in, sizes[i].out);
        run(&all, 2, false, false, false);
        for (int n = 0; n < all.n; n++) {
            struct problem one = problem_open(1, sizes[i].in, sizes[i].out);
            memcpy(one.x, all.x + n * all.in, (size_t)all.in * sizeof(float));
            run(&one, 1, false, false, false);
            assert_same(one.out, one.y, all.y + n * all.out);
            problem_close(&one);
        }
        problem_close(&all);
    }
}

static void test_infer(void **state) {
    (void)state;
    const struct shape in = {2, 3, 4};
    union op_attr attr = {.linear = {.out = 5, .bias = true}};
    struct shape out;
    assert_true(op_linear.infer(&attr, &in, &out, NULL));
    assert_true(shape_equal(out, (struct shape){1, 1, 5}));
    const struct op_flops flops = op_linear.flops(&attr, &in, out);
    assert_true(flops.forward == 245 && flops.data == 240 && flops.weight == 245);
    attr.linear.out = 0;
    struct error error = {0};
    assert_false(op_linear.infer(&attr, &in, &out, &error));
    assert_non_null(strstr(error.text, "linear: 0 outputs"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_wanted), cmocka_unit_test(test_samples),
        cmocka_unit_test(test_infer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
