// The live session: doors, files, and the promise that a run taken up again ends with the same
// bits.
#include "trainer_session.h"
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

static void finishes_and_writes_its_files(void **state) {
    char *directory = files_join(*state, "run");
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct session *s = start(&t, directory, (struct trainer_options){0});
    struct snapshot last = wait_until(s, ended);
    assert_int_equal(last.state, SESSION_FINISHED);
    assert_int_equal(last.step, 6 * 8);
    struct record records[200];
    int64_t cursor = 0;
    int count = s->read(s, &cursor, records, 200), epochs = 0, tests = 0;
    for (int i = 0; i < count; i++) {
        epochs += records[i].kind == RECORD_EPOCH;
        tests += records[i].kind == RECORD_TEST;
        if (records[i].kind == RECORD_EPOCH)
            assert_true(records[i].validation.scores.auroc > 0);
        if (records[i].kind == RECORD_TEST)
            assert_true(records[i].test.scores.balanced_accuracy > 0);
    }
    assert_int_equal(epochs, 6);
    assert_int_equal(tests, 1);
    for (int on = 0; on < EVALUATED; on++) { // there without anybody watching, too
        struct predictions predictions;
        assert_true(s->predictions(s, (enum evaluated)on, &predictions));
        assert_int_equal(predictions.count, on == EVALUATED_TEST ? 30 : 20);
        predictions_close(&predictions);
    }
    s->close(s);
    char *metrics = files_join(directory, "metrics.jsonl");
    struct mapping file;
    assert_true(mapping_open(&file, metrics, NULL));
    int matrices = 0;
    for (const char *at = (const char *)file.data, *end = at + file.size;
         (at = memmem(at, (size_t)(end - at), "\"matrix\":[[", 11)); at++)
        matrices++;
    assert_int_equal(matrices, 7);
    mapping_close(&file);
    free(metrics);
    static const char *const names[] = {"experiment.yaml",  "metrics.jsonl",    "events.jsonl",
                                        "best.safetensors", "last.safetensors", "state"};
    for (int i = 0; i < 6; i++) {
        char *path = files_join(directory, names[i]);
        assert_true(files_exist(path));
        free(path);
    }
    free(directory);
    tiny_close(&t);
}

static void pauses_steps_and_goes_on(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, NULL, (struct trainer_options){.paused = true});
    assert_int_equal(wait_until(s, paused).step, 0);
    send(s, COMMAND_STEPS, 5, "");
    wait_until(s, under_way);
    assert_int_equal(wait_until(s, paused).step, 5);
    send(s, COMMAND_APPLY, 0, "thaw nonsense");
    struct snapshot now = wait_commands(s, 2);
    assert_non_null(strstr(now.error.text, "nonsense")); // told, and nothing else happened
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
}

// Looking for a suggestion, or for a rate, in the middle of a run changes none of its bits.
static void what_only_looks_changes_nothing(void **state) {
    (void)state;
    uint64_t hashes[2];
    for (int looks = 0; looks < 2; looks++) {
        struct tiny t;
        tiny_open(&t, 2, eventful);
        struct session *s = start(&t, NULL, (struct trainer_options){.paused = true});
        struct suggestion suggestion;
        assert_false(s->suggestion(s, &suggestion));
        send(s, COMMAND_STEPS, 5, "");
        wait_until(s, under_way);
        wait_until(s, paused);
        if (looks) {
            send(s, COMMAND_SUGGEST, 5, "");
            assert_int_equal(wait_commands(s, 2).suggestions, 1);
            assert_true(s->suggestion(s, &suggestion));
            assert_int_equal(suggestion.batches, 5);
            assert_int_equal(suggestion.parts.count, 3);
            suggestion_close(&suggestion);
            struct lr_find rates;
            assert_false(s->lr_find(s, &rates));
            send(s, COMMAND_LR_FIND, 30, "");
            assert_int_equal(wait_commands(s, 3).lr_finds, 1);
            assert_true(s->lr_find(s, &rates));
            assert_true(rates.ended_early || rates.count == 30);
            lr_find_close(&rates);
        }
        send(s, COMMAND_RUN, 0, "");
        assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
        const struct training *training = trainer_training(s);
        hashes[looks] = 0;
        for (int p = 0; p < t.model->param_count; p++)
            hashes[looks] = hashes[looks] * 31 + weights_hash(&training->weights, p);
        s->close(s);
        tiny_close(&t);
    }
    assert_true(hashes[0] == hashes[1]);
}

