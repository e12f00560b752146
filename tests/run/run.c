// The run directory: what lies in it, and what is left of it after a crash or on a full disk.
#include "run/run.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "directory.h"
#include "tiny_run.h"
#include "training_copy.h"
#include "training_steps.h"
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sets[] = {"freeze.rules=[thaw head]", "optim.name=adam", "freeze.bn=batch",
                                   "train.epochs=8", NULL};

static void must(bool ok, const struct error *error) {
    if (!ok)
        fail_msg("%s", error->text);
}

static bool has(const char *directory, const char *name) {
    char *path = files_join(directory, name);
    bool exist = files_exist(path);
    free(path);
    return exist;
}

// Bytes of a file, for the caller to free; NUL-terminated.
static char *content(const char *directory, const char *name, size_t *size) {
    char *path = files_join(directory, name);
    struct mapping file;
    struct error error;
    must(mapping_open(&file, path, &error), &error);
    char *text = xstrndup("", 0);
    text = xrealloc(text, file.size + 1);
    memcpy(text, file.data, file.size);
    text[file.size] = '\0';
    *size = file.size;
    mapping_close(&file);
    free(path);
    return text;
}

static void put(const char *directory, const char *name, const void *data, size_t size) {
    char *path = files_join(directory, name);
    struct error error;
    must(files_write(path, data, size, &error), &error);
    free(path);
}

