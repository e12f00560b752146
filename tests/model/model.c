#include "model/model.h"

#include "model/build.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A convolution with a bias, a BatchNorm, and (when asked) one more linear layer in front of fc.
static struct model *make(bool more) {
    struct build *b = build_start("net", (struct shape){5, 5, 7});
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_UNIFORM_FAN_IN);
    struct build_conv conv = {.out = 100, .kernel = 3, .bias = true};
    int x = build_conv(b, "conv", 0, conv);
    x = build_batch_norm(b, "bn", x);
    x = build_global_pool(b, NULL, x);
    if (more)
        x = build_linear(b, "a", x, 100, true);
    build_init(b, INIT_KAIMING_NORMAL_IN, INIT_KAIMING_NORMAL_IN);
    x = build_linear(b, "fc", x, 300, true);
    struct model *m = build_finish(b, x, NULL);
    assert_non_null(m);
    return m;
}

static void test_lookup(void **state) {
    (void)state;
    struct model *m = make(true);
    for (int i = 0; i < m->module_count; i++)
        assert_int_equal(model_module(m, m->modules[i].name), i);
    for (int i = 0; i < m->param_count; i++)
        assert_int_equal(model_param(m, m->params[i].name), i);
    assert_int_equal(model_module(m, "con"), -1);
    assert_int_equal(model_module(m, "conv.weight"), -1);
    assert_int_equal(model_param(m, "conv"), -1);
    assert_int_equal(model_param(m, ""), -1);
    assert_int_equal(model_loss(m), m->node_count - 1);
    assert_ptr_equal(m->nodes[model_loss(m)].op, &op_cross_entropy);
    assert_ptr_equal(m->nodes[model_logits(m)].op, &op_linear);
    model_close(m);
    model_close(NULL);
}

static void test_trainable_count(void **state) {
    (void)state;
    struct model *m = make(false);
    size_t conv = 100 * 7 * 9 + 100, bn = 200, fc = 300 * 100 + 300;
    assert_int_equal(model_trainable_count(m), conv + bn + fc);
    m->params[model_param(m, "conv.bias")].storage = model_param(m, "conv.weight");
    assert_int_equal(model_trainable_count(m), conv - 100 + bn + fc);
    model_close(m);
}

static void test_places(void **state) {
    (void)state;
    struct model *m = make(false);
    struct weights w = weights_open(m);
    assert_int_equal((uintptr_t)w.data % 64, 0);
    size_t end = 0;
    for (int i = 0; i < m->param_count; i++) {
        assert_int_equal((uintptr_t)weights_at(&w, i) % 64, 0);
        assert_true(m->params[i].at >= end); // none overlaps the one before
        end = m->params[i].at + param_bytes(&m->params[i]) / sizeof(float);
        for (size_t k = 0; k < m->params[i].count; k++)
            assert_true(weights_at(&w, i)[k] == 0);
    }
    assert_true(end <= m->weight_floats && m->weight_floats < end + 16);
    weights_close(&w);
    assert_null(w.data);
    model_close(m);
}

static void test_counter(void **state) {
    (void)state;
    struct model *m = make(false);
    struct weights w = weights_open(m);
    int counter = model_param(m, "bn.num_batches_tracked");
    assert_int_equal(param_bytes(&m->params[counter]), 8);
    *weights_counter(&w, counter) = INT64_C(1) << 40;
    weights_init_param(&w, counter, 1);
    assert_int_equal(*weights_counter(&w, counter), 0);
    weights_close(&w);
    model_close(m);
}

static void test_constant_init(void **state) {
    (void)state;
    struct model *m = make(false);
    struct weights w = weights_open(m);
    static const struct {
        const char *name;
        float value;
    } want[] = {{"bn.weight", 1}, {"bn.bias", 0}, {"bn.running_mean", 0}, {"bn.running_var", 1}};
    memset(w.data, 0x55, m->weight_floats * sizeof(float));
    weights_init(&w, 3);
    for (int i = 0; i < 4; i++) {
        const float *x = weights_at(&w, model_param(m, want[i].name));
        for (int k = 0; k < 100; k++)
            assert_true(x[k] == want[i].value);
    }
    weights_close(&w);
    model_close(m);
}

// Moments of a parameter's values.
struct moments {
    double mean, std, kurtosis, largest;
};

