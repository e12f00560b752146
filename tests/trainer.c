// The live session: doors, files, and the promise that a run taken up again ends with the same
// bits.
#include "trainer.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include "tiny_run.h"
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_directory(void **state) {
    char *path = xstrdup("/tmp/thaw-trainer-XXXXXX");
    *state = mkdtemp(path);
    return *state == NULL;
}

static int remove_directory(void **state) {
    char *command = xprintf("rm -r '%s'", (char *)*state);
    int code = system(command);
    free(command);
    free(*state);
    return code;
}

// A session over a tiny training with its files in `directory` (NULL: none).
static struct session *start(struct tiny *t, const char *directory,
                             struct trainer_options options) {
    struct run run = {0};
    struct error error;
    if (directory && !run_create(&run, directory, &t->experiment, &error))
        fail_msg("%s", error.text);
    struct session *session = trainer_start(t->training, &run, &options);
    t->training = NULL;
    return session;
}

static struct snapshot wait_until(struct session *s, bool (*is)(const struct snapshot *)) {
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); !is(&now); s->look(s, &now))
        s->wait(s, &version, 1000);
    return now;
}

static bool ended(const struct snapshot *s) {
    return s->state != SESSION_RUNNING && s->state != SESSION_PAUSED;
}

static bool paused(const struct snapshot *s) {
    return s->state == SESSION_PAUSED;
}

static bool under_way(const struct snapshot *s) {
    return s->step >= 5;
}

static void send(struct session *s, enum command_kind kind, int64_t count, const char *text) {
    struct command c = {.kind = kind, .count = count};
    snprintf(c.text, sizeof c.text, "%s", text);
    assert_true(s->send(s, &c));
}

static uint64_t file_hash(const char *directory, const char *name) {
    char *path = files_join(directory, name);
    struct mapping file;
    struct error error;
    if (!mapping_open(&file, path, &error))
        fail_msg("%s", error.text);
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < file.size; i++)
        hash = (hash ^ file.data[i]) * 1099511628211u;
    mapping_close(&file);
    free(path);
    return hash;
}

static const char *const eventful[] = {"freeze.rules=[thaw head]", "optim.name=adamw",
                                       "freeze.bn=batch", "train.epochs=6", NULL};

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
    }
    assert_int_equal(epochs, 6);
    assert_int_equal(tests, 1);
    s->close(s);
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

static struct snapshot wait_commands(struct session *s, int64_t commands) {
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); now.commands < commands; s->look(s, &now))
        s->wait(s, &version, 1000);
    return now;
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

