#include "experiment/experiment.h"

#include "base/files.h"
#include "base/xalloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NEEDED "model: {name: resnet20}\ndata: {name: digits}\n"

static void parse_good(struct experiment *e, const char *text) {
    struct error error = {0};
    if (!experiment_parse(e, text, strlen(text), "good.yaml", &error))
        fail_msg("%s", error.text);
}

static void test_defaults(void **state) {
    struct experiment e;
    (void)state;
    parse_good(&e, NEEDED);
    assert_string_equal(e.name, "good");
    assert_int_equal(e.seed, 0);
    assert_string_equal(e.model.weights, "");
    assert_string_equal(e.model.shortcut, "default");
    assert_true(e.data.validation == 0.2);
    assert_int_equal(e.data.shift.count, 0);
    assert_int_equal(e.data.mean.count, 1);
    assert_true(e.data.mean.item[0] == 0 && e.data.std.item[0] == 1);
    assert_int_equal(e.train.epochs, 10);
    assert_int_equal(e.train.batch, 64);
    assert_int_equal(e.freeze.rules.count, 1);
    assert_string_equal(e.freeze.rules.item[0], "thaw all");
    assert_string_equal(e.freeze.bn, "frozen");
    assert_string_equal(e.optim.name, "sgd");
    assert_true(e.optim.lr == 0.05 && e.optim.momentum == 0.9 && e.optim.nesterov);
    assert_true(e.optim.weight_decay == 1e-4 && e.optim.eps == 1e-8 && !e.optim.decay_all);
    assert_string_equal(e.schedule.name, "one-cycle");
    assert_true(e.schedule.milestones.item[1] == 0.75 && e.schedule.end_div == 1e4);
    experiment_close(&e);
}

static void test_values_are_read(void **state) {
    struct experiment e;
    (void)state;
    parse_good(&e, "%YAML 1.1\n---\nname: \"Kleider \xc3\xa9\"\n"
                   "model: {name: resnet20, new_head: true, weights: 'x y'}\n"
                   "data:\n  name: digits\n  shift:\n  - noise 0.353\n  - relabel 7\n"
                   "  validation: 20\noptim:\n  lr: 1e-3\nschedule: {milestones: [.25, 5E-1]}\n");
    assert_string_equal(e.name, "Kleider \xc3\xa9");
    assert_true(e.model.new_head);
    assert_string_equal(e.model.weights, "x y");
    assert_int_equal(e.data.shift.count, 2);
    assert_string_equal(e.data.shift.item[1], "relabel 7");
    assert_true(e.data.validation == 20 && e.optim.lr == 0.001);
    assert_true(e.schedule.milestones.item[0] == 0.25 && e.schedule.milestones.item[1] == 0.5);
    experiment_close(&e);
}

static void test_byte_order_mark(void **state) {
    struct experiment e;
    (void)state;
    parse_good(&e, "\xef\xbb\xbf" NEEDED);
    assert_string_equal(e.data.name, "digits");
    experiment_close(&e);
}

// The table itself.

static void test_table(void **state) {
    (void)state;
    assert_true(experiment_key_count <= EXPERIMENT_KEYS_MAX);
    for (int i = 0; i < experiment_key_count; i++) {
        const struct experiment_key *key = &experiment_keys[i];
        assert_true(experiment_key_find(key->path) == key); // no name twice
        assert_true(strlen(key->help) > 8 && strlen(key->help) < 90);
        for (int j = 0; j < i; j++)
            assert_true(experiment_keys[j].at != key->at);
        if (key->type == KEY_INT || key->type == KEY_REAL || key->type == KEY_REALS)
            assert_true(key->min < key->max);
        if (key->type == KEY_TEXTS || key->type == KEY_REALS)
            assert_in_range(key->most, 1, EXPERIMENT_LIST_MAX);
    }
    assert_null(experiment_key_find("optim.nothing"));
}

