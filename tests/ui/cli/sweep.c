// thaw sweep: done to the end, killed and taken up, by other processes, and refused.
#include "checkpoint/shared.h"
#include "program.h"
#include <math.h>

static const char sweep_text[] = "experiment: base.yaml\n"
                                 "variants:\n"
                                 "  head: {freeze.rules: [thaw head]}\n"
                                 "  all: {freeze.rules: [thaw all]}\n"
                                 "grid: {optim.lr: [0.01, 0.1]}\n"
                                 "seeds: 2\n";

static void write_sweep(const char *more) {
    char *text = xprintf("%s%s", sweep_text, more);
    write_text("base.yaml", "model: {name: mlp}\n"
                            "data: {name: digits, limit: 10, validation: 5, test_limit: 5}\n"
                            "train: {epochs: 4, batch: 10, save_every: 3}\n");
    write_text("s.yaml", text);
    free(text);
}

static json_t *json_of(const struct outcome *o) {
    json_t *whole = json_loads(o->out, JSON_REJECT_DUPLICATES, NULL);
    if (!whole)
        fail_msg("not JSON: %s", o->out);
    return whole;
}

static double number(const json_t *object, const char *name, const char *below) {
    const json_t *value = json_object_get(object, name);
    return json_number_value(below ? json_object_get(value, below) : value);
}

static const char *string(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

// ---- To the end

// Mean over the runs of a variant at a rate, from the runs' own metrics.
static void sum_metrics(json_t *object, void *context) {
    double *last = context;
    const char *kind = string(object, "kind");
    if (strcmp(kind, "epoch") == 0)
        last[0] = number(json_object_get(object, "validation"), "accuracy", NULL);
    if (strcmp(kind, "test") == 0)
        last[1] = number(json_object_get(object, "test"), "accuracy", NULL);
}

static double test_of(const char *directory, double *validation) {
    double last[2] = {NAN, NAN};
    char *path = files_join(directory, "metrics.jsonl"), *text = read_text(path);
    json_lines(text, sum_metrics, last);
    free(path);
    free(text);
    *validation = last[0];
    return last[1];
}

static void the_rate_is_chosen_on_validation(void **state) {
    (void)state;
    write_sweep("");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--json", "--jobs", "2");
    assert_done(&o);
    json_t *whole = json_of(&o), *variant;
    size_t index;
    json_array_foreach(json_object_get(whole, "variants"), index, variant) {
        double best = -1, test = 0, of[2], test_here;
        static const char *const rates[] = {"0.01", "0.1"};
        for (int i = 0; i < 2; i++) {
            double here = 0;
            test_here = 0;
            for (int seed = 0; seed < 2; seed++) {
                char *path = xprintf("out/%s-lr%s-seed%d", string(variant, "name"), rates[i], seed);
                test_here += test_of(path, of) / 2;
                here += *of / 2;
                free(path);
            }
            test = here > best ? test_here : test;
            best = here > best ? here : best;
        }
        const json_t *chosen = json_object_get(variant, "chosen");
        assert_true(fabs(number(chosen, "validation", "mean") - best) < 1e-6);
        assert_true(fabs(number(chosen, "test", "mean") - test) < 1e-6);
        assert_int_equal((int)number(chosen, "runs", NULL), 2);
    }
    assert_int_equal(json_array_size(json_object_get(whole, "runs")), 8);
    assert_int_equal(json_array_size(json_object_get(whole, "warnings")), 0);
    json_decref(whole);
    outcome_close(&o);
}

static void tables_and_pictures(void **state) {
    (void)state;
    write_sweep("");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--ascii", "--svg", "a.svg", "--png",
                           "a.png", "--jobs", "2");
    assert_done(&o);
    assert_contains(o.out, "8/8 ");
    assert_contains(o.out, "validation at the rate");
    assert_contains(o.out, "test accuracy against parameters trained");
    assert_contains(o.out, "test accuracy against time");
    assert_contains(o.out, "validation accuracy against the rate");
    assert_contains(o.out, "for its size");
    assert_true(files_exist("a.svg") && files_exist("a.png"));
    outcome_close(&o);
    char *base = read_text("out/all-lr0.1-seed1/experiment.yaml");
    assert_contains(base, "seed: 1");
    free(base);
}

