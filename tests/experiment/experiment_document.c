#include "experiment/experiment.h"

#include "base/xalloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEEDED "model: {name: resnet20}\ndata: {name: digits}\n"

static void expect_error(const char *data, size_t size, const char *wanted) {
    struct experiment e;
    struct error error = {0};
    assert_false(experiment_parse(&e, data, size, "f.yaml", &error));
    assert_string_equal(error.text, wanted);
    assert_int_equal(error.kind, ERROR_REQUEST);
    experiment_close(&e); // harmless after a failure
}

struct bad {
    const char *document, *error;
};

static void expect_errors(const struct bad *bad, size_t count) {
    for (size_t i = 0; i < count; i++)
        expect_error(bad[i].document, strlen(bad[i].document), bad[i].error);
}

static void test_bad_values(void **state) {
    static const struct bad bad[] = {
        {"optim:\n  lr: fast\n", "f.yaml:2:7: optim.lr: 'fast' is not a number; give a number from "
                                 "0 to 1000, such as 0.05"},
        {"optim: {lr: 0x10}", "f.yaml:1:13: optim.lr: '0x10' is not a number; give a number from 0 "
                              "to 1000, such as 0.05"},
        {"optim: {lr: '3'}", "f.yaml:1:13: optim.lr: '3' is a text, being quoted; give a number "
                             "from 0 to 1000, such as 0.05"},
        {"optim: {lr: -1}", "f.yaml:1:13: optim.lr: '-1' is out of range; give a number from 0 to "
                            "1000, such as 0.05"},
        {"optim: {lr: nan}",
         "f.yaml:1:13: optim.lr: 'nan' is not a number; give a number from 0 to "
         "1000, such as 0.05"},
        {"optim: {lr: }", "f.yaml:1:13: optim.lr: there is no value; give a number from 0 to 1000, "
                          "such as 0.05"},
        {"optim: {lr: [1]}",
         "f.yaml:1:13: optim.lr: a list is not allowed here; give a number from "
         "0 to 1000, such as 0.05"},
        {"optim: {lr: {a: 1}}", "f.yaml:1:13: optim.lr: nothing can stand below this key; give a "
                                "number from 0 to 1000, such as 0.05"},
        {"train: {epochs: 1.5}", "f.yaml:1:17: train.epochs: '1.5' is not a whole number; give a "
                                 "whole number from 1 to 100000, such as 10"},
        {"train: {epochs: 0}",
         "f.yaml:1:17: train.epochs: '0' is out of range; give a whole number "
         "from 1 to 100000, such as 10"},
        {"seed: 9007199254740992", "f.yaml:1:7: seed: '9007199254740992' is out of range; give a "
                                   "whole number from 0 to 9007199254740991, such as 0"},
        {"optim: {nesterov: yes}",
         "f.yaml:1:19: optim.nesterov: 'yes' is not a boolean; give true or false"},
        {"optim: {nesterov: True}",
         "f.yaml:1:19: optim.nesterov: 'True' is not a boolean; give true or false"},
        {"optim: {nesterov: \"true\"}",
         "f.yaml:1:19: optim.nesterov: 'true' is a text, being quoted; give true or false"},
        {"optim: {name: sgdd}",
         "f.yaml:1:15: optim.name: 'sgdd' is not a choice here; give sgd, adam or adamw"},
        {"optim: {name: ada}",
         "f.yaml:1:15: optim.name: 'ada' is not a choice here; give sgd, adam or adamw"},
        {"name: 3", "f.yaml:1:7: name: 3 is a number, not a text; put it in quotes: \"3\""},
        {"name: true",
         "f.yaml:1:7: name: true is a boolean, not a text; put it in quotes: \"true\""},
        {"name: ~", "f.yaml:1:7: name: there is no value; give a text, such as clothes-noise"},
        {"name: |\n  a\n  b\n", "f.yaml:1:7: a text must be one line without control characters; "
                                "remove line breaks, tabs and escapes from it"},
        {"name: \"a\\0b\"",
         "f.yaml:1:7: a text must be one line without control characters; remove "
         "line breaks, tabs and escapes from it"},
        {"name: \"\\uFFFF\"", "f.yaml:1:7: a text must be one line without control characters; "
                              "remove line breaks, tabs and escapes from it"},
    };
    (void)state;
    expect_errors(bad, sizeof(bad) / sizeof(*bad));
}

#define A32 "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"

