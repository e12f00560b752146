#include "training/lr.h"
#include "test.h"
#include "torch_json.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static enum lr_shape shape_of(const char *name) {
    static const char *const names[] = {"constant", "step", "cosine", "one-cycle"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], name))
            return (enum lr_shape)i;
    abort();
}

static struct lr_settings settings_of(const json_t *curve) {
    struct lr_settings s = {.shape = shape_of(torch_text(curve, "shape")),
                            .peak = torch_real(curve, "peak", 0),
                            .warmup = torch_real(curve, "warmup", 0),
                            .gamma = torch_real(curve, "gamma", 0),
                            .floor = torch_real(curve, "floor", 0),
                            .start_div = torch_real(curve, "start_div", 0),
                            .end_div = torch_real(curve, "end_div", 0),
                            .rise = torch_real(curve, "rise", 0)};
    const json_t *milestones = json_object_get(curve, "milestones");
    s.milestone_count = (int)json_array_size(milestones);
    for (int i = 0; i < s.milestone_count; i++)
        s.milestones[i] = json_number_value(json_array_get(milestones, (size_t)i));
    return s;
}

// Python's cos may be another libm's than ours: an ulp apart, and another from what follows.
static void expect_rate(double rate, double expected, const char *shape, int64_t step) {
    if (fabs(rate - expected) > 2 * DBL_EPSILON * fabs(expected))
        fail_msg("%s, step %d: %.17g is not %.17g", shape, (int)step, rate, expected);
}

static void curves_equal_those_of_torch(void **state) {
    (void)state;
    json_t *document = torch_json("optim.json"), *curve;
    size_t index;
    json_array_foreach(json_object_get(document, "curves"), index, curve) {
        struct lr_settings s = settings_of(curve);
        const json_t *rates = json_object_get(curve, "rates");
        int64_t total = (int64_t)json_array_size(rates);
        assert_int_equal(total, (int64_t)torch_real(curve, "total", 0));
        for (int64_t i = 0; i < total; i++)
            expect_rate(lr_at(&s, i, total), json_number_value(json_array_get(rates, (size_t)i)),
                        torch_text(curve, "shape"), i);
    }
    assert_true(index >= 12);
    json_decref(document);
}

static void one_cycle_touches_its_three_rates(void **state) {
    (void)state;
    struct lr_settings s = {
        .shape = LR_ONE_CYCLE, .peak = 0.5, .start_div = 10, .end_div = 100, .rise = 0.5};
    expect_rate(lr_at(&s, 0, 100), 0.05, "start", 0);
    expect_rate(lr_at(&s, 49, 100), 0.5, "peak", 49);
    assert_true(fabs(lr_at(&s, 99, 100) - 0.0005) < 1e-17);
}

// Where OneCycleLR divides by zero: a rise of one step begins at the peak.
static void one_cycle_has_no_division_by_zero(void **state) {
    (void)state;
    struct lr_settings s = {
        .shape = LR_ONE_CYCLE, .peak = 0.5, .start_div = 10, .end_div = 100, .rise = 0.25};
    assert_true(lr_at(&s, 0, 4) == 0.5);
    s.rise = 1;
    assert_true(lr_at(&s, 0, 1) == 0.5);
}

static void steps_of_a_short_run_are_finite(void **state) {
    (void)state;
    for (int shape = LR_CONSTANT; shape <= LR_ONE_CYCLE; shape++)
        for (int64_t total = 1; total < 12; total++)
            for (int64_t step = 0; step < total; step++)
                for (int part = 0; part <= 4; part++) {
                    struct lr_settings s = {.shape = (enum lr_shape)shape,
                                            .peak = 1,
                                            .warmup = 0.25 * part,
                                            .gamma = 0.5,
                                            .milestones = {0.5},
                                            .milestone_count = 1,
                                            .start_div = 25,
                                            .end_div = 1e4,
                                            .rise = 0.25 * part};
                    double rate = lr_at(&s, step, total);
                    assert_true(rate >= 0 && rate <= 1);
                }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_equal_those_of_torch),
        cmocka_unit_test(one_cycle_touches_its_three_rates),
        cmocka_unit_test(one_cycle_has_no_division_by_zero),
        cmocka_unit_test(steps_of_a_short_run_are_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
