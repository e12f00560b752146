// thaw run: what it prints and leaves behind, interrupted, resumed, and on a full disk.
#include "program.h"

static void start_tiny(void) {
    write_text("tiny.yaml", program_tiny);
}

static void count_kind(json_t *object, void *context) {
    int *counts = context;
    static const char *const kinds[] = {"step", "epoch", "test", "event"};
    const char *kind = json_string_value(json_object_get(object, "kind"));
    for (int i = 0; i < 4; i++)
        counts[i] += strcmp(kind, kinds[i]) == 0;
}

static void a_run_leaves_its_files(void **state) {
    (void)state;
    start_tiny();
    struct outcome o = RUN("run", "tiny.yaml", "--out", "out");
    assert_done(&o);
    assert_contains(o.out, "mlp, 2 epochs of 10 steps");
    assert_contains(o.out, "test ");
    assert_contains(o.out, "done ");
    assert_lacks(o.out, "\033");
    assert_lacks(o.out, "\r");
    outcome_close(&o);
    assert_true(files_exist("out/experiment.yaml") && files_exist("out/best.safetensors") &&
                files_exist("out/last.safetensors") && files_exist("out/state"));
    int counts[4] = {0};
    char *metrics = read_text("out/metrics.jsonl"), *events = read_text("out/events.jsonl");
    assert_int_equal(json_lines(metrics, count_kind, counts), 20 + 2 + 1);
    assert_true(counts[0] == 20 && counts[1] == 2 && counts[2] == 1);
    assert_int_equal(json_lines(events, NULL, NULL), 1);
    free(metrics);
    free(events);
}

static void the_resolved_experiment_gives_the_same_bits(void **state) {
    (void)state;
    start_tiny();
    struct outcome first = RUN("run", "tiny.yaml", "--quiet", "--out", "a", "--set", "seed=3");
    struct outcome second =
        RUN("run", "a/experiment.yaml", "--threads", "1", "--quiet", "--out", "b");
    assert_done(&first);
    assert_done(&second);
    assert_same_file("a/last.safetensors", "b/last.safetensors");
    assert_same_file("a/experiment.yaml", "b/experiment.yaml");
    outcome_close(&first);
    outcome_close(&second);
}

// The budget becomes epochs before the run starts, which then is like any other.
static void a_budget_becomes_epochs(void **state) {
    (void)state;
    start_tiny();
    struct outcome first = RUN("run", "tiny.yaml", "--quiet", "--out", "a", "--budget", "0.5s");
    struct outcome second = RUN("run", "a/experiment.yaml", "--quiet", "--out", "b");
    assert_done(&first);
    assert_done(&second);
    assert_same_file("a/last.safetensors", "b/last.safetensors");
    outcome_close(&first);
    outcome_close(&second);
}

static void json_lines_tell_all_that_happened(void **state) {
    (void)state;
    start_tiny();
    struct outcome o = RUN("run", "tiny.yaml", "--json", "--out", "out");
    assert_done(&o);
    int counts[4] = {0};
    assert_int_equal(json_lines(o.out, count_kind, counts), 20 + 2 + 1 + 1);
    assert_true(counts[0] == 20 && counts[1] == 2 && counts[2] == 1 && counts[3] == 1);
    outcome_close(&o);
}

static void quiet_says_nothing(void **state) {
    (void)state;
    start_tiny();
    struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--out", "out");
    assert_done(&o);
    assert_string_equal(o.out, "");
    outcome_close(&o);
    assert_true(files_exist("out/last.safetensors"));
}

static void runs_are_numbered_by_themselves(void **state) {
    (void)state;
    start_tiny();
    for (int i = 0; i < 2; i++) {
        struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--set", "name=a/b");
        assert_done(&o);
        outcome_close(&o);
    }
    assert_true(files_exist("runs/a-b-1/last.safetensors"));
    assert_true(files_exist("runs/a-b-2/last.safetensors"));
}

static void resuming_a_finished_run_changes_nothing(void **state) {
    (void)state;
    start_tiny();
    struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--out", "out");
    assert_done(&o);
    outcome_close(&o);
    char *before = read_text("out/metrics.jsonl");
    assert_int_equal(rename("out/last.safetensors", "last"), 0);
    o = RUN("run", "--resume", "out");
    assert_done(&o);
    assert_contains(o.out, "done ");
    outcome_close(&o);
    char *after = read_text("out/metrics.jsonl");
    assert_string_equal(before, after);
    assert_same_file("last", "out/last.safetensors");
    free(before);
    free(after);
}

// Reads lines from the program until one is a step, then interrupts it and reads the rest.
static void interrupt_after_a_step(pid_t child, FILE *lines) {
    char *line = NULL;
    size_t room = 0;
    bool sent = false;
    while (getline(&line, &room, lines) > 0) {
        if (!sent && strstr(line, "\"step\":1,"))
            sent = kill(child, SIGINT) == 0;
    }
    assert_true(sent);
    free(line);
}

static int line_count(const char *path) {
    char *text = read_text(path);
    int lines = json_lines(text, NULL, NULL);
    free(text);
    return lines;
}