// A value of each type that is no key's default.
static const char *other_value(const struct experiment_key *key, char out[64]) {
    switch (key->type) {
    case KEY_TEXT:
        return strcpy(out, "something");
    case KEY_CHOICE:
        return strcpy(out, strrchr(key->choices, ' ') + 1);
    case KEY_INT:
        snprintf(out, 64, "%.0f", key->max);
        return out;
    case KEY_REAL:
        snprintf(out, 64, "%.9g", atof(key->preset) == key->max ? key->min : key->max);
        return out;
    case KEY_BOOL:
        return strcpy(out, strcmp(key->preset, "true") == 0 ? "false" : "true");
    case KEY_TEXTS:
        return strcpy(out, "[one thing, \"*\"]");
    case KEY_REALS:
        break;
    }
    return strcpy(out, "[0.5, 1]");
}

static void test_every_key_can_be_set(void **state) {
    (void)state;
    for (int i = 0; i < experiment_key_count; i++) {
        const struct experiment_key *key = &experiment_keys[i];
        struct experiment e;
        struct error error = {0};
        struct text value = {0};
        char wanted[64];
        other_value(key, wanted);
        if (key->type == KEY_CHOICE && !strcmp(wanted, key->preset))
            snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(key->choices, " "), key->choices);
        char *assignment = xprintf("%s=%s", key->path, wanted);
        experiment_defaults(&e);
        if (!experiment_set(&e, assignment, &error))
            fail_msg("%s", error.text);
        experiment_text_value(&value, &e, key);
        if (strcmp(key->path, "data.path") && strcmp(key->path, "source.path") &&
            strcmp(key->path, "model.file") && strcmp(key->path, "model.config") &&
            strcmp(key->path, "train.cache_directory")) // made absolute
            assert_string_equal(value.data, wanted);
        assert_string_not_equal(value.data, key->preset);
        text_free(&value);
        free(assignment);
        experiment_close(&e);
    }
}

// --set.

static void expect_set_error(const char *assignment, const char *wanted) {
    struct experiment e;
    struct error error = {0};
    experiment_defaults(&e);
    char *before = experiment_text(&e);
    assert_false(experiment_set(&e, assignment, &error));
    assert_string_equal(error.text, wanted);
    char *after = experiment_text(&e);
    assert_string_equal(before, after);
    free(before);
    free(after);
    experiment_close(&e);
}

static void test_set_errors(void **state) {
    (void)state;
    expect_set_error("optim.lr=fast", "--set optim.lr=fast: 'fast' is not a number; give a number "
                                      "from 0 to 1000, such as 0.05");
    expect_set_error("optim.lrr=1", "--set optim.lrr=1: there is no such key; did you mean "
                                    "optim.lr, optim.clip or optim.eps?");
    expect_set_error("optim.lr", "--set optim.lr: there is no '='; write KEY=VALUE");
    expect_set_error("optim.lr=", "--set optim.lr=: there is no value; give a number from 0 to "
                                  "1000, such as 0.05");
    expect_set_error("name=3", "--set name=3: 3 is a number, not a text; put it in quotes: \"3\"");
    expect_set_error("freeze.rules=[a", "--set freeze.rules=[a: while parsing a flow sequence: did "
                                        "not find expected ',' or ']'; check the indentation, "
                                        "brackets and quotes here and on the line before");
    expect_set_error("data.mean=[0, x]", "--set data.mean=[0, x]: 'x' is not a number; give a list "
                                         "of numbers from -1000000 to 1000000, such as [0.286]");
    expect_set_error("freeze.rules=[a, {b: c}]",
                     "--set freeze.rules=[a, {b: c}]: a list holds single values only; give a list "
                     "of texts, such as [thaw head, \"freeze *.bias\"]");
    expect_set_error("name=\x1b[31m", "--set name=?[31m: control characters are not allowed; save "
                                      "the file as UTF-8 text");
}

static void set_good(struct experiment *e, const char *assignment) {
    struct error error = {0};
    if (!experiment_set(e, assignment, &error))
        fail_msg("%s", error.text);
}

static void test_set(void **state) {
    struct experiment e;
    struct error error = {0};
    (void)state;
    experiment_defaults(&e);
    assert_false(experiment_check(&e, &error));
    assert_string_equal(error.text, "model.name: missing; name the network, such as resnet20 "
                                    "(`thaw models` lists them)");
    set_good(&e, "model.name=mlp");
    set_good(&e, "data.name=digits");
    set_good(&e, "freeze.rules=thaw head"); // a single item
    assert_int_equal(e.freeze.rules.count, 1);
    set_good(&e, "freeze.rules=[thaw head, freeze *.bn1]");
    assert_int_equal(e.freeze.rules.count, 2);
    assert_string_equal(e.freeze.rules.item[1], "freeze *.bn1");
    set_good(&e, "data.mean=[1, 2]");
    set_good(&e, "data.std=[1, 2]");
    set_good(&e, "name=\"a=b\"");
    assert_string_equal(e.name, "a=b");
    assert_true(experiment_check(&e, &error));
    experiment_close(&e);
}

