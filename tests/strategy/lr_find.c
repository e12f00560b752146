#include "strategy/lr_find.h"
#include "test.h"
#include "tiny_run.h"
#include "training_copy.h"
#include <math.h>

static struct lr_find find_or_fail(struct tiny *t, double from, double to, int steps) {
    struct lr_find f;
    struct error error;
    if (!lr_find(t->training, &(struct lr_find_options){from, to, steps}, &f, &error))
        fail_msg("%s", error.text);
    return f;
}

static void run_steps(struct training *t, int steps) {
    for (int i = 0; i < steps; i++) {
        struct step_result result;
        struct error error;
        if (!training_step(t, &result, &error))
            fail_msg("%s", error.text);
    }
}

// Weights, statistics, moments, settings and step are as before, by their bytes; and what follows
// is as if there had been no test, to the last weight.
static void check_no_trace(const char *bn, const char *optim, int before, double to) {
    char sets[2][64];
    snprintf(sets[0], sizeof sets[0], "freeze.bn=%s", bn);
    snprintf(sets[1], sizeof sets[1], "optim.name=%s", optim);
    const char *const all[] = {sets[0], sets[1], "schedule.name=cosine",
                               "freeze.rules=[thaw block, thaw head]", NULL};
    struct tiny tested, left;
    tiny_open(&tested, 2, all);
    tiny_open(&left, 2, all);
    run_steps(tested.training, before);
    run_steps(left.training, before);
    struct training_copy copy = training_copy(tested.training);
    struct lr_find f = find_or_fail(&tested, 1e-4, to, 40);
    training_copy_equal(&copy, tested.training);
    training_copy_close(&copy);
    lr_find_close(&f);
    run_steps(tested.training, 10);
    run_steps(left.training, 10);
    for (int p = 0; p < tested.model->param_count; p++)
        assert_true(weights_hash(&tested.training->weights, p) ==
                    weights_hash(&left.training->weights, p));
    tiny_close(&tested);
    tiny_close(&left);
}

static void nothing_is_left_of_it(void **state) {
    (void)state;
    check_no_trace("frozen", "sgd", 0, 1);
    check_no_trace("batch", "sgd", 7, 1);
    check_no_trace("torch", "adam", 5, 1);
    check_no_trace("batch", "adamw", 3, 1000);
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
    assert_false(lr_find(t.training, &(struct lr_find_options){1e-5, 1, 20}, &f, &error));
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