static int entries(const char *directory) {
    DIR *dir = opendir(directory);
    int count = -2; // . and ..
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

// A run with some events, a thawed block and a saved state at step 5.
struct saved {
    struct tiny tiny;
    struct run run;
    char *directory;
    struct error error;
};

// As after a crash: what is resumed here stands beside what it is compared with.
static void unlock(const struct run *run) {
    assert_int_equal(flock(fileno(run->metrics), LOCK_UN), 0);
}

static void open_saved(struct saved *s, void **state) {
    s->directory = files_join(*state, "run");
    tiny_open(&s->tiny, 1, sets);
    must(run_create(&s->run, s->directory, &s->tiny.experiment, &s->error), &s->error);
    unlock(&s->run);
    struct training *t = s->tiny.training;
    must(run_event(&s->run, 0, "thaw", "start", &s->error), &s->error);
    run_steps(t, 3);
    apply(t, "thaw block.conv2");
    must(run_event(&s->run, 3, "user", "thaw block.conv2", &s->error), &s->error);
    run_steps(t, 2);
    must(run_save_state(&s->run, t, &s->error), &s->error);
}

static void close_saved(struct saved *s) {
    run_close(&s->run);
    tiny_close(&s->tiny);
    free(s->directory);
}

// Takes the run up with a fresh training.
static bool resume(const char *directory, struct tiny *t, struct run *run, struct event_list *later,
                   struct error *error) {
    tiny_open(t, 1, sets);
    return run_resume(run, directory, t->training, later, error);
}

static void end(struct tiny *t, struct run *run, struct event_list *later) {
    event_list_close(later);
    run_close(run);
    tiny_close(t);
}

// Resuming gives the state of `expected`.
static void check_resumes_as(const char *directory, const struct training_copy *expected) {
    struct tiny t;
    struct run run;
    struct event_list later;
    struct error error;
    must(resume(directory, &t, &run, &later, &error), &error);
    training_copy_equal(expected, t.training);
    end(&t, &run, &later);
}

static void a_new_run_has_its_experiment_and_empty_logs(void **state) {
    char *directory = files_join(*state, "deep/er");
    struct experiment e, again;
    struct run run;
    struct error error;
    size_t size;
    tiny_experiment(&e, sets);
    must(run_create(&run, directory, &e, &error), &error);
    assert_int_equal(entries(directory), 3);
    char *path = files_join(directory, "experiment.yaml"), *expected = experiment_text(&e);
    must(experiment_read(&again, path, &error), &error);
    char *text = experiment_text(&again);
    assert_string_equal(text, expected);
    static const char *const logs[] = {"metrics.jsonl", "events.jsonl"};
    for (int i = 0; i < 2; i++) {
        free(content(directory, logs[i], &size));
        assert_int_equal(size, 0);
    }
    assert_false(run_finished(directory));
    run_close(&run);
    experiment_close(&again);
    experiment_close(&e);
    free(expected);
    free(text);
    free(path);
    free(directory);
}

static void check_refused(const char *directory, const struct experiment *e) {
    struct run run;
    struct error error;
    assert_false(run_create(&run, directory, e, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_non_null(strstr(error.text, directory));
    assert_non_null(strstr(error.text, "--out"));
    run_close(&run);
}

static void what_is_there_already_is_not_touched(void **state) {
    char *path = files_join(*state, "a-file"), *empty = files_join(*state, "empty");
    struct experiment e;
    struct run run;
    struct error error;
    size_t size;
    tiny_experiment(&e, sets);
    put(*state, "a-file", "mine", 4);
    check_refused(*state, &e);
    check_refused(path, &e);
    check_refused("", &e);
    assert_int_equal(entries(*state), 1);
    char *text = content(*state, "a-file", &size);
    assert_string_equal(text, "mine");
    must(files_make_directory(empty, &error), &error);
    must(run_create(&run, empty, &e, &error), &error); // empty: as good as none
    run_close(&run);
    experiment_close(&e);
    free(text);
    free(path);
    free(empty);
}

// The lines of metrics.jsonl, each parsed.
static json_t *metrics(const char *directory) {
    size_t size;
    char *text = content(directory, "metrics.jsonl", &size), *rest = text;
    json_t *lines = json_array();
    for (char *line; (line = strsep(&rest, "\n")) && rest;) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(object))
            fail_msg("no object: %s", line);
        json_array_append_new(lines, object);
    }
    assert_true(size == 0 || text[size - 1] == '\0'); // strsep ended at the last newline
    free(text);
    return lines;
}

static double number_at(const json_t *line, const char *object, const char *key) {
    const json_t *from = object ? json_object_get(line, object) : line;
    const json_t *value = json_object_get(from, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void metrics_are_one_object_a_line(void **state) {
    char *directory = files_join(*state, "run");
    struct experiment e;
    struct run run;
    struct error error;
    struct record step = {.kind = RECORD_STEP, .step = 7, .epoch = 2, .branch = 1};
    step.result = (struct step_result){{12.5, 6, 8}, 0.0123456789, 1e-9, 1};
    struct record epoch = {
        .kind = RECORD_EPOCH, .step = 8, .epoch = 1, .best = true, .seconds = 2.5};
    epoch.train = (struct tally){1.0, 1, 3};
    epoch.validation = (struct tally){10, 15, 20};
    struct record test = {.kind = RECORD_TEST, .step = 8, .test = {3, 2, 4}};
    struct record note = {.kind = RECORD_NOTE, .text = "two\nlines \"quoted\""};
    struct record bad = {.kind = RECORD_EPOCH, .validation = {NAN, 1, 2}, .seconds = 1};
    tiny_experiment(&e, sets);
    must(run_create(&run, directory, &e, &error), &error);
    const struct record *const all[] = {&step, &epoch, &test, &note, &bad};
    for (int i = 0; i < 5; i++)
        must(run_metrics(&run, all[i], NULL, &error), &error);
    json_t *lines = metrics(directory);
    assert_int_equal(json_array_size(lines), 5);
    static const char *const kinds[] = {"step", "epoch", "test", "note", "epoch"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(lines, i), "kind")),
                            kinds[i]);
    const json_t *line = json_array_get(lines, 0);
    assert_true(number_at(line, NULL, "step") == 7 && number_at(line, NULL, "epoch") == 2 &&
                number_at(line, NULL, "branch") == 1);
    assert_true(number_at(line, NULL, "loss") == 12.5 / 8 &&
                number_at(line, NULL, "accuracy") == 0.75);
    assert_true(fabs(number_at(line, NULL, "lr") - 0.0123456789) < 1e-10 &&
                number_at(line, NULL, "gradient_norm") == 1e-9);
    line = json_array_get(lines, 1);
    assert_true(fabs(number_at(line, "train", "loss") - 1.0 / 3) < 1e-9);
    assert_true(number_at(line, "validation", "accuracy") == 0.75 &&
                number_at(line, "validation", "samples") == 20);
    assert_true(json_is_true(json_object_get(line, "best")) && !json_object_get(line, "test"));
    assert_true(number_at(json_array_get(lines, 2), "test", "accuracy") == 0.5);
    assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 3), "text")),
                        note.text);
    json_decref(lines);
    run_close(&run);
    experiment_close(&e);
    free(directory);
}