// Files.

static void write_file(const char *directory, const char *name, const char *text) {
    struct error error = {0};
    char *path = files_join(directory, name);
    assert_true(files_write(path, text, strlen(text), &error));
    free(path);
}

static void read_good(struct experiment *e, const char *path) {
    struct error error = {0};
    if (!experiment_read(e, path, &error))
        fail_msg("%s", error.text);
}

static void test_relative_paths(void **state) {
    char directory[] = "thaw-experiment-XXXXXX";
    struct experiment e;
    (void)state;
    assert_non_null(mkdtemp(directory));
    write_file(directory, "mine.v2.yaml",
               "model: {name: mlp, weights: best.safetensors}\n"
               "data: {name: digits, path: images}\n");
    char *path = files_join(directory, "mine.v2.yaml"), *real = realpath(directory, NULL);
    char *weights = files_join(real, "best.safetensors"), *images = files_join(real, "images");
    read_good(&e, path);
    assert_string_equal(e.name, "mine.v2");
    assert_string_equal(e.model.weights, weights);
    assert_string_equal(e.data.path, images);
    set_good(&e, "model.weights=fashion-resnet20"); // a built-in name
    assert_string_equal(e.model.weights, "fashion-resnet20");
    char *here = realpath(".", NULL), *local = files_join(here, "x.pt");
    set_good(&e, "model.weights=x.pt");
    assert_string_equal(e.model.weights, local);
    experiment_close(&e);
    files_remove(directory);
    free(path);
    free(real);
    free(weights);
    free(images);
    free(here);
    free(local);
}

static void test_missing_file(void **state) {
    struct experiment e;
    struct error error = {0};
    (void)state;
    assert_false(experiment_read(&e, "no/such/file.yaml", &error));
    assert_non_null(strstr(error.text, "no/such/file.yaml"));
    experiment_close(&e);
}

static void test_shipped_experiments(void **state) {
    static const struct {
        const char *file, *rule, *weights;
    } shipped[] = {
        {"pretrain-fashion", "thaw all", ""},
        {"clothes-noise", "thaw conv1", "fashion-resnet20"},
        {"clothes-relabelled", "thaw head", "fashion-resnet20"},
        {"fashion-to-digits", "thaw all", "fashion-resnet20"},
        {"definitions", "thaw head", "wordnet-bert"},
        {"pretrain-wordnet-bert", "thaw all", ""},
        {"pretrain-wordnet-gpt", "thaw all", ""},
        {"sms-spam", "thaw all", "wordnet-bert"},
        {"trec", "thaw all", "wordnet-bert"},
    };
    const char *source = getenv("THAW_SOURCE");
    (void)state;
    if (!source)
        skip();
    for (size_t i = 0; i < sizeof(shipped) / sizeof(*shipped); i++) {
        struct experiment e;
        char *path = xprintf("%s/models/experiments/%s.yaml", source, shipped[i].file);
        read_good(&e, path);
        assert_string_equal(e.name, shipped[i].file);
        assert_string_equal(e.freeze.rules.item[0], shipped[i].rule);
        assert_string_equal(e.model.weights, shipped[i].weights);
        experiment_close(&e);
        free(path);
    }
}

static void test_help(void **state) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    experiment_help(out);
    fclose(out);
    size_t column = (size_t)(strstr(text, "WHAT IT DOES") - text);
    char *line = strchr(text, '\n') + 1;
    for (int i = 0; i < experiment_key_count; i++, line = strchr(line, '\n') + 1) {
        const struct experiment_key *key = &experiment_keys[i];
        assert_memory_equal(line, key->path, strlen(key->path));
        assert_memory_equal(line + column, key->help, strlen(key->help));
    }
    assert_string_equal(line, "");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_are_read),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_every_key_can_be_set),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_set_errors),
        cmocka_unit_test(test_relative_paths),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_shipped_experiments),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
