// What a sweep's YAML means, and what is wrong with one.
#include "sweep/sweep.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *folder;

static int make_folder(void **state) {
    (void)state;
    folder = xstrdup("/tmp/thaw-sweep-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    files_remove(folder);
    free(folder);
    return 0;
}

static bool read_text(struct sweep *s, const char *text, struct error *error) {
    char *path = files_join(folder, "s.yaml");
    assert_true(files_write(path, text, strlen(text), NULL));
    bool ok = sweep_read(s, path, error);
    free(path);
    return ok;
}

static struct sweep must_read(const char *text) {
    struct sweep s;
    struct error error;
    if (!read_text(&s, text, &error))
        fail_msg("%s", error.text);
    return s;
}

static void assert_arm(const struct sweep *s, int arm, const char *variant, const char *name,
                       const char *sets) {
    assert_string_equal(s->variants[s->arms[arm].variant], variant);
    assert_string_equal(s->arms[arm].name, name);
    char *joined = xstrdup("");
    for (int i = 0; i < s->arms[arm].sets.count; i++) {
        char *longer = xprintf("%s%s;", joined, s->arms[arm].sets.items[i]);
        free(joined);
        joined = longer;
    }
    assert_string_equal(joined, sets);
    free(joined);
}

static void variants_and_grid_are_multiplied_out(void **state) {
    (void)state;
    struct sweep s = must_read("experiment: clothes-noise\n"
                               "set: {data.shift: [invert]}\n"
                               "variants:\n"
                               "  head: {freeze.rules: [thaw head]}\n"
                               "  all: {freeze.rules: thaw all, freeze.bn: batch}\n"
                               "grid: {optim.lr: [0.1, 2e-2], train.batch: [16, 32]}\n"
                               "seeds: 3\n");
    assert_string_equal(s.experiment, "clothes-noise");
    assert_string_equal(s.sets.items[0], "data.shift=[invert]");
    assert_int_equal(s.seed_count, 3);
    assert_true(s.seeds[0] == 0 && s.seeds[2] == 2);
    assert_int_equal(s.variant_count, 4);
    assert_int_equal(s.arm_count, 8);
    assert_arm(&s, 0, "head-batch16", "head-batch16-lr0.1",
               "freeze.rules=[thaw head];train.batch=16;optim.lr=0.1;");
    assert_arm(&s, 1, "head-batch16", "head-batch16-lr0.02",
               "freeze.rules=[thaw head];train.batch=16;optim.lr=0.02;");
    assert_arm(&s, 7, "all-batch32", "all-batch32-lr0.02",
               "freeze.rules=[thaw all];freeze.bn=batch;train.batch=32;optim.lr=0.02;");
    sweep_close(&s);
}

static void a_grid_of_lists_and_nothing_else(void **state) {
    (void)state;
    struct sweep s = must_read("experiment: x.yaml\n"
                               "grid: {freeze.rules: [[thaw head], [thaw layer3, thaw head]]}\n"
                               "seeds: [7, 3]\n");
    assert_true(s.experiment[0] == '/' || s.experiment_is_file);
    assert_int_equal(s.variant_count, 2);
    assert_arm(&s, 1, "rules-thaw-layer3-thaw-head", "rules-thaw-layer3-thaw-head",
               "freeze.rules=[thaw layer3, thaw head];");
    assert_true(s.seeds[0] == 7 && s.seeds[1] == 3);
    sweep_close(&s);
    s = must_read("experiment: x.yaml\n");
    assert_int_equal(s.arm_count, 1);
    assert_arm(&s, 0, "experiment", "experiment", "");
    assert_int_equal(s.seed_count, 0);
    sweep_close(&s);
}

static void paths_count_from_the_file(void **state) {
    (void)state;
    struct sweep s = must_read("experiment: sub/x.yaml\nset: {data.path: flowers}\n");
    char *real = realpath(folder, NULL);
    char *path = xprintf("data.path=%s/flowers", real);
    assert_string_equal(s.sets.items[0], path);
    assert_non_null(strstr(s.experiment, folder));
    free(real);
    free(path);
    sweep_close(&s);
}

static void rounds_of_halving(void **state) {
    (void)state;
    struct sweep s =
        must_read("experiment: x\nhalving: {factor: 3, epochs: 2, within: variants}\n");
    static const int64_t epochs[] = {2, 6, 18, 20, 20};
    for (int i = 0; i < 5; i++)
        assert_int_equal(sweep_round_epochs(&s, i, 20), epochs[i]);
    assert_int_equal(sweep_keep(&s, 10), 4);
    assert_int_equal(sweep_keep(&s, 1), 1);
    assert_true(s.within_variants);
    sweep_close(&s);
    s = must_read("experiment: x\n");
    assert_int_equal(sweep_round_epochs(&s, 0, 20), 20);
    sweep_close(&s);
}

static void what_is_wrong_is_told_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *place, *why;
    } cases[] = {
        {"", "s.yaml: ", "empty"},
        {"[a]", "s.yaml:1:1: ", "experiment: NAME"},
        {"seeds: 2", "s.yaml:1:1: experiment: ", "no experiment"},
        {"experiment: a\nvariant: {}", "s.yaml:2:1: variant: ", "variants"},
        {"experiment: a\nexperiment: b", "s.yaml:2:1: experiment: ", "given twice"},
        {"experiment: [a]", "s.yaml:1:13: experiment: ", "built-in"},
        {"experiment: a\nvariants: {x: {optim.rate: 1}}", "s.yaml:2:16: optim.rate: ", "optim."},
        {"experiment: a\nvariants: {x: {optim.lr: fast}}", "s.yaml:2:26: optim.lr: ", "number"},
        {"experiment: a\nvariants: {x: {}}", "s.yaml:2:15: x: ", "keys"},
        {"experiment: a\nvariants: {../x: {optim.lr: 1}}", "s.yaml:2:12: variants: ", "no name"},
        {"experiment: a\nvariants: {x: {seed: 1}}", "s.yaml:2:16: seed: ", "seeds: 5"},
        {"experiment: a\nvariants: {x: {optim.lr: 1}, x: {optim.lr: 2}}",
         "s.yaml:2:30: x: ", "twice"},
        {"experiment: a\ngrid: {optim.lr: 0.1}", "s.yaml:2:18: optim.lr: ", "list"},
        {"experiment: a\ngrid: {optim.lr: []}", "s.yaml:2:18: optim.lr: ", "list"},
        {"experiment: a\ngrid: {optim.lr: [1, 2000]}", "s.yaml:2:22: optim.lr: ", "range"},
        {"experiment: a\ngrid: {seed: [1]}", "s.yaml:2:8: seed: ", "seeds: 5"},
        {"experiment: a\ngrid: {optim.lr: [1, 1.0]}", "s.yaml:2:7: grid: ", "two runs"},
        {"experiment: a\nvariants: {x: {optim.lr: 1}}\ngrid: {optim.lr: [1, 2]}",
         "s.yaml:3:8: optim.lr: ", "two places"},
        {"experiment: a\nseeds: 0", "s.yaml:2:8: seeds: ", "from 1"},
        {"experiment: a\nseeds: [1, -1]", "s.yaml:2:12: seeds: ", "from 0"},
        {"experiment: a\nseeds: [1, 1]", "s.yaml:2:12: seeds: ", "twice"},
        {"experiment: a\nhalving: {factor: 3}", "s.yaml:2:10: halving: ", "both"},
        {"experiment: a\nhalving: {factor: 1, epochs: 1}",
         "s.yaml:2:19: halving.factor: ", "from 2"},
        {"experiment: a\nhalving: {factor: 2, epochs: 1, within: b}",
         "s.yaml:2:41: halving.within: ", "variants"},
        {"experiment: &x a", "s.yaml:1:", "anchor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sweep s;
        struct error error;
        if (read_text(&s, cases[i].text, &error))
            fail_msg("%s: was read", cases[i].text);
        if (!strstr(error.text, cases[i].place) || !strstr(error.text, cases[i].why))
            fail_msg("%s: %s", cases[i].text, error.text);
    }
}

static void too_many_combinations(void **state) {
    (void)state;
    struct sweep s;
    struct error error;
    char text[4096] = "experiment: a\ngrid:\n";
    static const char *const keys[] = {"train.epochs", "train.batch", "train.cache",
                                       "train.save_every", "train.evaluate_every"};
    for (int i = 0; i < 5; i++) {
        strcat(text, "  ");
        strcat(text, keys[i]);
        strcat(text, ": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    }
    assert_false(read_text(&s, text, &error));
    assert_non_null(strstr(error.text, "more than 10000"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variants_and_grid_are_multiplied_out),
        cmocka_unit_test(a_grid_of_lists_and_nothing_else),
        cmocka_unit_test(paths_count_from_the_file),
        cmocka_unit_test(rounds_of_halving),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(too_many_combinations),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
