#include "trainer.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "publish.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trainer {
    struct session session; // first: a struct session * is a struct trainer *
    struct training *training;
    struct run run;
    struct event_list script;
    int scripted; // events of the script that were done
    struct command_queue commands;
    struct publisher publisher;
    pthread_t thread;
    atomic_bool abandon; // closing: end without saving
    // The trainer thread alone:
    enum session_state state;
    int64_t steps_left; // before pausing by itself; -1: no limit
    bool stop, save;
    struct error error;
    struct step_result last;
    double speed; // images per second
    double epoch_seconds;
};

static struct trainer *trainer_of(struct session *s) {
    return (struct trainer *)s;
}

static bool keeps_files(const struct trainer *t) {
    return t->run.directory != NULL;
}

static int64_t epoch_of(const struct training *t, int64_t step) {
    int64_t epoch = step / t->epoch_steps + 1;
    return epoch < training_settings(t)->epochs ? epoch : training_settings(t)->epochs;
}

static void publish(struct trainer *t) {
    const struct training *training = t->training;
    struct snapshot s = {
        .state = t->state,
        .error = t->error,
        .step = training->step,
        .total = training->total,
        .epoch = epoch_of(training, training->step),
        .epochs = training_settings(training)->epochs,
        .last = t->last,
        .running = training->epoch,
        .images_per_second = t->speed,
        .forward_seconds = training->pass.forward_seconds,
        .backward_seconds = training->pass.backward_seconds,
        .thawed = freeze_thawed_count(&training_settings(training)->flags),
        .parameters = model_trainable_count(training->model),
        .bytes = training->plan->cost.bytes,
        .cost = training->plan->cost,
    };
    publish_snapshot(&t->publisher, &s);
}

// A failure ends the session, but not when another one already has.
static bool fail(struct trainer *t, const struct error *error) {
    t->error = *error;
    t->state = SESSION_FAILED;
    return false;
}

static bool note_record(struct trainer *t, struct record *r) {
    publish_record(&t->publisher, r);
    struct error error;
    if (keeps_files(t) && r->kind != RECORD_EVENT && !run_metrics(&t->run, r, &error))
        return fail(t, &error);
    return true;
}

static bool note_event(struct trainer *t, const char *who, const char *text) {
    struct record r = {.kind = RECORD_EVENT, .step = t->training->step};
    r.epoch = epoch_of(t->training, r.step);
    snprintf(r.text, sizeof r.text, "%s: %s", who, text);
    publish_record(&t->publisher, &r);
    struct error error;
    if (keeps_files(t) && !run_event(&t->run, t->training->step, who, text, &error))
        return fail(t, &error);
    return true;
}

// A refused command is told and leaves everything as it was.
static bool apply(struct trainer *t, const char *text) {
    struct error error;
    if (training_apply(t->training, text, &error))
        return note_event(t, "user", text);
    t->error = error;
    return true;
}

static bool save_state(struct trainer *t) {
    struct error error;
    t->save = false;
    if (keeps_files(t) && !run_save_state(&t->run, t->training, &error))
        return fail(t, &error);
    return true;
}

static bool obey(struct trainer *t, const struct command *c) {
    switch (c->kind) {
    case COMMAND_APPLY:
        return apply(t, c->text);
    case COMMAND_RUN:
    case COMMAND_STEPS:
        t->state = SESSION_RUNNING;
        t->steps_left = c->kind == COMMAND_STEPS ? c->count : -1;
        return true;
    case COMMAND_PAUSE:
        t->state = SESSION_PAUSED;
        return true;
    case COMMAND_SAVE:
        return save_state(t);
    case COMMAND_STOP:
        t->stop = true;
        return true;
    }
    return true;
}

// What the script did at this step, before anything new.
static bool follow_script(struct trainer *t) {
    while (t->scripted < t->script.count && t->script.items[t->scripted].step <= t->training->step)
        if (!apply(t, t->script.items[t->scripted++].text))
            return false;
    return true;
}

// Drains the queue; while paused, sleeps in it.
static bool take_commands(struct trainer *t) {
    struct command c;
    if (t->state == SESSION_RUNNING && t->steps_left == 0)
        t->state = SESSION_PAUSED;
    if (t->state == SESSION_RUNNING && t->training->plan->trains == false)
        t->state = SESSION_PAUSED;
    publish(t);
    while (!t->stop && !atomic_load(&t->abandon) &&
           command_pop(&t->commands, &c, t->state == SESSION_PAUSED)) {
        if (!obey(t, &c))
            return false;
        publish(t);
    }
    return !atomic_load(&t->abandon);
}

static bool one_step(struct trainer *t) {
    struct error error;
    double start = clock_seconds();
    if (!training_step(t->training, &t->last, &error))
        return fail(t, &error);
    double seconds = clock_seconds() - start;
    double speed = (double)t->last.tally.samples / (seconds > 1e-9 ? seconds : 1e-9);
    t->speed = t->speed > 0 ? 0.9 * t->speed + 0.1 * speed : speed;
    t->epoch_seconds += seconds;
    t->steps_left -= t->steps_left > 0;
    struct record r = {.kind = RECORD_STEP, .step = t->training->step, .result = t->last};
    r.epoch = epoch_of(t->training, r.step - 1);
    return note_record(t, &r);
}