static void test_bad_lists(void **state) {
    static const struct bad bad[] = {
        {"freeze: {rules: head}", "f.yaml:1:17: freeze.rules: 'head' is not a list; write [head]"},
        {"freeze: {rules: [a, [b]]}", "f.yaml:1:21: freeze.rules: a list holds single values only; "
                                      "give a list of texts, such as "
                                      "[thaw head, \"freeze *.bias\"]"},
        {"freeze: {rules: {a: b}}",
         "f.yaml:1:17: freeze.rules: a mapping is not a list; give a list "
         "of texts, such as [thaw head, \"freeze *.bias\"]"},
        {"freeze:\n  rules:\n  - thaw head\n  - 7\n",
         "f.yaml:4:5: freeze.rules: 7 is a number, not a text; put it in quotes: \"7\""},
        {"freeze: {rules: }", "f.yaml:1:17: freeze.rules: there is no value; give a list of texts, "
                              "such as [thaw head, \"freeze *.bias\"]"},
        {"data: {std: [1, 0]}",
         "f.yaml:1:17: data.std: '0' is out of range; give a list of numbers "
         "from 1e-06 to 1000000, such as [0.353]"},
        {"data: {mean: [1, 2, 3, 4, 5]}",
         "f.yaml:1:27: data.mean: too many numbers; give at most 4"},
        {"freeze: {rules: [" A32 A32 A32 A32 "a]}",
         "f.yaml:1:274: freeze.rules: too many items; give at most 128"},
    };
    (void)state;
    expect_errors(bad, sizeof(bad) / sizeof(*bad));
}

static void test_bad_keys(void **state) {
    static const struct bad bad[] = {
        {"optim: {lrr: 3}", "f.yaml:1:9: optim.lrr: there is no such key; did you mean optim.lr, "
                            "optim.clip or optim.eps?"},
        {"shedule: {name: step}",
         "f.yaml:1:1: shedule: there is no such key; did you mean schedule, "
         "seed or model?"},
        {"optim.lr: 3",
         "f.yaml:1:1: optim.lr: dotted keys are for --set; write 'lr:' below 'optim:'"},
        {"name: a\nseed: 1\nname: b", "f.yaml:3:1: name: given twice, first on line 1; keep one of "
                                      "them"},
        {"optim:\n  lr: 1\n  lr: 1\n", "f.yaml:3:3: optim.lr: given twice, first on line 2; keep "
                                       "one of them"},
        {"optim:\n  lr: 1\ntrain: {}\noptim:\n  clip: 1\n",
         "f.yaml:4:1: optim: given twice, first on line 1; keep one of them"},
        {"optim: sgd", "f.yaml:1:8: optim: a section needs keys; indent them below it, such as "
                       "'name: ...'"},
        {"optim:\n", "f.yaml:1:7: optim: a section needs keys; indent them below it, such as "
                     "'name: ...'"},
        {"optim: [lr]", "f.yaml:1:8: optim: a section needs keys; indent them below it, such as "
                        "'name: ...'"},
        {"? [a]\n: 1", "f.yaml:1:3: a key must be a word, not a list or a mapping"},
        {"optim: {[a]: 1}", "f.yaml:1:9: optim: a key must be a word, not a list or a mapping"},
        {"- a", "f.yaml:1:1: an experiment is made of sections and keys; it needs at least "
                "model.name and data.name: 'model: {name: resnet20}' and 'data: {name: "
                "fashion-mini}'"},
        {"# nothing\n", "f.yaml: the experiment is empty; it needs at least model.name and "
                        "data.name: 'model: {name: resnet20}' and 'data: {name: fashion-mini}'"},
        {"", "f.yaml: the experiment is empty; it needs at least model.name and data.name: 'model: "
             "{name: resnet20}' and 'data: {name: fashion-mini}'"},
    };
    (void)state;
    expect_errors(bad, sizeof(bad) / sizeof(*bad));
}