// ---- Shared

static int count_features(const char *directory) {
    char *command = xprintf("exit $(ls %s | grep -c ^features-)", directory);
    int status = system(command);
    free(command);
    return WEXITSTATUS(status);
}

// Each run by itself, one after the other with shared features, and several at a time.
static void sharing_changes_no_bit(void **state) {
    (void)state;
    static const char *const outs[] = {"alone", "shared", "jobs"};
    write_sweep("set: {data.augment: [flip], data.views: 2}\n");
    struct outcome o =
        RUN("sweep", "s.yaml", "--out", "alone", "--quiet", "--set", "train.cache_disk=0");
    assert_done(&o);
    outcome_close(&o);
    o = RUN("sweep", "s.yaml", "--out", "shared", "--quiet", "--set", "train.cache=0");
    assert_done(&o);
    outcome_close(&o);
    o = RUN("sweep", "s.yaml", "--out", "jobs", "--quiet", "--jobs", "4");
    assert_done(&o);
    outcome_close(&o);
    for (int i = 0; i < 8; i++) {
        char *file[3];
        for (int k = 0; k < 3; k++)
            file[k] = xprintf("%s/%s-lr%s-seed%d/last.safetensors", outs[k], i & 4 ? "head" : "all",
                              i & 2 ? "0.01" : "0.1", i & 1);
        assert_same_file(file[0], file[1]);
        assert_same_file(file[0], file[2]);
        for (int k = 0; k < 3; k++)
            free(file[k]);
    }
    for (int k = 0; k < 3; k++)
        assert_int_equal(count_features(outs[k]), 0); // gone when all are over
}

// ---- Killed

// Kills a sweep with SIGKILL as soon as there is a file, and its runs with it.
static void kill_at(const char *file) {
    FILE *nowhere = tmpfile();
    pid_t child = program_begin(
        (const char *const[]){"sweep", "s.yaml", "--out", "b", "--quiet", "--jobs", "2", NULL},
        fileno(nowhere), fileno(nowhere), 0);
    while (!files_exist(file))
        usleep(200);
    kill(child, SIGKILL);
    program_end(child);
    fclose(nowhere);
}

static void a_killed_sweep_goes_on_to_the_same_bits(void **state) {
    (void)state;
    write_sweep("halving: {factor: 2, epochs: 2}\n");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "a", "--json");
    assert_done(&o);
    kill_at("b/base.yaml");
    kill_at("b/head-lr0.01-seed0-epochs2/experiment.yaml");
    kill_at("b/all-lr0.01-seed0-epochs2/state");
    kill_at("b/all-lr0.1-seed1-epochs2/metrics.jsonl");
    struct outcome again = RUN("sweep", "s.yaml", "--out", "b", "--json", "--jobs", "3");
    assert_done(&again);
    json_t *whole = json_of(&o), *run;
    size_t index;
    json_array_foreach(json_object_get(whole, "runs"), index, run) {
        const char *directory = string(run, "directory");
        char *a = files_join(directory, "last.safetensors"), *b = xstrdup(a);
        b[0] = 'b';
        assert_same_file(a, b);
        free(a);
        free(b);
    }
    assert_int_equal(json_array_size(json_object_get(whole, "runs")), 8 + 4);
    json_decref(whole);
    outcome_close(&o);
    outcome_close(&again);
}

