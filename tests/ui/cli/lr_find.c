// thaw lr-find: what it tells, that it leaves nothing behind, and what it refuses.
#include "program.h"
#include <math.h>

static void it_tells_and_leaves_nothing(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("lr-find", "tiny.yaml", "--ascii", "--svg", "a.svg", "--png", "a.png");
    assert_done(&o);
    assert_contains(o.out, "where the loss falls fastest");
    assert_contains(o.out, "a tenth of the rate with the least loss");
    assert_contains(o.out, "training loss under a rising rate");
    assert_true(files_exist("a.svg") && files_exist("a.png"));
    assert_false(files_exist("runs"));
    outcome_close(&o);
}

static void json_has_every_step(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o =
        RUN("lr-find", "tiny.yaml", "--json", "--from", "1e-4", "--to", "1e-2", "--steps", "30");
    assert_done(&o);
    json_t *whole = json_loads(o.out, JSON_REJECT_DUPLICATES, NULL);
    const json_t *steps = json_object_get(whole, "steps");
    assert_int_equal(json_array_size(steps), 30);
    double first = json_number_value(json_object_get(json_array_get(steps, 0), "lr"));
    double last = json_number_value(json_object_get(json_array_get(steps, 29), "lr"));
    assert_true(fabs(first - 1e-4) < 1e-12 && fabs(last - 1e-2) < 1e-9);
    assert_true(json_number_value(json_object_get(whole, "steepest")) > 1e-4);
    json_decref(whole);
    struct outcome again = RUN("lr-find", "tiny.yaml", "--json", "--from", "1e-4", "--to", "1e-2",
                               "--steps", "30", "--threads", "1");
    assert_done(&again);
    assert_string_equal(again.out, o.out); // whatever the number of threads
    outcome_close(&o);
    outcome_close(&again);
}

// Suggested is where the loss falls, and a tenth of where it is least; beyond that it rises.
static void suggestions_are_where_it_trains(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("lr-find", "tiny.yaml", "--json", "--to", "1000");
    assert_done(&o);
    json_t *whole = json_loads(o.out, 0, NULL), *step;
    double steepest = json_number_value(json_object_get(whole, "steepest"));
    double best = 10 * json_number_value(json_object_get(whole, "tenth_of_minimum"));
    double least = INFINITY, at = 0, first = NAN;
    size_t i;
    assert_true(json_is_true(json_object_get(whole, "ended_early")));
    json_array_foreach(json_object_get(whole, "steps"), i, step) {
        double lr = json_number_value(json_object_get(step, "lr"));
        double smoothed = json_number_value(json_object_get(step, "smoothed"));
        first = i == 0 ? smoothed : first;
        at = i >= 20 && smoothed < least ? lr : at;
        least = i >= 20 && smoothed < least ? smoothed : least;
    }
    assert_true(fabs(at / best - 1) < 1e-6);
    assert_true(least < first && steepest < best);
    json_decref(whole);
    outcome_close(&o);
    o = RUN("lr-find", "tiny.yaml", "--to", "0.02", "--ascii");
    assert_done(&o);
    assert_contains(o.out, "the loss still fell at 0.02: a higher rate may be better");
    outcome_close(&o);
}

static void refuse(struct outcome o, const char *why) {
    assert_refused(&o, 2, why);
    outcome_close(&o);
}

static void refusals(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    refuse(RUN("lr-find"), "which experiment?");
    refuse(RUN("lr-find", "nowhere.yaml"), "nowhere.yaml");
    refuse(RUN("lr-find", "tiny.yaml", "--from", "0"), "--from 0");
    refuse(RUN("lr-find", "tiny.yaml", "--from", "1", "--to", "0.1"), "not below");
    refuse(RUN("lr-find", "tiny.yaml", "--steps", "3"), "--steps 3");
    refuse(RUN("lr-find", "tiny.yaml", "--set", "freeze.rules=[freeze all]"), "nothing is thawed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(it_tells_and_leaves_nothing),
        PROGRAM_TEST(json_has_every_step),
        PROGRAM_TEST(suggestions_are_where_it_trains),
        PROGRAM_TEST(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
