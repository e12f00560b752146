#include "base/kernels.h"
#include "base/xalloc.h"
#include "ops/op.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const union op_attr attr = {.norm = {.eps = 1e-5F, .momentum = 0.1F}};

// One channel of `n` vectors, with room for what the operation asks for.
struct norm {
    struct op_call call;
    float param[4], *x, *y, *keep, *scratch;
};

static struct norm *norm_open(int n, bool batch_stats) {
    struct norm *norm = xcalloc(1, sizeof *norm);
    struct op_call *call = &norm->call;
    memcpy(norm->param, (float[]){1, 0, 0, 1}, sizeof norm->param);
    *call = (struct op_call){.attr = &attr,
                             .n = n,
                             .in_shape = {{1, 1, 1}},
                             .out_shape = {1, 1, 1},
                             .mode.batch_stats = batch_stats,
                             .pool = pool_open(1)};
    for (int i = 0; i < 4; i++)
        call->param[i] = &norm->param[i];
    call->in[0] = norm->x = xcalloc(n, sizeof(float));
    call->out = norm->y = xcalloc(n, sizeof(float));
    call->keep = norm->keep = xcalloc(op_batch_norm.keep(call), sizeof(float));
    call->scratch = norm->scratch = xcalloc(op_batch_norm.scratch(call, true), sizeof(float));
    return norm;
}

static void norm_close(struct norm *norm) {
    pool_close(norm->call.pool);
    free(norm->x);
    free(norm->y);
    free(norm->keep);
    free(norm->scratch);
    free(norm);
}

// By hand: 1, 2, 3, 6 have mean 3, biased variance 3.5, unbiased 14 / 3.
static void running_statistics_move_by_momentum(void **state) {
    (void)state;
    struct norm *norm = norm_open(4, true);
    memcpy(norm->x, (float[]){1, 2, 3, 6}, 4 * sizeof(float));
    norm->param[2] = 5;
    norm->param[3] = 2;
    op_batch_norm.forward(&norm->call);
    assert_float_equal(norm->param[2], 0.9 * 5 + 0.1 * 3, 1e-6);
    assert_float_equal(norm->param[3], 0.9 * 2 + 0.1 * 14 / 3, 1e-6);
    assert_float_equal(norm->y[0], -2 / sqrt(3.5 + 1e-5), 1e-6);
    assert_float_equal(norm->y[3], 3 / sqrt(3.5 + 1e-5), 1e-6);
    assert_float_equal(norm->keep[0], 3, 1e-6);
    assert_float_equal(norm->keep[1], 1 / sqrt(3.5 + 1e-5), 1e-6);
    norm_close(norm);
}

static void stored_statistics_stand_still(void **state) {
    (void)state;
    struct norm *norm = norm_open(4, false);
    memcpy(norm->x, (float[]){1, 2, 3, 6}, 4 * sizeof(float));
    memcpy(norm->param, (float[]){2, 0.5F, 1, 4}, sizeof norm->param);
    assert_int_equal(op_batch_norm.keep(&norm->call), 0);
    op_batch_norm.forward(&norm->call);
    assert_float_equal(norm->y[0], 0.5, 1e-5);
    assert_float_equal(norm->y[3], 5 * 2 / sqrt(4 + 1e-5) + 0.5, 1e-5);
    assert_true(norm->param[2] == 1 && norm->param[3] == 4);
    norm_close(norm);
}

// Stored statistics are one expression, computed apart from the operation: fma(x, scale, shift).
static void stored_statistics_are_scale_and_shift(void **state) {
    (void)state;
    enum { N = 100 };
    struct norm *norm = norm_open(N, false);
    float expected[N];
    memcpy(norm->param, (float[]){1.7F, -0.3F, 0.21F, 0.77F}, sizeof norm->param);
    for (int i = 0; i < N; i++)
        norm->x[i] = (float)sin(i);
    float scale = norm->param[0] * (1 / sqrtf(norm->param[3] + attr.norm.eps));
    float shift = norm->param[1] - norm->param[2] * scale;
    op_batch_norm.forward(&norm->call);
    const struct kernel_tail tail = {.scale = &scale, .shift = &shift};
    kernels()->finish(N, 1, 1, norm->x, &tail, expected);
    assert_memory_equal(norm->y, expected, sizeof expected);
    norm_close(norm);
}

// A mean far from zero must not eat up the variance, nor a long batch the mean.
static void variance_survives_a_large_mean(void **state) {
    (void)state;
    enum { N = 30000 };
    struct norm *norm = norm_open(N, true);
    for (int i = 0; i < N; i++)
        norm->x[i] = 1000 + (float)(i % 2); // mean 1000.5, variance 0.25
    op_batch_norm.forward(&norm->call);
    assert_float_equal(norm->keep[0], 1000.5, 1e-4);
    assert_float_equal(norm->keep[1], 2, 1e-4);
    assert_float_equal(norm->param[2], 100.05, 1e-5);
    assert_float_equal(norm->param[3], 0.9 + 0.1 * 0.25 * N / (N - 1), 1e-6);
    norm_close(norm);
}

static void a_single_value_leaves_finite_statistics(void **state) {
    (void)state;
    struct norm *norm = norm_open(1, true);
    norm->x[0] = 3;
    op_batch_norm.forward(&norm->call);
    assert_float_equal(norm->y[0], 0, 1e-6);
    assert_float_equal(norm->param[3], 0.9, 1e-6);
    norm_close(norm);
}

static void backward_reads_the_input_only_when_it_must(void **state) {
    (void)state;
    float to[4];
    struct op_grad grad = {to, false};
    for (int batch_stats = 0; batch_stats < 2; batch_stats++) {
        struct op_call data = {.mode.batch_stats = batch_stats, .din = {grad}};
        struct op_call weight = {.mode.batch_stats = batch_stats, .dparam = {grad}};
        struct op_call bias = {.mode.batch_stats = batch_stats, .dparam = {{NULL}, grad}};
        assert_int_equal(op_batch_norm.reads(&data), batch_stats ? OP_READS_IN : 0);
        assert_int_equal(op_batch_norm.reads(&weight), OP_READS_IN);
        assert_int_equal(op_batch_norm.reads(&bias), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_statistics_move_by_momentum),
        cmocka_unit_test(stored_statistics_stand_still),
        cmocka_unit_test(stored_statistics_are_scale_and_shift),
        cmocka_unit_test(variance_survives_a_large_mean),
        cmocka_unit_test(a_single_value_leaves_finite_statistics),
        cmocka_unit_test(backward_reads_the_input_only_when_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
