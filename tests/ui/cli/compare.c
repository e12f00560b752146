// thaw compare: what it says of runs beside what their files say.
#include "program.h"

static void train(const char *out, const char *set) {
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--out", out, "--set",
                           "data.validation=5", "--set", set);
    assert_done(&o);
    outcome_close(&o);
}

static void what_differs_is_told(void **state) {
    (void)state;
    train("a", "freeze.rules=[thaw head]");
    train("b", "freeze.rules=[thaw all]");
    struct outcome o = RUN("compare", "a/", "b//", "--ascii");
    assert_done(&o);
    assert_contains(o.out, "freeze.rules  [thaw head]  [thaw all]");
    assert_lacks(o.out, "optim.lr ");
    assert_contains(o.out, "validation accuracy");
    assert_contains(o.out, "training loss");
    assert_contains(o.out, "# frozen  o thawed  % mixed");
    for (const char *at = o.out; *at; at++)
        assert_true((unsigned char)*at < 0x80);
    outcome_close(&o);
    o = RUN("compare", "a", "a");
    assert_done(&o);
    assert_contains(o.out, "the experiments do not differ");
    outcome_close(&o);
}

// Of the metrics, read here on their own.
struct expected {
    double best, last, test, seconds;
    json_int_t steps;
};

static double accuracy_of(json_t *object, const char *name) {
    return json_number_value(json_object_get(json_object_get(object, name), "accuracy"));
}

static void expect(json_t *object, void *context) {
    struct expected *e = context;
    const char *kind = json_string_value(json_object_get(object, "kind"));
    e->steps += strcmp(kind, "step") == 0;
    if (strcmp(kind, "test") == 0)
        e->test = accuracy_of(object, "test");
    if (strcmp(kind, "epoch") != 0)
        return;
    e->last = accuracy_of(object, "validation");
    e->best = e->last > e->best ? e->last : e->best;
    e->seconds += json_number_value(json_object_get(object, "seconds"));
}

static bool near(json_t *row, const char *name, double value) {
    double difference = json_number_value(json_object_get(row, name)) - value;
    return difference < 1e-6 && difference > -1e-6;
}

static void json_tells_what_the_metrics_tell(void **state) {
    (void)state;
    train("a", "freeze.rules=[thaw head]");
    struct outcome o = RUN("compare", "a", "--json", "--svg", "a.svg", "--png", "a.png");
    assert_done(&o);
    assert_true(files_exist("a.svg") && files_exist("a.png"));
    char *metrics = read_text("a/metrics.jsonl");
    struct expected e = {0};
    json_lines(metrics, expect, &e);
    json_t *whole = json_loads(o.out, 0, NULL);
    json_t *row = json_array_get(json_object_get(whole, "runs"), 0);
    assert_true(near(row, "best_validation", e.best) && near(row, "last_validation", e.last));
    assert_true(near(row, "test", e.test) && near(row, "seconds", e.seconds));
    assert_int_equal(json_integer_value(json_object_get(row, "steps")), e.steps);
    assert_string_equal(json_string_value(json_object_get(row, "thawed")), "head");
    json_int_t trained = json_integer_value(json_object_get(row, "trained"));
    assert_true(trained > 0 && trained < json_integer_value(json_object_get(row, "parameters")));
    json_decref(whole);
    free(metrics);
    outcome_close(&o);
}

static void a_session_with_branches(void **state) {
    (void)state;
    train("a", "freeze.rules=[thaw head]");
    write_text(
        "a/events.jsonl",
        "{\"id\":1,\"parent\":0,\"branch\":0,\"step\":0,\"who\":\"thaw\",\"do\":\"start\"}\n"
        "{\"id\":2,\"parent\":1,\"branch\":0,\"step\":5,\"who\":\"user\",\"do\":\"thaw all\"}\n"
        "{\"id\":3,\"parent\":1,\"branch\":1,\"step\":2,\"who\":\"user\",\"do\":\"rewind\"}\n");
    struct outcome o = RUN("compare", "a", "--ascii");
    assert_done(&o);
    assert_contains(o.out, "head; at 5 thaw all");
    assert_contains(o.out, "b  a/1");
    assert_contains(o.out, "left");
    outcome_close(&o);
}

static void many_runs_are_rows(void **state) {
    (void)state;
    train("a", "freeze.rules=[thaw head]");
    train("b", "optim.lr=0.02");
    const char *args[40] = {"compare", "--ascii"};
    for (int i = 2; i < 32; i++)
        args[i] = i % 2 ? "b" : "a";
    struct outcome o = program_limited(0, args);
    assert_done(&o);
    assert_contains(o.out, "differs in  freeze.rules  ");
    assert_contains(o.out, "drawn are the first 26");
    outcome_close(&o);
}

static void refusals(void **state) {
    (void)state;
    struct outcome o = RUN("compare");
    assert_refused(&o, 2, "which runs?");
    outcome_close(&o);
    o = RUN("compare", "nowhere");
    assert_refused(&o, 2, "nowhere is not the directory of a run");
    outcome_close(&o);
    train("a", "freeze.rules=[thaw head]");
    o = RUN("compare", "a", "--svg", "missing/a.svg");
    assert_refused(&o, 2, "missing");
    outcome_close(&o);
    o = RUN("compare", "a", "--colour");
    assert_refused(&o, 2, "unknown option");
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(what_differs_is_told),
        PROGRAM_TEST(json_tells_what_the_metrics_tell),
        PROGRAM_TEST(a_session_with_branches),
        PROGRAM_TEST(many_runs_are_rows),
        PROGRAM_TEST(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