// A session by hand: thaws and freezes at known steps.
static void by_hand(const char *directory) {
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct session *s = start(&t, directory, (struct trainer_options){.paused = true});
    static const struct {
        int64_t steps;
        const char *text;
    } acts[] = {{5, "thaw block.conv2"},
                {7, "lr x0.5"},
                {9, "freeze head"},
                {2, "bn reestimate"},
                {1, "thaw all"}};
    int64_t at = 0;
    for (int i = 0; i < 5; i++) {
        send(s, COMMAND_STEPS, acts[i].steps, "");
        at += acts[i].steps;
        struct snapshot now;
        int64_t version = -1;
        for (s->look(s, &now); now.step != at || now.state != SESSION_PAUSED; s->look(s, &now))
            s->wait(s, &version, 1000);
        send(s, COMMAND_APPLY, 0, acts[i].text);
    }
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
}

static void events_run_again_give_the_same_bits(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    by_hand(hand);
    struct event_list script = script_of(hand);
    assert_int_equal(script.count, 5);
    struct tiny t;
    tiny_open(&t, 4, eventful);
    struct session *s = start(&t, again, (struct trainer_options){.script = script});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    assert_true(file_hash(hand, "last.safetensors") == file_hash(again, "last.safetensors"));
    assert_true(file_hash(hand, "best.safetensors") == file_hash(again, "best.safetensors"));
    free(hand);
    free(again);
}

// Goes on for some steps, and ends by a stop or, as a crash would, without saving.
static void go_on(struct tiny *t, struct session *s, int64_t until, bool stop) {
    struct snapshot now;
    s->look(s, &now);
    steps_to(s, until);
    if (stop) {
        send(s, COMMAND_STOP, 0, "");
        assert_int_equal(wait_until(s, ended).state, SESSION_STOPPED);
    }
    s->close(s);
    tiny_close(t);
}

static struct session *take_up(struct tiny *t, const char *directory) {
    return reopen(t, 3, directory, eventful, (struct trainer_options){.paused = true});
}

// The script (events at steps 5, 12, 21, 23 and 24; a state every 8 steps) outlives every
// interruption.
static void a_script_is_taken_up_with_its_run(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    by_hand(hand);
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct trainer_options options = {.paused = true, .script = script_of(hand)};
    go_on(&t, start(&t, again, options), 3, false);
    struct session *s = take_up(&t, again);
    go_on(&t, s, 10, true);
    s = take_up(&t, again);
    go_on(&t, s, 14, false);
    s = take_up(&t, again);
    go_on(&t, s, 22, false);
    resume(again, 2, eventful, SESSION_FINISHED);
    assert_true(file_hash(hand, "last.safetensors") == file_hash(again, "last.safetensors"));
    struct event_list events = script_of(again);
    assert_int_equal(events.count, 5);
    event_list_close(&events);
    free(hand);
    free(again);
}

static void an_event_that_cannot_be_done_again_fails_the_run(void **state) {
    (void)state;
    struct event_list script = {xcalloc(1, sizeof(struct event)), 1};
    script.items[0] = (struct event){.id = 1, .step = 3, .text = xstrdup("thaw nonsense")};
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, NULL, (struct trainer_options){.script = script});
    struct snapshot last = wait_until(s, ended);
    assert_int_equal(last.state, SESSION_FAILED);
    assert_int_equal(last.step, 3);
    assert_int_equal(error_exit_code(&last.error), 2);
    assert_non_null(strstr(last.error.text, "'thaw nonsense' of step 3"));
    s->close(s);
    tiny_close(&t);
}