static void events_form_a_chain(void **state) {
    struct saved s;
    open_saved(&s, state);
    struct event_list list;
    char *path = files_join(s.directory, "events.jsonl");
    must(event_read(path, &list, &s.error), &s.error);
    assert_int_equal(list.count, 2);
    assert_true(list.items[0].id == 1 && list.items[0].parent == 0);
    assert_true(list.items[1].id == 2 && list.items[1].parent == 1 && list.items[1].step == 3);
    assert_string_equal(list.items[1].who, "user");
    assert_string_equal(list.items[1].text, "thaw block.conv2");
    assert_true(s.run.last_event == 2 && s.run.next_event == 3);
    event_list_close(&list);
    free(path);
    close_saved(&s);
}

static bool note_scores(struct saved *s, double loss, int64_t correct, struct scores scores) {
    struct tally validation = {loss, correct, 10, scores};
    bool best;
    char *path = files_join(s->directory, "best.safetensors");
    files_remove(path);
    must(run_best(&s->run, s->tiny.training, &validation, &best, &s->error), &s->error);
    assert_int_equal(files_exist(path), best);
    free(path);
    return best;
}

static bool note_best(struct saved *s, double loss, int64_t correct) {
    return note_scores(s, loss, correct, (struct scores){NAN, NAN, NAN});
}

static void the_best_is_what_the_experiment_says(void **state) {
    struct saved s;
    open_saved(&s, state);
    assert_true(note_best(&s, 5, 6));
    assert_int_equal(s.run.best_step, 5);
    assert_false(note_best(&s, 4, 6)); // by accuracy: no better
    assert_true(note_best(&s, 7, 7));
    must(experiment_set(&s.tiny.experiment, "train.best=loss", &s.error), &s.error);
    assert_false(note_best(&s, 7, 9));
    assert_true(note_best(&s, 6.5, 1));
    assert_false(note_best(&s, NAN, 9));
    assert_false(note_best(&s, INFINITY, 9));
    s.run.best.loss = NAN; // a loss that is not finite is beaten by any other
    assert_false(note_best(&s, NAN, 9));
    assert_true(note_best(&s, 1000, 1));
    close_saved(&s);
}

static void the_best_may_be_by_a_score(void **state) {
    static const char *const choices[] = {"train.best=balanced_accuracy", "train.best=macro_f1",
                                          "train.best=auroc"};
    struct saved s;
    open_saved(&s, state);
    for (int i = 0; i < 3; i++) {
        double score[3] = {0.9, 0.9, 0.9};
        must(experiment_set(&s.tiny.experiment, choices[i], &s.error), &s.error);
        s.run.best_step = 0;
        assert_true(note_best(&s, 1, 9)); // the first one, though not defined
        assert_false(note_best(&s, 0.5, 10));
        score[i] = 0.4;
        assert_true(note_scores(&s, 1, 1, (struct scores){score[0], score[1], score[2]}));
        score[i] = 0.3;
        assert_false(note_scores(&s, 1, 10, (struct scores){score[0], score[1], score[2]}));
        assert_false(note_best(&s, 1, 10));
        score[i] = 0.5;
        assert_true(note_scores(&s, 1, 0, (struct scores){score[0], score[1], score[2]}));
    }
    close_saved(&s);
}