// Long enough that the interruption comes before its end; saves nothing by itself.
static const char long_run[] = "model: {name: cnn}\n"
                               "data: {name: digits, limit: 10, test_limit: 5, validation: 0}\n"
                               "train: {epochs: 100, batch: 10, save_every: 1000000}\n";

static void an_interrupted_run_is_taken_up_again(void **state) {
    (void)state;
    write_text("long.yaml", long_run);
    const char *const args[] = {"run",    "long.yaml", "--json", "--out",
                                "broken", "--threads", "1",      NULL};
    int ends[2];
    FILE *err = tmpfile();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = program_begin(args, ends[1], fileno(err), 0);
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    interrupt_after_a_step(child, lines);
    fclose(lines);
    fclose(err);
    assert_int_equal(program_end(child), 130);
    assert_true(files_exist("broken/state"));
    assert_false(files_exist("broken/last.safetensors"));
    assert_true(line_count("broken/metrics.jsonl") < 1000);

    struct outcome rest = RUN("run", "--resume", "broken", "--quiet");
    struct outcome whole = RUN("run", "long.yaml", "--quiet", "--out", "whole", "--threads", "1");
    assert_done(&rest);
    assert_done(&whole);
    outcome_close(&rest);
    outcome_close(&whole);
    assert_same_file("broken/last.safetensors", "whole/last.safetensors");
    assert_int_equal(line_count("broken/metrics.jsonl"), 1000 + 100 + 1);
}

static void assert_no_leavings(const char *directory) {
    DIR *open_directory = opendir(directory);
    assert_non_null(open_directory);
    for (struct dirent *entry; (entry = readdir(open_directory));)
        assert_lacks(entry->d_name, ".tmp");
    closedir(open_directory);
}

// The weights of this network take 200 kB.
static void a_full_disk_fails_the_run_and_it_goes_on_later(void **state) {
    (void)state;
    start_tiny();
    const char *const args[] = {"run", "tiny.yaml", "--quiet", "--out", "out", NULL};
    struct outcome o = program_limited(100000, args);
    assert_refused(&o, 1, "out/best.safetensors");
    outcome_close(&o);
    assert_no_leavings("out");
    assert_false(files_exist("out/best.safetensors"));
    assert_false(files_exist("out/state"));
    o = RUN("run", "--resume", "out", "--quiet");
    assert_done(&o);
    outcome_close(&o);
    assert_true(files_exist("out/last.safetensors"));
}

// The log takes about 2 kB for 20 steps.
static void a_log_that_does_not_fit_ends_with_a_whole_line(void **state) {
    (void)state;
    start_tiny();
    struct outcome first = RUN("run", "tiny.yaml", "--quiet", "--out", "first");
    assert_done(&first);
    outcome_close(&first);
    struct mapping yaml;
    assert_true(mapping_open(&yaml, "first/experiment.yaml", NULL));
    rlim_t room = yaml.size + 150; // enough to begin, but not for all steps of the long run
    mapping_close(&yaml);
    const char *const args[] = {"run",
                                "tiny.yaml",
                                "--quiet",
                                "--out",
                                "out",
                                "--set",
                                "train.epochs=90",
                                "--set",
                                "data.validation=0",
                                "--set",
                                "train.save_every=1000000",
                                NULL};
    struct outcome o = program_limited(room, args);
    assert_refused(&o, 1, "out/metrics.jsonl");
    outcome_close(&o);
    char *metrics = read_text("out/metrics.jsonl");
    size_t length = strlen(metrics);
    assert_true(length > 0 && length <= room && metrics[length - 1] == '\n');
    assert_true(json_lines(metrics, NULL, NULL) > 3);
    free(metrics);
}

static void an_experiment_that_does_not_fit_leaves_no_file(void **state) {
    (void)state;
    start_tiny();
    const char *const args[] = {"run", "tiny.yaml", "--quiet", "--out", "out", NULL};
    struct outcome o = program_limited(100, args);
    assert_refused(&o, 1, "out/experiment.yaml");
    outcome_close(&o);
    assert_false(files_exist("out/experiment.yaml"));
}

// The user's events of another run are done again: here they freeze everything after step 3.
static void a_script_that_freezes_everything_does_not_hang(void **state) {
    (void)state;
    start_tiny();
    assert_true(files_make_directory("script", NULL));
    write_text("script/events.jsonl",
               "{\"id\":1,\"parent\":0,\"branch\":0,\"step\":3,\"who\":\"user\",\"do\":\"freeze "
               "all\"}\n");
    struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--out", "out", "--events", "script");
    assert_refused(&o, 2, "nothing is thawed after step 3");
    outcome_close(&o);
}