static void test_bad_yaml(void **state) {
    static const struct bad bad[] = {
        {"name: &x a",
         "f.yaml:1:7: anchors (&) are not allowed; write the value out, or put a text "
         "that starts with & in quotes"},
        {"name: *x", "f.yaml:1:7: aliases (*) are not allowed; write the value out, or put a text "
                     "that starts with * in quotes"},
        {"freeze: {rules: [thaw head, *.bn1]}",
         "f.yaml:1:30: while scanning an alias: did not find expected alphabetic or numeric "
         "character; put a text that starts with * in quotes"},
        {"name: !!str 3", "f.yaml:1:7: tags (!) are not allowed; leave it out, or put a text that "
                          "starts with ! in quotes"},
        {"freeze: {rules: !x [a]}", "f.yaml:1:17: tags (!) are not allowed; leave it out, or put a "
                                    "text that starts with ! in quotes"},
        {"name: a\n---\nname: b", "f.yaml:2:1: a second document begins here; keep one experiment "
                                  "per file"},
        {"a: [1\nb: 2", "f.yaml:2:2: while parsing a flow sequence: did not find expected ',' or "
                        "']'; check the indentation, brackets and quotes here and on the line "
                        "before"},
        {"a:\n\tb: 1", "f.yaml:2:1: while scanning for the next token: found character that cannot "
                       "start any token; indent with spaces, not tabs, and put a text that starts "
                       "with % @ or ` in quotes"},
        {"seed: 1\nname: \xc3\xa9\xff\n",
         "f.yaml:2:8: invalid leading UTF-8 octet; save the file as UTF-8 text"},
        {"[[[[[[[[[[[[[[[[[[[[[[",
         "f.yaml:1:17: too deeply nested; an experiment has sections, keys "
         "and lists"},
    };
    (void)state;
    expect_errors(bad, sizeof(bad) / sizeof(*bad));
    expect_error("a\0b: 1", 6,
                 "f.yaml:1:2: control characters are not allowed; save the file as UTF-8 text");
}

static void test_bad_sizes(void **state) {
    size_t size = (1 << 20) + 1;
    char *data = xmalloc(size);
    memset(data, '[', size);
    (void)state;
    expect_error(data, size, "f.yaml: larger than 1 MiB; give an experiment, a short YAML text");
    expect_error(data, size - 1,
                 "f.yaml:1:17: too deeply nested; an experiment has sections, keys "
                 "and lists");
    free(data);
}

static void test_bad_combinations(void **state) {
    static const struct bad bad[] = {
        {"data: {name: digits}", "f.yaml: model.name: missing; name the network, such as resnet20 "
                                 "(`thaw models` lists them)"},
        {"model: {name: \"\"}", "f.yaml:1:9: model.name: missing; name the network, such as "
                                "resnet20 (`thaw models` lists them)"},
        {"model: {name: mlp}", "f.yaml: data.name: missing; name the data, such as fashion-mini "
                               "(`thaw datasets` lists them)"},
        {"model: {name: mlp}\ndata:\n  name: digits\n  validation: 1.5\n",
         "f.yaml:4:3: data.validation: from 1 on it counts samples per class; give a whole number, "
         "or a fraction below 1"},
        {"model: {name: mlp}\ndata: {name: digits, mean: []}",
         "f.yaml:2:22: data.mean: the list is empty; give one number, or one per channel"},
        {"model: {name: mlp}\ndata: {name: digits, mean: [0, 1]}",
         "f.yaml: data.std: 1 numbers, but data.mean has 2; give as many of both"},
        {NEEDED "schedule: {milestones: [0.7, 0.5]}",
         "f.yaml:3:12: schedule.milestones: milestones must rise, above 0 and below 1; give such "
         "as "
         "[0.5, 0.75]"},
        {NEEDED "schedule: {milestones: [0.5, 1]}", "f.yaml:3:12: schedule.milestones: milestones "
                                                    "must rise, above 0 and below 1; give such as "
                                                    "[0.5, 0.75]"},
        {NEEDED "schedule: {milestones: [0, 0.5]}", "f.yaml:3:12: schedule.milestones: milestones "
                                                    "must rise, above 0 and below 1; give such as "
                                                    "[0.5, 0.75]"},
        {NEEDED "schedule: {warmup: 0.1}",
         "f.yaml:3:12: schedule.warmup: one-cycle has a warm-up of its own; set schedule.rise "
         "instead, or choose another schedule"},
    };
    (void)state;
    expect_errors(bad, sizeof(bad) / sizeof(*bad));
}

static void test_bad_after_byte_order_mark(void **state) {
    (void)state;
    expect_error("\xef\xbb\xbfseed: a", 10,
                 "f.yaml:1:7: seed: 'a' is not a whole number; give a whole "
                 "number from 0 to 9007199254740991, such as 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_bad_lists),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_bad_yaml),
        cmocka_unit_test(test_bad_sizes),
        cmocka_unit_test(test_bad_combinations),
        cmocka_unit_test(test_bad_after_byte_order_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