static void a_saved_state_comes_back_whole(void **state) {
    struct saved s;
    struct tiny t;
    struct run run;
    struct event_list later;
    open_saved(&s, state);
    s.run.best = (struct tally){0.1 + 0.2, 3, 20, {1.0 / 3, NAN, 0.7}};
    s.run.best_step = 4;
    for (int i = 0; i < 3; i++)
        run_fork(&s.run);
    run_reach(&s.run, 7);
    s.run.branch = 2;
    apply(s.tiny.training, "undo"); // the history goes along
    must(run_save_state(&s.run, s.tiny.training, &s.error), &s.error);
    struct training_copy expected = training_copy(s.tiny.training);
    must(resume(s.directory, &t, &run, &later, &s.error), &s.error);
    training_copy_equal(&expected, t.training);
    assert_true(run.best.loss == 0.1 + 0.2 && run.best.correct == 3 && run.best.samples == 20);
    assert_true(run.best.scores.balanced_accuracy == 1.0 / 3 && run.best.scores.auroc == 0.7 &&
                isnan(run.best.scores.macro_f1));
    assert_true(run.best_step == 4 && run.branch == 2 && run.branches == 4);
    assert_true(run.reached[0] == 0 && run.reached[2] == 0 && run.reached[3] == 7);
    assert_true(run.last_event == 2 && run.next_event == 3 && run.state == 2);
    assert_int_equal(later.count, 0);
    run_steps(s.tiny.training, 4);
    run_steps(t.training, 4);
    struct training_copy after = training_copy(s.tiny.training);
    training_copy_equal(&after, t.training);
    training_copy_close(&after);
    training_copy_close(&expected);
    end(&t, &run, &later);
    close_saved(&s);
}

// A loss that is not finite is nothing that JSON can hold.
static void a_state_with_a_loss_that_is_not_finite_comes_back(void **state) {
    struct saved s;
    struct tiny t;
    struct run run;
    struct event_list later;
    open_saved(&s, state);
    s.run.best = (struct tally){NAN, 2, 20};
    s.run.best_step = 5;
    must(run_save_state(&s.run, s.tiny.training, &s.error), &s.error);
    must(resume(s.directory, &t, &run, &later, &s.error), &s.error);
    assert_true(isnan(run.best.loss) && run.best.correct == 2 && run.best_step == 5);
    end(&t, &run, &later);
    close_saved(&s);
}

static void what_came_after_the_state_is_cut_and_the_user_s_acts_handed_out(void **state) {
    struct saved s;
    struct tiny t;
    struct run run;
    struct event_list later;
    struct record r = {.kind = RECORD_STEP, .step = 5};
    size_t size, kept;
    open_saved(&s, state);
    must(run_metrics(&s.run, &r, NULL, &s.error), &s.error);
    must(run_save_state(&s.run, s.tiny.training, &s.error), &s.error);
    free(content(s.directory, "events.jsonl", &kept));
    must(run_metrics(&s.run, &r, NULL, &s.error), &s.error);
    must(run_event(&s.run, 6, "user", "lr x0.5", &s.error), &s.error);
    must(run_event(&s.run, 7, "schedule", "thaw block", &s.error), &s.error);
    must(run_event(&s.run, 8, "user", "freeze head", &s.error), &s.error);
    fputs("{\"id\":6,\"par", s.run.events); // a crash while writing
    run_close(&s.run);
    must(resume(s.directory, &t, &run, &later, &s.error), &s.error);
    assert_int_equal(later.count, 2);
    assert_string_equal(later.items[0].text, "lr x0.5");
    assert_string_equal(later.items[1].text, "freeze head");
    json_t *lines = metrics(s.directory);
    assert_int_equal(json_array_size(lines), 1);
    free(content(s.directory, "events.jsonl", &size));
    assert_int_equal(size, kept);
    must(run_event(&run, 6, "user", "lr x0.5", &s.error), &s.error); // goes on from there
    event_list_close(&later);
    char *path = files_join(s.directory, "events.jsonl");
    must(event_read(path, &later, &s.error), &s.error);
    assert_int_equal(later.count, 3);
    assert_int_equal(later.items[2].id, 3);
    json_decref(lines);
    free(path);
    end(&t, &run, &later);
    close_saved(&s);
}

static void check_later(const char *directory, const char *const *texts) {
    struct tiny t;
    struct run run;
    struct event_list later;
    struct error error;
    must(resume(directory, &t, &run, &later, &error), &error);
    for (int i = 0; i < later.count; i++)
        assert_string_equal(later.items[i].text, texts[i]);
    assert_null(texts[later.count]);
    end(&t, &run, &later);
}

