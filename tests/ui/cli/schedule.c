// thaw schedule and thaw strategies, as a person calls them.
#include "program.h"

static bool same_bytes(const char *a, const char *b) {
    struct mapping x, y;
    struct error error;
    assert_true(mapping_open(&x, a, &error) && mapping_open(&y, b, &error));
    bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    mapping_close(&x);
    mapping_close(&y);
    return same;
}

// A strategy written out is the strategy.
static void a_strategy_written_out_runs_the_same(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("schedule", "tiny.yaml", "--set", "strategy.name=progressive", "--set",
                           "train.epochs=3");
    assert_done(&o);
    assert_contains(o.out, "freeze:\n  rules: [thaw head]\nschedule:\n");
    assert_contains(o.out, "% -> thaw ");
    char *whole = xprintf("%s%s", program_tiny, o.out);
    write_text("written.yaml", whole);
    free(whole);
    outcome_close(&o);
    o = RUN("run", "tiny.yaml", "--quiet", "--out", "a", "--set", "strategy.name=progressive",
            "--set", "train.epochs=3", "--set", "name=x");
    assert_done(&o);
    outcome_close(&o);
    o = RUN("run", "written.yaml", "--quiet", "--out", "b", "--set", "train.epochs=3", "--set",
            "name=x");
    assert_done(&o);
    outcome_close(&o);
    assert_true(same_bytes("a/last.safetensors", "b/last.safetensors"));
}

// What was done by hand, with something taken back and something brought again.
static const char events[] =
    "{\"id\":1,\"parent\":0,\"branch\":0,\"step\":0,\"who\":\"thaw\",\"do\":\"start: x\"}\n"
    "{\"id\":2,\"parent\":1,\"branch\":0,\"step\":0,\"who\":\"user\",\"do\":\"lr x0.5\"}\n"
    "{\"id\":3,\"parent\":2,\"branch\":0,\"step\":1,\"who\":\"user\",\"do\":\"thaw all\"}\n"
    "{\"id\":4,\"parent\":3,\"branch\":0,\"step\":1,\"who\":\"user\",\"do\":\"reset moments\"}\n"
    "{\"id\":5,\"parent\":4,\"branch\":0,\"step\":1,\"who\":\"user\",\"do\":\"undo\"}\n"
    "{\"id\":6,\"parent\":5,\"branch\":0,\"step\":2,\"who\":\"user\",\"do\":\"redo\"}\n"
    "{\"id\":7,\"parent\":6,\"branch\":0,\"step\":2,\"who\":\"user\",\"do\":\"lr x3\"}\n"
    "{\"id\":8,\"parent\":7,\"branch\":0,\"step\":2,\"who\":\"user\",\"do\":\"undo\"}\n"
    "{\"id\":9,\"parent\":8,\"branch\":0,\"step\":2,\"who\":\"schedule\",\"do\":\"wd 0\"}\n";

static void what_was_done_becomes_phases(void **state) {
    (void)state;
    assert_int_equal(mkdir("run", 0777), 0);
    write_text("run/experiment.yaml", program_tiny);
    write_text("run/events.jsonl", events);
    struct outcome o = RUN("schedule", "run");
    assert_done(&o);
    assert_contains(o.out,
                    "    - \"start -> lr x0.5\"\n    - \"step 1 -> thaw all; reset moments\"\n"
                    "    - \"step 2 -> wd 0\"\n");
    outcome_close(&o);
    o = RUN("schedule", "run", "--branch", "3");
    assert_refused(&o, 2, "branch 3");
    outcome_close(&o);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("schedule");
    assert_refused(&o, 2, "give an experiment or a run");
    outcome_close(&o);
    o = RUN("schedule", "tiny.yaml", "--set", "schedule.phases=[epoch 99 -> thaw all]");
    assert_refused(&o, 2, "but the run ends after");
    outcome_close(&o);
    o = RUN("strategies", "all");
    assert_refused(&o, 2, "takes no arguments");
    outcome_close(&o);
}

static void strategies_are_listed(void **state) {
    (void)state;
    struct outcome o = RUN("strategies");
    assert_done(&o);
    assert_contains(o.out, "  freezeout ");
    assert_contains(o.out, "without warm-up: lower optim.lr");
    assert_contains(o.out, "(Howard and Ruder 2018, ULMFiT)");
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_strategy_written_out_runs_the_same),
        PROGRAM_TEST(what_was_done_becomes_phases),
        PROGRAM_TEST(wrong_requests_are_refused),
        PROGRAM_TEST(strategies_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