// A finished session takes more: settings, and epochs that a run of its events has as well.
static void epochs_added_at_the_end_run_again(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct trainer_options options = {.interactive = true, .point_bytes = 1 << 20};
    struct session *s = start(&t, hand, options);
    wait_step(s, 48);
    send(s, COMMAND_APPLY, 0, "thaw block");
    assert_int_equal(wait_commands(s, 1).error.kind, ERROR_NONE);
    send(s, COMMAND_APPLY, 0, "epochs 8");
    assert_int_equal(wait_commands(s, 2).state, SESSION_PAUSED);
    send(s, COMMAND_RUN, 0, "");
    wait_step(s, 64);
    stop(s, &t);
    tiny_open(&t, 1, eventful);
    s = start(&t, again, (struct trainer_options){.script = script_of(hand)});
    assert_int_equal(wait_until(s, ended).step, 64);
    s->close(s);
    tiny_close(&t);
    assert_true(file_hash(hand, "last.safetensors") == file_hash(again, "last.safetensors"));
    free(hand);
    free(again);
}

// Fewer epochs end a run where it stands; taken back before a step was done, they are no more work.
static void epochs_taken_back_end_the_run(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct session *s = start(&t, NULL, at_keyboard);
    steps_to(s, 16);
    send(s, COMMAND_APPLY, 0, "epochs 2");
    assert_int_equal(wait_until(s, ended).step, 16);
    for (int i = 0; i < 50; i++) { // in one go, more often than not
        send(s, COMMAND_APPLY, 0, "epochs 4");
        send(s, COMMAND_RUN, 0, "");
        send(s, COMMAND_APPLY, 0, "undo");
        struct snapshot now = wait_commands(s, 2 + 3 * (i + 1));
        if (now.step > 16)
            break; // a step was quicker, so that nothing could be taken back
        assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    }
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
}

static void stopped_and_resumed_equals_uninterrupted(void **state) {
    static const char *const sets[] = {"train.save_every=3", "freeze.bn=batch", NULL};
    char *whole = files_join(*state, "whole"), *parts = files_join(*state, "parts");
    uint64_t expected = straight(whole, sets);
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct session *s = start(&t, parts, (struct trainer_options){.paused = true});
    send(s, COMMAND_STEPS, 11, "");
    wait_until(s, under_way);
    wait_until(s, paused);
    send(s, COMMAND_STOP, 0, "");
    assert_int_equal(wait_until(s, ended).state, SESSION_STOPPED);
    s->close(s);
    tiny_close(&t);
    resume(parts, 3, sets, SESSION_FINISHED);
    assert_true(file_hash(parts, "last.safetensors") == expected);
    assert_true(file_hash(whole, "best.safetensors") == file_hash(parts, "best.safetensors"));
    free(whole);
    free(parts);
}

static void killed_and_resumed_equals_uninterrupted(void **state) {
    static const char *const sets[] = {"train.save_every=4", "optim.name=adam", "train.epochs=40",
                                       "freeze.bn=batch", NULL};
    char *whole = files_join(*state, "whole"), *parts = files_join(*state, "parts");
    killed_at(parts, sets, 21, 0);
    resume(parts, 1, sets, SESSION_FINISHED);
    assert_true(straight(whole, sets) == file_hash(parts, "last.safetensors"));
    free(whole);
    free(parts);
}

// Drift counts from the pretrained weights, not from where a run was taken up.
static void drift_survives_a_resume(void **state) {
    char *directory = files_join(*state, "run");
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, directory, at_keyboard);
    steps_to(s, 3);
    send(s, COMMAND_APPLY, 0, "freeze fc; thaw block");
    go_on(&t, s, 4, true);
    s = reopen(&t, 1, directory, eventful, at_keyboard);
    int frozen = model_param(t.model, "fc.weight");
    struct layers_snapshot layers = layers_open(t.model);
    steps_to(s, 5);
    s->layers(s, &layers);
    assert_true(layers.params[frozen].drift > 0);
    assert_true(layers.params[frozen].update == 0);
    layers_close(&layers);
    s->close(s);
    tiny_close(&t);
    free(directory);
}

