#include "training/moment.h"
#include "test.h"

static void points_are_read(void **state) {
    (void)state;
    struct moment m;
    assert_true(moment_parse("step 120", &m));
    assert_true(m.unit == MOMENT_STEPS && m.count == 120);
    assert_true(moment_parse("epoch 0.5", &m));
    assert_true(m.unit == MOMENT_EPOCHS && m.count == 0.5);
    assert_true(moment_parse("40%", &m));
    assert_true(m.unit == MOMENT_SHARE && m.count == 40);
    static const char *const wrong[] = {"",        "step",     "step 1.5",  "epoch -1", "101%",
                                        "%",       "epoch 3 ", "3 epochs",  "epochs 3", "step x",
                                        "step  1", "-1%",      "epoch nan", "step 1e12"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (moment_parse(wrong[i], &m))
            fail_msg("'%s' was taken", wrong[i]);
}

static void lengths_are_read(void **state) {
    (void)state;
    struct moment m;
    assert_true(moment_parse_length("3 epochs", &m));
    assert_true(m.unit == MOMENT_EPOCHS && m.count == 3);
    assert_true(moment_parse_length("1 step", &m));
    assert_true(m.unit == MOMENT_STEPS && m.count == 1);
    assert_true(moment_parse_length("3%", &m));
    assert_true(m.unit == MOMENT_SHARE && m.count == 3);
    static const char *const wrong[] = {"", "3", "epochs", " epochs", "1.5 steps", "3 weeks"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (moment_parse_length(wrong[i], &m))
            fail_msg("'%s' was taken", wrong[i]);
}

static void steps_are_counted(void **state) {
    (void)state;
    assert_int_equal(moment_steps(&(struct moment){MOMENT_STEPS, 7}, 10, 100), 7);
    assert_int_equal(moment_steps(&(struct moment){MOMENT_EPOCHS, 2.5}, 10, 100), 25);
    assert_int_equal(moment_steps(&(struct moment){MOMENT_SHARE, 12.5}, 10, 100), 13);
    assert_int_equal(moment_steps(&(struct moment){0}, 10, 100), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_read),
        cmocka_unit_test(lengths_are_read),
        cmocka_unit_test(steps_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