// What is to be done again is handed out however often the run is taken up, though the log is cut:
// the events behind the state, then what a script has left, each once.
static void what_is_left_to_do_is_never_lost(void **state) {
    static const char *const texts[] = {"start", "lr x0.5", "freeze head", "thaw all"};
    static const char *const left[] = {"lr x0.5", "freeze head", "thaw all", NULL};
    struct saved s;
    open_saved(&s, state);
    s.run.script = (struct event_list){xcalloc(4, sizeof(struct event)), 4};
    for (int i = 0; i < 4; i++)
        s.run.script.items[i] = (struct event){.step = 4 + 2 * i, .text = xstrdup(texts[i])};
    s.run.scripted = 1;
    must(run_save_state(&s.run, s.tiny.training, &s.error), &s.error);
    check_later(s.directory, left);
    must(run_event(&s.run, 6, "user", "lr x0.5", &s.error), &s.error); // done since
    event_list_close(&s.run.script);
    run_close(&s.run);
    for (int i = 0; i < 3; i++)
        check_later(s.directory, left);
    close_saved(&s);
}

static void a_run_without_a_state_starts_anew(void **state) {
    char *directory = files_join(*state, "run");
    struct tiny first, t;
    struct run run;
    struct event_list later;
    struct error error;
    tiny_open(&first, 1, sets);
    struct training_copy expected = training_copy(first.training);
    must(run_create(&run, directory, &first.experiment, &error), &error);
    must(run_event(&run, 0, "thaw", "start", &error), &error);
    must(run_event(&run, 2, "user", "thaw block", &error), &error);
    run_close(&run);
    must(resume(directory, &t, &run, &later, &error), &error);
    training_copy_equal(&expected, t.training);
    assert_int_equal(later.count, 1);
    assert_true(run.next_event == 1 && run.last_event == 0 && run.branches == 1);
    size_t size;
    free(content(directory, "events.jsonl", &size));
    assert_int_equal(size, 0);
    training_copy_close(&expected);
    end(&t, &run, &later);
    tiny_close(&first);
    free(directory);
}

// State directories left half-made, of before and behind the pointer, mean nothing and go away.
static void a_crash_while_saving_leaves_the_old_state(void **state) {
    struct saved s;
    struct tiny t;
    struct run run;
    struct event_list later;
    size_t size;
    open_saved(&s, state);
    struct training_copy expected = training_copy(s.tiny.training);
    must(run_save_state(&s.run, s.tiny.training, &s.error), &s.error);
    assert_true(!has(s.directory, "state-1") && has(s.directory, "state-2/state.json"));
    run_close(&s.run);
    static const char *const left[] = {"state-1", "state-3"};
    for (int i = 0; i < 2; i++) {
        char *path = files_join(s.directory, left[i]);
        must(files_make_directory(path, &s.error), &s.error);
        put(path, "weights.safetensors", "half", 4);
        put(path, "state.json.17-0.tmp", "{", 1);
        free(path);
    }
    check_resumes_as(s.directory, &expected);
    assert_false(has(s.directory, "state-1"));
    must(resume(s.directory, &t, &run, &later, &s.error), &s.error);
    run_steps(t.training, 2);
    must(run_save_state(&run, t.training, &s.error), &s.error);
    assert_false(has(s.directory, "state-2"));
    assert_false(has(s.directory, "state-3/state.json.17-0.tmp"));
    char *pointer = content(s.directory, "state", &size);
    assert_string_equal(pointer, "state-3\n");
    unlock(&run);
    training_copy_close(&expected);
    expected = training_copy(t.training);
    check_resumes_as(s.directory, &expected);
    training_copy_close(&expected);
    end(&t, &run, &later);
    free(pointer);
    close_saved(&s);
}

static void a_run_at_work_is_left_alone(void **state) {
    struct tiny first, second;
    struct run run, again;
    struct event_list later;
    struct error error;
    tiny_open(&first, 1, sets);
    must(run_create(&run, *state, &first.experiment, &error), &error);
    must(run_event(&run, 0, "thaw", "start", &error), &error);
    size_t before, after;
    free(content(*state, "events.jsonl", &before));
    assert_false(resume(*state, &second, &again, &later, &error));
    assert_non_null(strstr(error.text, "another thaw is at work"));
    free(content(*state, "events.jsonl", &after));
    assert_int_equal(before, after);
    end(&second, &again, &later);
    run_close(&run);
    tiny_close(&first);
}