static void finished_runs_are_not_done_again(void **state) {
    (void)state;
    write_sweep("");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--quiet");
    assert_done(&o);
    outcome_close(&o);
    struct stat before, after;
    assert_int_equal(stat("out/all-lr0.1-seed1/metrics.jsonl", &before), 0);
    o = RUN("sweep", "s.yaml", "--out", "out", "--json");
    assert_done(&o);
    assert_int_equal(stat("out/all-lr0.1-seed1/metrics.jsonl", &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
    outcome_close(&o);
}

static void strategies_are_variants_too(void **state) {
    (void)state;
    write_sweep("");
    write_text("s.yaml", "experiment: base.yaml\nvariants:\n  head: {strategy.name: head-only}\n"
                         "  gradual: {strategy.name: gradual}\ngrid: {optim.lr: [0.01, 0.1]}\n");
    for (int i = 0; i < 2; i++) {
        struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--json");
        assert_done(&o);
        json_t *whole = json_of(&o);
        const json_t *variants = json_object_get(whole, "variants");
        double trained[2];
        for (int k = 0; k < 2; k++)
            trained[k] = number(json_object_get(json_array_get(variants, (size_t)k), "chosen"),
                                "trained", NULL);
        assert_true(trained[0] > 0 && trained[0] < trained[1]);
        json_decref(whole);
        outcome_close(&o);
    }
}

// ---- By others

static void printed_commands_do_the_same(void **state) {
    (void)state;
    write_sweep("");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--print-commands");
    assert_done(&o);
    int lines = 0;
    for (const char *at = o.out; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 8);
    write_text("all.sh", o.out);
    outcome_close(&o);
    assert_int_equal(system("sh all.sh"), 0);
    assert_true(count_features("out") > 0); // of the heads' runs, for each seed's weights
    o = RUN("sweep", "s.yaml", "--out", "out", "--print-commands");
    assert_done(&o);
    assert_string_equal(o.out, "");
    assert_int_equal(count_features("out"), 0);
    outcome_close(&o);
    o = RUN("sweep", "s.yaml", "--out", "out", "--json");
    struct outcome own = RUN("sweep", "s.yaml", "--out", "own", "--json");
    assert_done(&o);
    assert_done(&own);
    assert_same_file("out/all-lr0.1-seed1/last.safetensors",
                     "own/all-lr0.1-seed1/last.safetensors");
    assert_same_file("out/head-lr0.01-seed0/experiment.yaml",
                     "own/head-lr0.01-seed0/experiment.yaml");
    outcome_close(&o);
    outcome_close(&own);
}

static char *committed(const char *name) {
    return xprintf("%s/models/sweeps/%s.yaml", getenv("THAW_SOURCE"), name);
}

// So many lines; closes it.
static void assert_commands(struct outcome *o, int count) {
    int lines = 0;
    assert_done(o);
    for (const char *at = o->out; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, count);
    outcome_close(o);
}

// Every task of the README, each variant at each rate and seed.
static void those_that_come_with_thaw(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int runs;
    } sweeps[] = {{"noise", 150},      {"contrast", 150}, {"blur", 150},    {"invert", 150},
                  {"relabelled", 150}, {"digits", 150},   {"freezeout", 18}};
    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0]; i++) {
        char *path = committed(sweeps[i].name);
        struct outcome o = RUN("sweep", path, "--out", sweeps[i].name, "--print-commands");
        assert_commands(&o, sweeps[i].runs);
        free(path);
    }
}

static void flowers(void **state) {
    (void)state;
    char *path = committed("flowers"), *data = shared_path("data/datasets/flowers5_thumbs"),
         *weights = shared_path("data/weights/resnet_cifar10/resnet20-12fca82f.th");
    char *sets[] = {xprintf("data.path=%s", data), xprintf("model.weights=%s", weights)};
    struct outcome o = RUN("sweep", path, "--out", "flowers", "--print-commands");
    assert_refused(&o, 2, "flowers.yaml:5:3: head-lr0.01: ");
    assert_false(files_exist("flowers"));
    outcome_close(&o);
    if (files_exist(data) && files_exist(weights)) {
        o = RUN("sweep", path, "--out", "flowers", "--print-commands", "--set", sets[0], "--set",
                sets[1]);
        assert_commands(&o, 105);
    } else {
        print_message("the flowers are not there: their sweep is not opened\n");
    }
    free(path);
    free(data);
    free(weights);
    free(sets[0]);
    free(sets[1]);
}

// ---- Out of the ordinary

static void a_run_that_diverges_counts_as_nothing(void **state) {
    (void)state;
    write_sweep("");
    write_text("s.yaml", "experiment: base.yaml\ngrid: {optim.lr: [0.01, 1000]}\n"
                         "set: {optim.clip: 0, optim.momentum: 0.9, freeze.rules: [thaw all]}\n");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "wild", "--json");
    assert_done(&o);
    json_t *whole = json_of(&o);
    const json_t *variant = json_array_get(json_object_get(whole, "variants"), 0);
    const json_t *wild = json_array_get(json_object_get(variant, "arms"), 1);
    assert_int_equal((int)number(wild, "diverged", NULL), 1);
    assert_true(number(wild, "validation", "mean") == 0);
    assert_true(number(json_object_get(variant, "chosen"), "rate", NULL) == 0.01);
    json_decref(whole);
    outcome_close(&o);
}