// Weights that are not finite could not be taken up again: they never replace a good state.
static void what_diverged_is_not_saved(void **state) {
    char *directory = files_join(*state, "run");
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, directory, at_keyboard);
    steps_to(s, 3);
    send(s, COMMAND_SAVE, 0, "");
    send(s, COMMAND_APPLY, 0, "lr x1e38; lr x1e38");
    steps_to(s, 4);
    send(s, COMMAND_SAVE, 0, "");
    struct snapshot now = wait_commands(s, 5);
    assert_int_equal(now.state, SESSION_PAUSED);
    assert_non_null(strstr(now.error.text, "fc.weight is not finite after step 4"));
    send(s, COMMAND_STOP, 0, "");
    now = wait_until(s, ended);
    assert_int_equal(now.state, SESSION_STOPPED);
    s->close(s);
    tiny_close(&t);
    struct run run;
    struct event_list later;
    struct error error;
    tiny_open(&t, 1, eventful);
    assert_true(run_resume(&run, directory, t.training, &later, &error));
    assert_int_equal(t.training->step, 3);
    event_list_close(&later);
    run_close(&run);
    tiny_close(&t);
    free(directory);
}

static void layers_are_measured_and_the_probe_shows_frozen_ones(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, eventful);
    int frozen = model_param(t.model, "conv1.weight"), thawed = model_param(t.model, "fc.weight");
    struct layers_snapshot layers = layers_open(t.model);
    struct session *s = start(&t, NULL, at_keyboard);
    steps_to(s, 2);
    s->layers(s, &layers);
    assert_true(layers.params[thawed].gradient_norm > 0 && layers.params[thawed].drift > 0);
    assert_true(isnan(layers.params[frozen].gradient_norm));
    assert_true(layers.params[frozen].drift == 0);
    send(s, COMMAND_PROBE, 1, "");
    steps_to(s, 4);
    s->layers(s, &layers);
    assert_true(layers.params[frozen].gradient_norm > 0);
    layers_close(&layers);
    s->close(s);
    tiny_close(&t);
}

static bool fetch_all_but_one(const struct dataset *d, int index, const struct crop *crop,
                              float *out, struct error *error) {
    (void)crop;
    if (index == 5)
        return error_set(error, "sample 5 is gone");
    d->read(d, index, out);
    return true;
}

// It fails the run, or pauses it at the keyboard; it has not diverged.
static void a_sample_that_cannot_be_read_is_no_divergence(void **state) {
    for (int interactive = 0; interactive < 2; interactive++) {
        char *directory = files_join(*state, interactive ? "keyboard" : "headless");
        struct trainer_options options = {.interactive = interactive, .point_bytes = 1 << 20};
        struct tiny t;
        tiny_open(&t, 1, eventful);
        t.training->data.train->fetch = fetch_all_but_one;
        struct session *s = start(&t, directory, options);
        struct snapshot now = wait_until(s, interactive ? paused : ended);
        assert_int_equal(now.state, interactive ? SESSION_PAUSED : SESSION_FAILED);
        assert_string_equal(now.error.text, "sample 5 is gone");
        s->close(s);
        tiny_close(&t);
        char *path = files_join(directory, "events.jsonl");
        struct event_list events;
        assert_true(event_read(path, &events, NULL));
        assert_int_equal(events.count, 1); // the start
        event_list_close(&events);
        free(path);
        free(directory);
    }
}