// Resuming fails with one line that names the file.
static void check_fails(const char *directory, const char *file, const char *what) {
    struct tiny t;
    struct run run;
    struct event_list later;
    struct error error = {0};
    if (resume(directory, &t, &run, &later, &error))
        fail_msg("%s %s: resumed", file, what);
    if (error.kind != ERROR_REQUEST || !strstr(error.text, file) || strchr(error.text, '\n'))
        fail_msg("%s %s: kind %d: %s", file, what, error.kind, error.text);
    end(&t, &run, &later);
}

static void pointers_that_name_no_state_are_refused(void **state) {
    struct saved s;
    open_saved(&s, state);
    static const char *const wrong[] = {
        "",           "\n",         "state-",       "state-0\n",
        "state--1\n", "state-1x\n", "../state-1\n", "state-99999999999999999999\n"};
    for (int i = 0; i < 8; i++) {
        put(s.directory, "state", wrong[i], strlen(wrong[i]));
        check_fails(s.directory, "/state", wrong[i]);
    }
    put(s.directory, "state", "state-7\n", 8);
    check_fails(s.directory, "/state-7/", "not there");
    close_saved(&s);
}

// Each file of a state, missing, empty, cut and full of other bytes.
static void corrupted_states_are_refused(void **state) {
    struct saved s;
    open_saved(&s, state);
    struct training_copy expected = training_copy(s.tiny.training);
    static const char *const names[] = {"state-1/state.json", "state-1/moments.safetensors",
                                        "state-1/weights.safetensors"};
    for (int i = 0; i < 3; i++) {
        size_t size;
        char *good = content(s.directory, names[i], &size), *bad = xmemdup(good, size + 1);
        char *path = files_join(s.directory, names[i]);
        files_remove(path);
        check_fails(s.directory, names[i], "missing");
        put(s.directory, names[i], "", 0);
        check_fails(s.directory, names[i], "empty");
        put(s.directory, names[i], good, size / 2);
        check_fails(s.directory, names[i], "cut in half");
        put(s.directory, names[i], good, size - 1);
        check_fails(s.directory, names[i], "cut by one byte");
        memset(bad, 'x', size);
        put(s.directory, names[i], bad, size);
        check_fails(s.directory, names[i], "all x");
        put(s.directory, names[i], good, size);
        free(path);
        free(good);
        free(bad);
    }
    check_resumes_as(s.directory, &expected);
    training_copy_close(&expected);
    close_saved(&s);
}

static void put_json(const char *directory, const json_t *object) {
    char *text = json_dumps(object, JSON_REAL_PRECISION(17));
    put(directory, "state-1/state.json", text, strlen(text));
    free(text);
}

// Every key of state.json is needed, and of the right type.
static void every_key_of_a_state_is_checked(void **state) {
    struct saved s;
    size_t size;
    open_saved(&s, state);
    char *text = content(s.directory, "state-1/state.json", &size);
    json_t *good = json_loads(text, 0, NULL);
    const char *key;
    json_t *value;
    json_object_foreach(good, key, value) {
        json_t *bad = json_copy(good);
        json_object_del(bad, key);
        put_json(s.directory, bad);
        check_fails(s.directory, "state-1/state.json", key);
        json_object_set_new(bad, key, json_true());
        put_json(s.directory, bad);
        check_fails(s.directory, "state-1/state.json", key);
        json_decref(bad);
    }
    assert_int_equal(json_object_size(good), 14);
    json_decref(good);
    free(text);
    close_saved(&s);
}

