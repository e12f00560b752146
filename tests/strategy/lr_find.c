#include "strategy/lr_find.h"
#include "no_trace.h"
#include <math.h>

static struct lr_find find_or_fail(struct tiny *t, double from, double to, int steps) {
    struct lr_find f;
    struct error error;
    if (!lr_find(t->training, &(struct lr_find_options){.from = from, .to = to, .steps = steps}, &f,
                 &error))
        fail_msg("%s", error.text);
    return f;
}

static void test_moderately(struct tiny *t) {
    struct lr_find f = find_or_fail(t, 1e-4, 1, 40);
    lr_find_close(&f);
}

static void test_until_it_diverges(struct tiny *t) {
    struct lr_find f = find_or_fail(t, 1e-4, 1000, 40);
    assert_true(f.ended_early);
    lr_find_close(&f);
}

static bool after_five(void *context) {
    return ++*(int *)context > 5;
}

static void test_given_up(struct tiny *t) {
    int asked = 0;
    struct lr_find f;
    struct error error;
    struct lr_find_options options = {
        .from = 1e-4, .to = 1, .steps = 40, .give_up = after_five, .context = &asked};
    assert_false(lr_find(t->training, &options, &f, &error));
    assert_int_equal(asked, 6);
    assert_int_equal(error.kind, ERROR_RUN);
    assert_null(f.lr);
}

static void nothing_is_left_of_it(void **state) {
    (void)state;
    check_no_trace("frozen", "sgd", 0, test_moderately);
    check_no_trace("batch", "sgd", 7, test_moderately);
    check_no_trace("torch", "adam", 5, test_moderately);
    check_no_trace("batch", "adamw", 3, test_until_it_diverges);
    check_no_trace("batch", "adam", 6, test_given_up);
}

// It is longer than the run, and the rate is the test's, whatever schedule and factor say.
static void rates_rise_by_a_factor(void **state) {
    (void)state;
    struct tiny t;
    struct error error;
    tiny_open(&t, 1, (const char *const[]){"schedule.name=one-cycle", "train.epochs=1", NULL});
    assert_true(training_apply(t.training, "lr x0.5", &error));
    struct lr_find f = find_or_fail(&t, 1e-6, 1e-4, 41);
    assert_true(t.training->total < 41);
    assert_int_equal(f.count, 41);
    for (int i = 0; i < f.count; i++)
        assert_true(fabs(f.lr[i] / (1e-6 * pow(100, i / 40.0)) - 1) < 1e-9);
    lr_find_close(&f);
    tiny_close(&t);
}

// Against the sum that the mean stands for.
static void the_loss_is_smoothed(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, (const char *const[]){NULL});
    struct lr_find f = find_or_fail(&t, 1e-5, 1e-2, 50);
    for (int i = 0; i < f.count; i++) {
        double sum = 0, weights = 0;
        for (int k = 0; k <= i; k++) {
            sum += pow(0.98, i - k) * f.loss[k];
            weights += pow(0.98, i - k);
        }
        assert_true(fabs(f.smoothed[i] - sum / weights) < 1e-9);
    }
    lr_find_close(&f);
    tiny_close(&t);
}

static void a_rate_that_is_far_too_high_ends_it(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 2, (const char *const[]){"model.dropout=0", "optim.clip=0", NULL});
    struct lr_find f = find_or_fail(&t, 1e-5, 1000, 100);
    assert_true(f.ended_early && f.count < 100 && !f.falling);
    lr_find_close(&f);
    tiny_close(&t);
}

static void nothing_thawed_is_refused(void **state) {
    (void)state;
    struct tiny t;
    struct lr_find f;
    struct error error;
    tiny_open(&t, 1, (const char *const[]){"freeze.rules=[freeze all]", NULL});
    assert_false(lr_find(t.training, &(struct lr_find_options){.from = 1e-5, .to = 1, .steps = 20},
                         &f, &error));
    assert_non_null(strstr(error.text, "nothing is thawed"));
    assert_null(f.lr);
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_it),
        cmocka_unit_test(rates_rise_by_a_factor),
        cmocka_unit_test(the_loss_is_smoothed),
        cmocka_unit_test(a_rate_that_is_far_too_high_ends_it),
        cmocka_unit_test(nothing_thawed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
