// A session over a tiny training, and how tests wait for it.
#ifndef THAW_TESTS_TRAINER_SESSION_H
#define THAW_TESTS_TRAINER_SESSION_H

#include "directory.h"
#include "session/trainer.h"
#include "tiny_run.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// A session over a tiny training with its files in `directory` (NULL: none).
static inline struct session *start(struct tiny *t, const char *directory,
                                    struct trainer_options options) {
    struct run run = {0};
    struct error error;
    if (directory && !run_create(&run, directory, &t->experiment, &error))
        fail_msg("%s", error.text);
    struct session *session = trainer_start(t->training, &run, &options);
    t->training = NULL;
    return session;
}

static inline struct snapshot wait_until(struct session *s, bool (*is)(const struct snapshot *)) {
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); !is(&now); s->look(s, &now))
        s->wait(s, &version, 1000);
    return now;
}

static inline bool ended(const struct snapshot *s) {
    return s->state != SESSION_RUNNING && s->state != SESSION_PAUSED;
}

static inline bool paused(const struct snapshot *s) {
    return s->state == SESSION_PAUSED;
}

static inline bool under_way(const struct snapshot *s) {
    return s->step >= 5;
}

static inline void send(struct session *s, enum command_kind kind, int64_t count,
                        const char *text) {
    struct command c = {.kind = kind, .count = count};
    snprintf(c.text, sizeof c.text, "%s", text);
    assert_true(s->send(s, &c));
}

static inline uint64_t file_hash(const char *directory, const char *name) {
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

// With somebody at the keyboard, who begins; points have room.
static const struct trainer_options at_keyboard = {
    .paused = true, .interactive = true, .point_bytes = 1 << 20};

static const char *const eventful[] = {"freeze.rules=[thaw head]", "optim.name=adamw",
                                       "freeze.bn=batch", "train.epochs=6", NULL};

static inline struct snapshot wait_commands(struct session *s, int64_t commands) {
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); now.commands < commands; s->look(s, &now))
        s->wait(s, &version, 1000);
    return now;
}

static inline struct event_list script_of(const char *directory) {
    char *path = files_join(directory, "events.jsonl");
    struct event_list script;
    struct error error;
    if (!event_read(path, &script, &error))
        fail_msg("%s", error.text);
    event_keep_user(&script, -1);
    free(path);
    return script;
}

// A session that takes up a run's directory.
static inline struct session *reopen(struct tiny *t, int threads, const char *directory,
                                     const char *const *sets, struct trainer_options options) {
    struct run run;
    struct error error;
    tiny_open(t, threads, sets);
    if (!run_resume(&run, directory, t->training, &options.script, &error))
        fail_msg("%s", error.text);
    struct session *s = trainer_start(t->training, &run, &options);
    t->training = NULL;
    return s;
}

static inline void resume(const char *directory, int threads, const char *const *sets,
                          enum session_state expected) {
    struct tiny t;
    struct session *s = reopen(&t, threads, directory, sets, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, expected);
    s->close(s);
    tiny_close(&t);
}

// A run from start to end; the hash of its last weights.
static inline uint64_t straight(const char *directory, const char *const *sets) {
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct session *s = start(&t, directory, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    return file_hash(directory, "last.safetensors");
}

// Trains in a process of its own until it is killed, in the middle of whatever it does: at this
// step, or soon after. Forks: before there is any thread here. `speed`: steps a second at most.
static inline void killed_at(const char *directory, const char *const *sets, int64_t step,
                             double speed) {
    int pipes[2];
    char ready = 'x';
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tiny t;
        tiny_open(&t, 2, sets);
        struct session *s = start(&t, directory, (struct trainer_options){.speed = speed});
        struct snapshot now;
        int64_t version = -1;
        for (s->look(s, &now); now.step < step; s->look(s, &now))
            s->wait(s, &version, 1000);
        if (write(pipes[1], &ready, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(pipes[1]); // a child that fails is not waited for
    assert_int_equal(read(pipes[0], &ready, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipes[0]);
}

// Ends a session that was stopped, or had all its steps done.
static inline void stop(struct session *s, struct tiny *t) {
    send(s, COMMAND_STOP, 0, "");
    wait_until(s, ended);
    s->close(s);
    tiny_close(t);
}

static inline struct snapshot wait_step(struct session *s, int64_t step) {
    struct snapshot now;
    int64_t version = -1;
    for (s->look(s, &now); now.step != step || now.state == SESSION_RUNNING; s->look(s, &now))
        s->wait(s, &version, 1000);
    return now;
}

// Does the steps up to this one, from one before it where the session rests.
static inline struct snapshot steps_to(struct session *s, int64_t step) {
    struct snapshot now;
    s->look(s, &now);
    send(s, COMMAND_STEPS, step - now.step, "");
    return wait_step(s, step);
}

static inline void rewind_to(struct session *s, int64_t step, int branch) {
    struct command c = {.kind = COMMAND_REWIND, .count = step, .branch = branch};
    assert_true(s->send(s, &c));
}

#endif