static void values_that_do_not_fit_are_refused(void **state) {
    static const struct {
        const char *key, *value;
    } wrong[] = {
        {"step", "-1"},
        {"step", "1000"},
        {"best", "{\"loss\": 1, \"correct\": 1, \"samples\": 2, \"auroc\": \"high\"}"},
        {"changes", "[{\"step\": 0, \"do\": \"thaw nonsense\"}]"},
        {"changes", "[\"thaw block\"]"},
        {"changes", "[1]"},
        {"branch", "-1"},
        {"branch", "1"},
        {"reached", "[]"},
        {"reached", "[-1]"},
        {"reached", "[0.5]"},
        {"last_event", "-1"},
        {"next_event", "0"},
        {"params", "{}"},
        {"epoch", "{\"loss\":\"1\"}"},
        {"changes", "[{\"step\": 0, \"do\": \"undo\"}]"},
        {"schedule", "{\"next\": 1}"},
        {"script", "[1]"},
        {"script", "[{\"step\": 1}]"},
    };
    struct saved s;
    size_t size;
    open_saved(&s, state);
    char *text = content(s.directory, "state-1/state.json", &size);
    json_t *good = json_loads(text, 0, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *bad = json_copy(good);
        json_object_set_new(bad, wrong[i].key, json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
        put_json(s.directory, bad);
        check_fails(s.directory, "state-1/state.json", wrong[i].value);
        json_decref(bad);
    }
    json_decref(good);
    free(text);
    close_saved(&s);
}

// The moments of another model: block.conv1.weight has fewer numbers, and there is no block.conv9.
static void moments_of_another_model_are_refused(void **state) {
    static const char *const names[] = {"block.conv1", "block.conv9"};
    struct saved s;
    open_saved(&s, state);
    for (int i = 0; i < 2; i++) {
        size_t size;
        char *text = content(s.directory, "state-1/moments.safetensors", &size);
        char *at = strstr(text + 8, i ? "block.conv1.weight.first" : "block.conv2.weight.first");
        assert_non_null(at);
        memcpy(at, names[i], strlen(names[i]));
        put(s.directory, "state-1/moments.safetensors", text, size);
        check_fails(s.directory, "state-1/moments.safetensors", names[i]);
        free(text);
    }
    close_saved(&s);
}

static void logs_shorter_than_the_state_says_are_refused(void **state) {
    static const char *const names[] = {"metrics.jsonl", "events.jsonl"};
    struct saved s;
    struct record r = {.kind = RECORD_STEP, .step = 5};
    open_saved(&s, state);
    must(run_metrics(&s.run, &r, NULL, &s.error), &s.error);
    must(run_save_state(&s.run, s.tiny.training, &s.error), &s.error);
    for (int i = 0; i < 2; i++) {
        size_t size, after;
        char *good = content(s.directory, names[i], &size);
        put(s.directory, names[i], good, size - 1);
        check_fails(s.directory, names[i], "cut");
        free(content(s.directory, names[i], &after));
        assert_int_equal(after, size - 1); // and not filled up
        put(s.directory, names[i], good, size);
        free(good);
    }
    close_saved(&s);
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// Wherever the disk is full, saving fails as a run does, leaves the old state, and succeeds later.
static void a_full_disk_leaves_the_old_state(void **state) {
    struct saved s;
    open_saved(&s, state);
    struct training_copy expected = training_copy(s.tiny.training);
    run_steps(s.tiny.training, 2);
    int failures = 0;
    bool ok = false;
    for (rlim_t bytes = 0; !ok && bytes < 1 << 20; bytes += 512) {
        s.error = (struct error){0};
        limit_files(bytes);
        ok = run_save_state(&s.run, s.tiny.training, &s.error);
        limit_files(RLIM_INFINITY);
        if (ok)
            break;
        failures++;
        assert_int_equal(s.error.kind, ERROR_RUN);
        assert_non_null(strstr(s.error.text, s.directory));
        assert_int_equal(s.run.state, 1);
        assert_false(has(s.directory, "state-2"));
        if (failures % 4 == 1)
            check_resumes_as(s.directory, &expected);
    }
    assert_true(ok && failures > 5);
    training_copy_close(&expected);
    expected = training_copy(s.tiny.training);
    check_resumes_as(s.directory, &expected);
    training_copy_close(&expected);
    close_saved(&s);
}

static bool write_one(struct saved *s, int which) {
    struct record r = {.kind = RECORD_NOTE, .text = "a line that does not fit"};
    struct tally validation = {1, 9, 10};
    bool best;
    switch (which) {
    case 0:
        return run_metrics(&s->run, &r, NULL, &s->error);
    case 1:
        return run_event(&s->run, 5, "user", "lr x0.5", &s->error);
    case 2:
        s->run.best_step = 0;
        return run_best(&s->run, s->tiny.training, &validation, &best, &s->error);
    default:
        return run_save_last(&s->run, s->tiny.training, &s->error);
    }
}

// Each kind of write on a full disk, with some of its bytes still fitting: the file stays as it
// was, and the next write is whole.
static void a_full_disk_leaves_whole_lines_and_weights(void **state) {
    static const char *const names[] = {"metrics.jsonl", "events.jsonl", "best.safetensors",
                                        "last.safetensors"};
    struct saved s;
    size_t before, after;
    open_saved(&s, state);
    for (int which = 0; which < 4; which++) {
        must(write_one(&s, which), &s.error);
        char *was = content(s.directory, names[which], &before);
        int64_t next = s.run.next_event;
        limit_files(which < 2 ? before + 9 : before / 2);
        bool ok = write_one(&s, which);
        limit_files(RLIM_INFINITY);
        assert_false(ok);
        assert_int_equal(s.error.kind, ERROR_RUN);
        assert_non_null(strstr(s.error.text, names[which]));
        char *is = content(s.directory, names[which], &after);
        assert_int_equal(after, before);
        assert_memory_equal(is, was, before);
        assert_int_equal(s.run.next_event, next);
        must(write_one(&s, which), &s.error);
        free(was);
        free(is);
    }
    json_t *lines = metrics(s.directory);
    assert_int_equal(json_array_size(lines), 2);
    struct event_list list;
    char *path = files_join(s.directory, "events.jsonl");
    must(event_read(path, &list, &s.error), &s.error);
    assert_int_equal(list.count, 4);
    event_list_close(&list);
    json_decref(lines);
    free(path);
    close_saved(&s);
}

static void a_run_has_finished_with_its_last_weights(void **state) {
    struct saved s;
    open_saved(&s, state);
    assert_false(run_finished(s.directory));
    must(run_save_last(&s.run, s.tiny.training, &s.error), &s.error);
    assert_true(run_finished(s.directory));
    close_saved(&s);
}

static void the_fingerprint_names_version_and_compiler(void **state) {
    (void)state;
    char *text = run_fingerprint();
    assert_non_null(strstr(text, "thaw " THAW_VERSION));
    assert_non_null(strstr(text, __VERSION__));
    assert_null(strchr(text, '\n'));
    free(text);
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN); // a file over the limit is a failed write
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_new_run_has_its_experiment_and_empty_logs),
        IN_DIRECTORY(what_is_there_already_is_not_touched),
        IN_DIRECTORY(metrics_are_one_object_a_line),
        IN_DIRECTORY(events_form_a_chain),
        IN_DIRECTORY(the_best_is_what_the_experiment_says),
        IN_DIRECTORY(the_best_may_be_by_a_score),
        IN_DIRECTORY(a_saved_state_comes_back_whole),
        IN_DIRECTORY(a_state_with_a_loss_that_is_not_finite_comes_back),
        IN_DIRECTORY(what_came_after_the_state_is_cut_and_the_user_s_acts_handed_out),
        IN_DIRECTORY(what_is_left_to_do_is_never_lost),
        IN_DIRECTORY(a_run_without_a_state_starts_anew),
        IN_DIRECTORY(a_run_at_work_is_left_alone),
        IN_DIRECTORY(a_crash_while_saving_leaves_the_old_state),
        IN_DIRECTORY(pointers_that_name_no_state_are_refused),
        IN_DIRECTORY(corrupted_states_are_refused),
        IN_DIRECTORY(every_key_of_a_state_is_checked),
        IN_DIRECTORY(values_that_do_not_fit_are_refused),
        IN_DIRECTORY(moments_of_another_model_are_refused),
        IN_DIRECTORY(logs_shorter_than_the_state_says_are_refused),
        IN_DIRECTORY(a_full_disk_leaves_the_old_state),
        IN_DIRECTORY(a_full_disk_leaves_whole_lines_and_weights),
        IN_DIRECTORY(a_run_has_finished_with_its_last_weights),
        cmocka_unit_test(the_fingerprint_names_version_and_compiler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