static double number(const json_t *object, const char *part, const char *key) {
    const json_t *value = json_object_get(part ? json_object_get(object, part) : object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static json_t *profile_of(const char *rules, const char *threads) {
    struct outcome o =
        RUN("run", "tiny.yaml", "--profile", "--json", "--threads", threads, "--set", rules);
    assert_done(&o);
    json_t *all = json_loads(o.out, 0, NULL);
    assert_non_null(all);
    assert_string_equal(json_string_value(json_object_get(all, "kind")), "profile");
    outcome_close(&o);
    return all;
}

// Of the milliseconds of the root and of the modules below it.
static void check_modules(const json_t *all) {
    const json_t *modules = json_object_get(all, "modules");
    double root[3], sum[3] = {0};
    json_t *module;
    size_t i;
    json_array_foreach(modules, i, module) {
        const json_t *ms = json_object_get(module, "ms");
        const double depth = number(module, NULL, "depth");
        for (size_t k = 0; k < 3; k++) {
            const double value = json_number_value(json_array_get(ms, k));
            if (depth == 0)
                root[k] = value;
            sum[k] += depth == 1 ? value : 0;
        }
    }
    assert_float_equal(root[0] + root[1] + root[2], number(all, NULL, "layers_ms"),
                       0.001 * number(all, NULL, "layers_ms"));
    for (int k = 0; k < 3; k++)
        assert_true(root[k] > 0 && sum[k] <= 1.001 * root[k]);
}

static void a_profile_tells_where_the_time_goes_and_writes_nothing(void **state) {
    (void)state;
    start_tiny();
    json_t *all = profile_of("freeze.rules=[thaw all]", "2");
    assert_true(number(all, NULL, "peak_gflops") > 0 && number(all, NULL, "threads") == 2);
    assert_true(number(all, "step", "steps") >= 2 && number(all, "all_thawed", "steps") >= 2);
    assert_true(number(all, "step", "ms") > 0 && number(all, "freezing", "ceiling") > 0);
    assert_true(json_is_null(json_object_get(all, "cached")));
    assert_true(number(all, "freezing", "frozen_share") == 0);
    assert_true(number(all, "freezing", "rule_of_thumb") == 1);
    check_modules(all);
    json_decref(all);
    all = profile_of("freeze.rules=[thaw head]", "2");
    assert_true(number(all, "cached", "steps") >= 2);
    assert_true(number(all, "freezing", "frozen_share") > 0);
    assert_true(number(all, "freezing", "rule_of_thumb") > 1);
    json_decref(all);
    assert_false(files_exist("runs"));
}

// The layers' times and the steps that they are held against go by one clock.
static void a_profile_compares_like_with_like(void **state) {
    (void)state;
    start_tiny();
    json_t *all = profile_of("freeze.rules=[thaw head]", "1");
    const double own = number(all, "step", "work_ms"), full = number(all, "all_thawed", "work_ms");
    assert_float_equal(number(all, "freezing", "gain"), full / own, 1e-4 * full / own);
    assert_true(own <= 1.001 * number(all, "step", "ms"));
    assert_true(full <= 1.001 * number(all, "all_thawed", "ms"));
    const double parts = number(all, "step", "forward_ms") + number(all, "step", "backward_ms") +
                         number(all, "step", "update_ms") + number(all, "step", "wait_ms");
    assert_true(parts <= 1.001 * number(all, "step", "ms")); // of one and the same step
    json_decref(all);
}

static void a_profile_is_for_people_too(void **state) {
    (void)state;
    start_tiny();
    struct outcome o = RUN("run", "tiny.yaml", "--profile");
    assert_done(&o);
    assert_contains(o.out, "GFLOP/s by the register kernel");
    assert_contains(o.out, "weight grad");
    assert_contains(o.out, "waiting for data");
    assert_contains(o.out, "rule of thumb");
    outcome_close(&o);
    o = RUN("run", "tiny.yaml", "--profile", "--out", "out");
    assert_refused(&o, 2, "--profile times some steps");
    outcome_close(&o);
    o = RUN("run", "tiny.yaml", "--profile", "--set", "freeze.rules=[thaw none]");
    assert_refused(&o, 2, "nothing is thawed");
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_profile_tells_where_the_time_goes_and_writes_nothing),
        PROGRAM_TEST(a_profile_compares_like_with_like),
        PROGRAM_TEST(a_profile_is_for_people_too),
        PROGRAM_TEST(a_run_leaves_its_files),
        PROGRAM_TEST(the_resolved_experiment_gives_the_same_bits),
        PROGRAM_TEST(a_budget_becomes_epochs),
        PROGRAM_TEST(json_lines_tell_all_that_happened),
        PROGRAM_TEST(quiet_says_nothing),
        PROGRAM_TEST(runs_are_numbered_by_themselves),
        PROGRAM_TEST(resuming_a_finished_run_changes_nothing),
        PROGRAM_TEST(an_interrupted_run_is_taken_up_again),
        PROGRAM_TEST(a_full_disk_fails_the_run_and_it_goes_on_later),
        PROGRAM_TEST(a_log_that_does_not_fit_ends_with_a_whole_line),
        PROGRAM_TEST(an_experiment_that_does_not_fit_leaves_no_file),
        PROGRAM_TEST(a_script_that_freezes_everything_does_not_hang),
    };
    return cmocka_run_group_tests_name("ui/cli/run", tests, NULL, NULL);
}