static void a_single_rate_is_warned_of(void **state) {
    (void)state;
    write_sweep("");
    write_text("s.yaml", "experiment: base.yaml\nvariants:\n  a: {freeze.rules: [thaw head]}\n"
                         "  b: {freeze.rules: [thaw all]}\n");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--quiet");
    assert_int_equal(o.code, 0);
    assert_contains(o.err, "warning: 2 of 2 variants are tried at a single rate");
    assert_contains(o.out, "for its size");
    outcome_close(&o);
}

static void refuse(const char *why) {
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out");
    assert_refused(&o, 2, why);
    assert_false(files_exist("out"));
    outcome_close(&o);
}

static void refusals(void **state) {
    (void)state;
    write_sweep("grib: 3\n");
    refuse("s.yaml:7:1: grib");
    write_text("s.yaml", "experiment: nowhere.yaml\n");
    refuse("nowhere.yaml");
    write_text("s.yaml", "experiment: clothes-nois\n");
    refuse("clothes-noise");
    struct outcome o = RUN("sweep");
    assert_refused(&o, 2, "which sweep?");
    outcome_close(&o);
    write_sweep("");
    o = RUN("sweep", "s.yaml", "--jobs", "0");
    assert_refused(&o, 2, "--jobs 0");
    outcome_close(&o);
    assert_int_equal(mkdir("out", 0777), 0);
    write_text("out/precious", "mine");
    o = RUN("sweep", "s.yaml", "--out", "out");
    assert_refused(&o, 2, "holds something else");
    outcome_close(&o);
}

static void another_experiment_is_never_mixed_in(void **state) {
    (void)state;
    write_sweep("");
    struct outcome o = RUN("sweep", "s.yaml", "--out", "out", "--quiet");
    assert_done(&o);
    outcome_close(&o);
    o = RUN("sweep", "s.yaml", "--out", "out", "--set", "train.batch=5");
    assert_refused(&o, 2, "train.batch differs");
    outcome_close(&o);
}

// What only network and data can tell is told before the first run, with the variant's place.
static void every_variant_is_opened_first(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"freeze.rules: [thaw conv7]", "'conv7' matches no module"},
        {"freeze.rules: []", "nothing is thawed"},
        {"strategy.name: single", "'single' needs strategy.block"},
        {"strategy.name: gradual, train.epochs: 1", "the run ends after"},
        {"schedule.phases: [epoch 90 -> freeze all; thaw head]", "the run ends after"},
        {"model.weights: nowhere.pth", "nowhere.pth"},
    };
    write_sweep("");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *text = xprintf("experiment: base.yaml\nvariants:\n  a: {freeze.rules: [thaw all]}\n"
                             "  b: {%s}\n",
                             wrong[i][0]);
        write_text("s.yaml", text);
        refuse("s.yaml:4:3: b: ");
        refuse(wrong[i][1]);
        free(text);
    }
    write_text("s.yaml", "experiment: base.yaml\nvariants: {a: {strategy.name: gradual}}\n"
                         "set: {train.epochs: 12}\nhalving: {factor: 2, epochs: 1}\n");
    refuse("s.yaml:2:12: a: halving begins with train.epochs: 1: schedule.phases, item 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(the_rate_is_chosen_on_validation),
        PROGRAM_TEST(tables_and_pictures),
        PROGRAM_TEST(sharing_changes_no_bit),
        PROGRAM_TEST(a_killed_sweep_goes_on_to_the_same_bits),
        PROGRAM_TEST(finished_runs_are_not_done_again),
        PROGRAM_TEST(strategies_are_variants_too),
        PROGRAM_TEST(printed_commands_do_the_same),
        PROGRAM_TEST(those_that_come_with_thaw),
        PROGRAM_TEST(flowers),
        PROGRAM_TEST(a_run_that_diverges_counts_as_nothing),
        PROGRAM_TEST(a_single_rate_is_warned_of),
        PROGRAM_TEST(refusals),
        PROGRAM_TEST(another_experiment_is_never_mixed_in),
        PROGRAM_TEST(every_variant_is_opened_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