static bool evaluate(struct trainer *t, struct record *r) {
    struct training *training = t->training;
    const struct dataset *data = training->data.validation;
    int64_t every = training->experiment->train.evaluate_every;
    bool due = r->epoch % every == 0 || training->step == training->total;
    struct error error;
    if (!data || !due)
        return true;
    if (!training_evaluate(training, data, &r->validation, &error))
        return fail(t, &error);
    if (keeps_files(t) && !run_best(&t->run, training, &r->validation, &r->best, &error))
        return fail(t, &error);
    return true;
}

static bool end_epoch(struct trainer *t) {
    struct training *training = t->training;
    struct record r = {.kind = RECORD_EPOCH, .step = training->step, .train = training->epoch};
    r.epoch = training->step / training->epoch_steps;
    r.seconds = t->epoch_seconds;
    t->epoch_seconds = 0;
    if (!evaluate(t, &r) || !note_record(t, &r))
        return false;
    t->save |= training->experiment->train.save_every == 0;
    return true;
}

static bool after_step(struct trainer *t) {
    struct training *training = t->training;
    int64_t every = training->experiment->train.save_every;
    t->save |= every > 0 && training->step % every == 0;
    if (training->step % training->epoch_steps == 0 && !end_epoch(t))
        return false;
    return !t->save || save_state(t);
}

static bool finish(struct trainer *t) {
    struct training *training = t->training;
    struct record r = {.kind = RECORD_TEST, .step = training->step};
    r.epoch = epoch_of(training, training->step);
    struct error error;
    if (!training_verify(training, &error))
        return fail(t, &error);
    if (training->data.test) {
        if (!training_evaluate(training, training->data.test, &r.test, &error))
            return fail(t, &error);
        if (!note_record(t, &r))
            return false;
    }
    if (keeps_files(t) && !run_save_last(&t->run, training, &error))
        return fail(t, &error);
    t->state = SESSION_FINISHED;
    return true;
}

static bool work(struct trainer *t) {
    char *fingerprint = run_fingerprint();
    bool fresh = t->run.next_event == 1, ok = true;
    if (fresh && keeps_files(t)) {
        char *text = xprintf("start: %s", fingerprint);
        ok = note_event(t, "thaw", text);
        free(text);
    }
    free(fingerprint);
    while (ok && t->training->step < t->training->total) {
        if (!follow_script(t) || !take_commands(t))
            return false;
        if (t->stop)
            break;
        ok = one_step(t) && after_step(t);
    }
    if (ok && t->stop && t->training->step < t->training->total) {
        t->state = SESSION_STOPPED;
        return save_state(t);
    }
    return ok && finish(t);
}

static void *thread_main(void *context) {
    struct trainer *t = context;
    work(t);
    if (t->state == SESSION_RUNNING || t->state == SESSION_PAUSED)
        t->state = SESSION_STOPPED;
    publish(t);
    return NULL;
}

static bool door_send(struct session *s, const struct command *c) {
    return command_push(&trainer_of(s)->commands, c);
}

static void door_look(struct session *s, struct snapshot *out) {
    publish_look(&trainer_of(s)->publisher, out);
}

static int door_read(struct session *s, int64_t *cursor, struct record *out, int most) {
    return publish_read(&trainer_of(s)->publisher, cursor, out, most);
}

static void door_wait(struct session *s, int64_t *version, int milliseconds) {
    publish_wait(&trainer_of(s)->publisher, version, milliseconds);
}

static void door_close(struct session *s) {
    struct trainer *t = trainer_of(s);
    atomic_store(&t->abandon, true);
    command_push(&t->commands, &(struct command){.kind = COMMAND_PAUSE}); // wakes it
    pthread_join(t->thread, NULL);
    training_close(t->training);
    run_close(&t->run);
    event_list_close(&t->script);
    command_queue_close(&t->commands);
    publish_close(&t->publisher);
    free(t);
}

struct session *trainer_start(struct training *training, struct run *run,
                              const struct trainer_options *options) {
    struct trainer *t = xcalloc(1, sizeof *t);
    t->session = (struct session){door_send, door_look, door_read, door_wait, door_close};
    t->training = training;
    t->run = *run;
    *run = (struct run){0};
    t->script = options->script;
    t->state = options->paused ? SESSION_PAUSED : SESSION_RUNNING;
    t->steps_left = -1;
    command_queue_open(&t->commands);
    publish_open(&t->publisher);
    publish(t);
    if (pthread_create(&t->thread, NULL, thread_main, t) != 0)
        abort();
    return &t->session;
}

const struct training *trainer_training(const struct session *session) {
    return ((const struct trainer *)session)->training;
}
