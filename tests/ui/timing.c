#include "ui/timing.h"
#include "test.h"
#include <string.h>

static void times_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double seconds; // 0: refused
    } times[] = {{"60s", 60}, {"1.5m", 90}, {"0.25s", 0.25}, {"60", 0},  {"s", 0},     {"", 0},
                 {"-1s", 0},  {"0s", 0},    {"1h", 0},       {"x1s", 0}, {"1 s x", 0}, {"nans", 0}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        double seconds = -1;
        assert_int_equal(timing_parse(times[i].text, &seconds), times[i].seconds > 0);
        if (times[i].seconds > 0)
            assert_float_equal(seconds, times[i].seconds, 1e-12);
    }
}

static void parse(struct experiment *e, const char *rules) {
    struct error error;
    const char text[] = "model: {name: mlp}\n"
                        "data: {name: digits, limit: 3}\n"
                        "train: {epochs: 7, batch: 64}\n";
    if (!experiment_parse(e, text, sizeof text - 1, "timed", &error) ||
        !experiment_set(e, rules, &error))
        fail_msg("%s", error.text);
}

// Batches are never whole here: 30 samples, 64 asked for.
static void a_budget_has_room_for_epochs(void **state) {
    (void)state;
    struct experiment e;
    struct error error;
    parse(&e, "freeze.rules=[thaw all]");
    assert_true(timing_budget(&e, 1e-9, 1, NULL, &error));
    assert_int_equal(e.train.epochs, 1);
    assert_true(timing_budget(&e, 1e6, 1, "only head", &error));
    assert_int_equal(e.train.epochs, 100000);
    experiment_close(&e);
}

static void nothing_to_time_is_refused(void **state) {
    (void)state;
    struct experiment e;
    struct error error;
    parse(&e, "freeze.rules=[thaw none]");
    assert_false(timing_budget(&e, 60, 1, NULL, &error));
    assert_non_null(strstr(error.text, "nothing is thawed"));
    assert_int_equal(e.train.epochs, 7);
    experiment_close(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(a_budget_has_room_for_epochs),
        cmocka_unit_test(nothing_to_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