static void divergence_pauses_at_the_keyboard(void **state) {
    (void)state;
    const char *const sets[] = {"optim.lr=1000", "optim.momentum=0", "schedule.name=constant",
                                "freeze.bn=frozen", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct trainer_options options = {.interactive = true, .point_bytes = 1 << 20};
    struct session *s = start(&t, NULL, options);
    struct snapshot now = wait_until(s, paused);
    assert_non_null(strstr(now.error.text, "not finite"));
    rewind_to(s, 0, 0);
    now = wait_step(s, 0);
    assert_int_equal(now.error.kind, ERROR_NONE);
    send(s, COMMAND_APPLY, 0, "lr 0.01");
    send(s, COMMAND_RUN, 0, "");
    wait_step(s, 24);
    s->close(s);
    tiny_close(&t);
}

// The next step is far away, commands are not.
static void a_speed_limit_holds_steps_back_alone(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, NULL, (struct trainer_options){.speed = 1e-5});
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); now.step < 1; s->look(s, &now))
        s->wait(s, &version, 1000);
    send(s, COMMAND_APPLY, 0, "thaw all");
    now = wait_commands(s, 1);
    assert_true(now.step == 1 && now.thawed == now.parameters && now.speed > 0);
    send(s, COMMAND_PAUSE, 0, "");
    assert_int_equal(wait_until(s, paused).step, 1);
    send(s, COMMAND_SPEED, 0, "");
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_until(s, ended).step, 48);
    s->close(s);
    tiny_close(&t);
}

static void nothing_thawed_pauses(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.rules=[thaw none]", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct session *s = start(&t, NULL, (struct trainer_options){0});
    assert_int_equal(wait_until(s, paused).step, 0);
    send(s, COMMAND_APPLY, 0, "thaw head");
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
}

// An event log that freezes everything at a step and thaws at the next could not be done again.
static void freezing_all_pauses_before_the_next_step(void **state) {
    const char *const sets[] = {"train.epochs=100000", NULL};
    char *directory = files_join(*state, "run");
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct session *s = start(&t, directory, (struct trainer_options){0});
    wait_until(s, under_way);
    send(s, COMMAND_APPLY, 0, "freeze all");
    struct snapshot now = wait_until(s, paused);
    struct event_list events = script_of(directory);
    assert_int_equal(events.items[0].step, now.step);
    event_list_close(&events);
    s->close(s);
    tiny_close(&t);
    free(directory);
}

static void closing_a_running_session_ends_it(void **state) {
    (void)state;
    const char *const sets[] = {"train.epochs=100000", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct session *s = start(&t, NULL, (struct trainer_options){0});
    wait_until(s, under_way);
    s->close(s);
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(killed_and_resumed_equals_uninterrupted), // forks: before any thread
        IN_DIRECTORY(finishes_and_writes_its_files),
        cmocka_unit_test(what_only_looks_changes_nothing),
        cmocka_unit_test(pauses_steps_and_goes_on),
        IN_DIRECTORY(events_run_again_give_the_same_bits),
        IN_DIRECTORY(a_script_is_taken_up_with_its_run),
        cmocka_unit_test(an_event_that_cannot_be_done_again_fails_the_run),
        IN_DIRECTORY(epochs_added_at_the_end_run_again),
        cmocka_unit_test(epochs_taken_back_end_the_run),
        IN_DIRECTORY(stopped_and_resumed_equals_uninterrupted),
        IN_DIRECTORY(drift_survives_a_resume),
        IN_DIRECTORY(what_diverged_is_not_saved),
        cmocka_unit_test(layers_are_measured_and_the_probe_shows_frozen_ones),
        IN_DIRECTORY(a_sample_that_cannot_be_read_is_no_divergence),
        cmocka_unit_test(divergence_pauses_at_the_keyboard),
        cmocka_unit_test(a_speed_limit_holds_steps_back_alone),
        cmocka_unit_test(nothing_thawed_pauses),
        IN_DIRECTORY(freezing_all_pauses_before_the_next_step),
        cmocka_unit_test(closing_a_running_session_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