// A session by hand: thaws and freezes at known steps.
static void by_hand(const char *directory) {
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct session *s = start(&t, directory, (struct trainer_options){.paused = true});
    static const struct {
        int64_t steps;
        const char *text;
    } acts[] = {{5, "thaw block.conv2"}, {7, "lr x0.5"}, {9, "freeze head"}, {3, "thaw all"}};
    int64_t at = 0;
    for (int i = 0; i < 4; i++) {
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

static struct event_list script_of(const char *directory) {
    char *path = files_join(directory, "events.jsonl");
    struct event_list script;
    struct error error;
    if (!event_read(path, &script, &error))
        fail_msg("%s", error.text);
    event_keep_user(&script, -1);
    free(path);
    return script;
}

static void events_run_again_give_the_same_bits(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    by_hand(hand);
    struct event_list script = script_of(hand);
    assert_int_equal(script.count, 4);
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

static void resume(const char *directory, int threads, const char *const *sets,
                   enum session_state expected) {
    struct tiny t;
    tiny_open(&t, threads, sets);
    struct run run;
    struct trainer_options options = {0};
    struct error error;
    if (!run_resume(&run, directory, t.training, &options.script, &error))
        fail_msg("%s", error.text);
    struct session *s = trainer_start(t.training, &run, &options);
    t.training = NULL;
    assert_int_equal(wait_until(s, ended).state, expected);
    s->close(s);
    tiny_close(&t);
}

static void stopped_and_resumed_equals_uninterrupted(void **state) {
    static const char *const sets[] = {"train.save_every=3", "freeze.bn=batch", NULL};
    char *whole = files_join(*state, "whole"), *parts = files_join(*state, "parts");
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct session *s = start(&t, whole, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    tiny_open(&t, 1, sets);
    s = start(&t, parts, (struct trainer_options){.paused = true});
    send(s, COMMAND_STEPS, 11, "");
    wait_until(s, under_way);
    wait_until(s, paused);
    send(s, COMMAND_STOP, 0, "");
    assert_int_equal(wait_until(s, ended).state, SESSION_STOPPED);
    s->close(s);
    tiny_close(&t);
    resume(parts, 3, sets, SESSION_FINISHED);
    assert_true(file_hash(whole, "last.safetensors") == file_hash(parts, "last.safetensors"));
    assert_true(file_hash(whole, "best.safetensors") == file_hash(parts, "best.safetensors"));
    free(whole);
    free(parts);
}

// The child trains until it is killed, in the middle of whatever it does.
static void killed_child(const char *directory, const char *const *sets, int fd) {
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct session *s = start(&t, directory, (struct trainer_options){0});
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); now.step < 21; s->look(s, &now))
        s->wait(s, &version, 1000);
    if (write(fd, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void killed_and_resumed_equals_uninterrupted(void **state) {
    static const char *const sets[] = {"train.save_every=4", "optim.name=adam", "train.epochs=40",
                                       "freeze.bn=batch", NULL};
    char *whole = files_join(*state, "whole"), *parts = files_join(*state, "parts");
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        killed_child(parts, sets, pipes[1]);
    char ready;
    assert_int_equal(read(pipes[0], &ready, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    resume(parts, 1, sets, SESSION_FINISHED);
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct session *s = start(&t, whole, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    assert_true(file_hash(whole, "last.safetensors") == file_hash(parts, "last.safetensors"));
    free(whole);
    free(parts);
}

static struct snapshot wait_step(struct session *s, int64_t step) {
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); now.step != step || now.state == SESSION_RUNNING; s->look(s, &now))
        s->wait(s, &version, 1000);
    return now;
}

static void rewind_to(struct session *s, int64_t step, int branch) {
    struct command c = {.kind = COMMAND_REWIND, .count = step, .branch = branch};
    assert_true(s->send(s, &c));
}

// Trains on, goes back, trains on differently, goes back again; then each branch's events, run
// headless, give that branch's weights.
static void branches_run_again_give_the_same_bits(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    struct session *s = start(&t, hand, options);
    send(s, COMMAND_STEPS, 6, "");
    wait_step(s, 6);
    send(s, COMMAND_APPLY, 0, "thaw block");
    send(s, COMMAND_RUN, 0, "");
    wait_step(s, 48); // branch 0, to the end
    rewind_to(s, 6, 0);
    assert_int_equal(wait_step(s, 6).state, SESSION_PAUSED);
    send(s, COMMAND_APPLY, 0, "lr x0.5");
    send(s, COMMAND_STEPS, 10, "");
    assert_int_equal(wait_step(s, 16).branch, 1);
    send(s, COMMAND_APPLY, 0, "undo; thaw all"); // refused: undo stands alone
    send(s, COMMAND_APPLY, 0, "thaw all");
    send(s, COMMAND_APPLY, 0, "undo");
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_step(s, 48).branch, 1);
    send(s, COMMAND_STOP, 0, "");
    wait_until(s, ended);
    s->close(s);
    tiny_close(&t);
    uint64_t expected = file_hash(hand, "last.safetensors");
    char *path = files_join(hand, "events.jsonl");
    struct event_list events;
    struct error error;
    assert_true(event_read(path, &events, &error));
    assert_true(event_keep_branch(&events, 1, &error));
    event_keep_user(&events, -1);
    assert_int_equal(events.count, 4); // thaw block, lr, thaw all, undo
    tiny_open(&t, 1, eventful);
    s = start(&t, again, (struct trainer_options){.script = events});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    assert_true(file_hash(again, "last.safetensors") == expected);
    free(path);
    free(hand);
    free(again);
}

// Going back and doing the same again changes nothing.
static void rewinding_is_exact(void **state) {
    char *straight = files_join(*state, "straight"), *back = files_join(*state, "back");
    static const char *const sets[] = {"freeze.bn=batch", "optim.name=adam", NULL};
    for (int i = 0; i < 2; i++) {
        struct tiny t;
        tiny_open(&t, 2, sets);
        struct trainer_options options = {
            .paused = true, .interactive = true, .point_bytes = 1 << 22};
        struct session *s = start(&t, i ? back : straight, options);
        if (i == 1) {
            send(s, COMMAND_STEPS, 20, "");
            wait_step(s, 20);
            rewind_to(s, 16, 0);
            wait_step(s, 16);
        }
        send(s, COMMAND_PROBE, 3, "");
        send(s, COMMAND_RUN, 0, "");
        wait_step(s, 24);
        send(s, COMMAND_STOP, 0, "");
        wait_until(s, ended);
        s->close(s);
        tiny_close(&t);
    }
    assert_true(file_hash(straight, "last.safetensors") == file_hash(back, "last.safetensors"));
    free(straight);
    free(back);
}

// Left at a point gone back to: the state is that point's, on a branch of its own.
static void stopped_at_an_old_point_goes_on_from_there(void **state) {
    char *straight = files_join(*state, "straight"), *back = files_join(*state, "back");
    struct trainer_options options = {.interactive = true, .point_bytes = 1 << 22};
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, straight, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    options.paused = true;
    tiny_open(&t, 1, eventful);
    s = start(&t, back, options);
    send(s, COMMAND_STEPS, 10, "");
    wait_step(s, 10);
    send(s, COMMAND_APPLY, 0, "thaw block");
    send(s, COMMAND_STEPS, 10, "");
    wait_step(s, 20);
    rewind_to(s, 8, 0);
    wait_step(s, 8);
    send(s, COMMAND_STOP, 0, "");
    assert_int_equal(wait_until(s, ended).branch, 1);
    s->close(s);
    tiny_close(&t);
    resume(back, 1, eventful, SESSION_FINISHED);
    assert_true(file_hash(straight, "last.safetensors") == file_hash(back, "last.safetensors"));
    struct event_list events = script_of(back);
    assert_int_equal(events.count, 1); // the log is read, and has nothing new from the user
    event_list_close(&events);
    free(straight);
    free(back);
}

// Weights that are not finite could not be taken up again: they never replace a good state.
static void what_diverged_is_not_saved(void **state) {
    char *directory = files_join(*state, "run");
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, directory, options);
    send(s, COMMAND_STEPS, 3, "");
    wait_step(s, 3);
    send(s, COMMAND_SAVE, 0, "");
    send(s, COMMAND_APPLY, 0, "lr x1e38; lr x1e38");
    send(s, COMMAND_STEPS, 1, "");
    wait_step(s, 4);
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
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    struct session *s = start(&t, NULL, options);
    send(s, COMMAND_STEPS, 2, "");
    wait_step(s, 2);
    s->layers(s, &layers);
    assert_true(layers.params[thawed].gradient_norm > 0 && layers.params[thawed].drift > 0);
    assert_true(isnan(layers.params[frozen].gradient_norm));
    assert_true(layers.params[frozen].drift == 0);
    send(s, COMMAND_PROBE, 1, "");
    send(s, COMMAND_STEPS, 2, "");
    wait_step(s, 4);
    s->layers(s, &layers);
    assert_true(layers.params[frozen].gradient_norm > 0);
    layers_close(&layers);
    s->close(s);
    tiny_close(&t);
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

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(killed_and_resumed_equals_uninterrupted), // forks: before any thread
        IN_DIRECTORY(finishes_and_writes_its_files),
        cmocka_unit_test(pauses_steps_and_goes_on),
        IN_DIRECTORY(events_run_again_give_the_same_bits),
        IN_DIRECTORY(stopped_and_resumed_equals_uninterrupted),
        IN_DIRECTORY(branches_run_again_give_the_same_bits),
        IN_DIRECTORY(rewinding_is_exact),
        IN_DIRECTORY(stopped_at_an_old_point_goes_on_from_there),
        IN_DIRECTORY(what_diverged_is_not_saved),
        cmocka_unit_test(layers_are_measured_and_the_probe_shows_frozen_ones),
        cmocka_unit_test(divergence_pauses_at_the_keyboard),
        cmocka_unit_test(nothing_thawed_pauses),
        cmocka_unit_test(closing_a_running_session_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