static struct moments moments_of(const struct weights *w, const char *name) {
    int param = model_param(w->model, name);
    const float *x = weights_at(w, param);
    size_t n = w->model->params[param].count;
    struct moments m = {0};
    for (size_t i = 0; i < n; i++)
        m.mean += (double)x[i] / (double)n;
    double second = 0, fourth = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - m.mean;
        second += d * d / (double)n;
        fourth += d * d * d * d / (double)n;
        m.largest = fmax(m.largest, fabs((double)x[i]));
    }
    m.std = sqrt(second);
    m.kurtosis = fourth / (second * second);
    return m;
}

static void test_statistics(void **state) {
    (void)state;
    struct model *m = make(true);
    struct weights w = weights_open(m);
    weights_init(&w, 7);
    struct moments conv = moments_of(&w, "conv.weight"); // normal, fan_out = 100 * 9
    assert_float_equal(conv.std / sqrt(2.0 / 900), 1, 0.03);
    assert_float_equal(conv.mean / conv.std, 0, 0.05);
    assert_float_equal(conv.kurtosis, 3, 0.2);
    struct moments fc = moments_of(&w, "fc.weight"); // normal, fan_in = 100
    assert_float_equal(fc.std / sqrt(2.0 / 100), 1, 0.03);
    assert_float_equal(fc.kurtosis, 3, 0.2);
    struct moments a = moments_of(&w, "a.weight"); // uniform in +-1/sqrt(100)
    assert_float_equal(a.std / (0.1 / sqrt(3)), 1, 0.03);
    assert_float_equal(a.mean / a.std, 0, 0.05);
    assert_float_equal(a.kurtosis, 1.8, 0.1);
    assert_true(a.largest <= 0.1 && a.largest > 0.0999);
    struct moments bias = moments_of(&w, "conv.bias"); // uniform in +-1/sqrt(7 * 9)
    assert_true(bias.largest <= 1 / sqrt(63) && bias.largest > 0.9 / sqrt(63));
    weights_close(&w);
    model_close(m);
}

static void test_init_is_of_seed_and_name_alone(void **state) {
    (void)state;
    struct model *small = make(false), *large = make(true);
    struct weights a = weights_open(small), b = weights_open(large);
    weights_init(&a, 11);
    weights_init(&b, 11);
    for (int i = 0; i < small->param_count; i++) {
        int k = model_param(large, small->params[i].name);
        assert_memory_equal(weights_at(&a, i), weights_at(&b, k), param_bytes(&small->params[i]));
        assert_true(weights_hash(&a, i) == weights_hash(&b, k));
    }
    int fc = model_param(small, "fc.weight");
    uint64_t before = weights_hash(&a, fc);
    weights_init(&a, 12);
    assert_true(weights_hash(&a, fc) != before);
    weights_init_param(&a, fc, 11);
    assert_true(weights_hash(&a, fc) == before);
    weights_close(&a);
    weights_close(&b);
    model_close(small);
    model_close(large);
}

static void test_hash_sees_every_byte(void **state) {
    (void)state;
    struct model *m = make(false);
    struct weights w = weights_open(m);
    weights_init(&w, 1);
    int bias = model_param(m, "fc.bias");
    uint64_t before = weights_hash(&w, bias);
    float *x = weights_at(&w, bias);
    x[m->params[bias].count] = 5; // behind it: padding
    assert_true(weights_hash(&w, bias) == before);
    x[m->params[bias].count - 1] += 1;
    assert_true(weights_hash(&w, bias) != before);
    weights_close(&w);
    model_close(m);
}

static void test_tied(void **state) {
    (void)state;
    struct model *m = make(true);
    int a = model_param(m, "conv.bias"), b = model_param(m, "a.bias");
    m->params[b].storage = a;
    struct weights w = weights_open(m);
    assert_ptr_equal(weights_at(&w, a), weights_at(&w, b));
    weights_init(&w, 5);
    uint64_t hash = weights_hash(&w, a);
    assert_true(weights_hash(&w, b) == hash);
    weights_init_param(&w, b, 5);
    assert_true(weights_hash(&w, a) == hash);
    weights_close(&w);
    model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_trainable_count),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_constant_init),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_init_is_of_seed_and_name_alone),
        cmocka_unit_test(test_hash_sees_every_byte),
        cmocka_unit_test(test_tied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
