// thaw suggest, as a person calls it.
#include "program.h"

static json_t *parse(struct outcome o) {
    assert_done(&o);
    json_t *json = json_loads(o.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    outcome_close(&o);
    return json;
}

static void the_table_names_every_block_and_the_rules(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o = RUN("suggest", "tiny.yaml", "--batches", "5", "--threads", "2");
    assert_done(&o);
    assert_contains(o.out, "5 batches probed");
    assert_contains(o.out, "nothing is pretrained");
    assert_contains(o.out, "suggested: everything");
    assert_contains(o.out, "rank  block");
    assert_contains(o.out, "the largest relative gradient");
    assert_contains(o.out, "freeze:\n  rules: [thaw ");
    outcome_close(&o);
}

static void json_holds_the_same_whatever_the_threads(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    json_t *one = parse(RUN("suggest", "tiny.yaml", "--json", "--threads", "1"));
    json_t *two = parse(RUN("suggest", "tiny.yaml", "--json", "--threads", "2"));
    size_t count = json_array_size(json_object_get(one, "blocks"));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        json_t *a = json_array_get(json_object_get(one, "blocks"), i);
        json_t *b = json_array_get(json_object_get(two, "blocks"), i);
        json_object_del(a, "step"); // has seconds
        json_object_del(b, "step");
        assert_true(json_equal(a, b));
        assert_int_equal(json_integer_value(json_object_get(a, "rank")), i + 1);
    }
    json_decref(one);
    json_decref(two);
}

static void a_written_experiment_runs_with_the_rules(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    struct outcome o =
        RUN("suggest", "tiny.yaml", "--write", "better.yaml", "--set", "train.epochs=1", "--json");
    json_t *json = parse(o);
    char *text = read_text("better.yaml");
    char *rules = xprintf("rules: [%s]", json_string_value(json_object_get(json, "rules")));
    assert_contains(text, rules);
    assert_contains(text, "epochs: 1\n");
    o = RUN("run", "better.yaml", "--quiet", "--out", "run");
    assert_done(&o);
    outcome_close(&o);
    o = RUN("suggest", "run");
    assert_refused(&o, 2, ":suggest");
    outcome_close(&o);
    o = RUN("suggest", "tiny.yaml", "--write", "better.yaml");
    assert_refused(&o, 2, "better.yaml exists");
    outcome_close(&o);
    free(text);
    free(rules);
    json_decref(json);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    write_text("tiny.yaml", program_tiny);
    static const char *const wrong[][3] = {
        {"--batches", "3", "from 4 to"},     {"--batches", "x", "from 4 to"},
        {"--head-epochs", "-1", "from 0"},   {"--threads", "0", "from 1 to 256"},
        {"--set", "optim.lr=x", "optim.lr"}, {"--write", "none/x.yaml", "none/x.yaml"},
        {"--nonsense", "1", "usage"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct outcome o = RUN("suggest", "tiny.yaml", wrong[i][0], wrong[i][1]);
        assert_int_equal(o.code, 2);
        assert_contains(o.err, wrong[i][2]);
        outcome_close(&o);
    }
    struct outcome o = RUN("suggest");
    assert_refused(&o, 2, "which experiment");
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(the_table_names_every_block_and_the_rules),
        PROGRAM_TEST(json_holds_the_same_whatever_the_threads),
        PROGRAM_TEST(a_written_experiment_runs_with_the_rules),
        PROGRAM_TEST(wrong_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
