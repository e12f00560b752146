// What the trainer's thread does: take commands, do a step, evaluate, save.
#include "base/clock.h"
#include "base/xalloc.h"
#include "data/class_weights.h"
#include "session/trainer_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool trainer_keeps_files(const struct trainer *t) {
    return t->run.directory != NULL;
}

int64_t trainer_epoch(const struct training *t, int64_t step) {
    int64_t epoch = step / t->epoch_steps + 1;
    return epoch < training_settings(t)->epochs ? epoch : training_settings(t)->epochs;
}

static void tell_note(struct trainer *t) {
    char *note = cache_note(&t->training->cache);
    if (note)
        trainer_note(t, "%s", note);
    free(note);
}

void trainer_publish(struct trainer *t) {
    const struct training *training = t->training;
    tell_note(t);
    struct snapshot s = {
        .state = t->state,
        .commands = t->taken,
        .branch = t->run.branch,
        .suggestions = t->suggestions,
        .lr_finds = t->lr_finds,
        .probe = t->probe,
        .error = t->error,
        .step = training->step,
        .total = training->total,
        .epoch = trainer_epoch(training, training->step),
        .epochs = training_settings(training)->epochs,
        .last = t->last,
        .running = training->epoch,
        .images_per_second = t->images_per_second,
        .speed = t->speed,
        .step_seconds = t->step_seconds,
        .forward_seconds = t->forward_seconds,
        .backward_seconds = t->backward_seconds,
        .thawed = freeze_thawed_count(&training_settings(training)->flags),
        .parameters = model_trainable_count(training->model),
        .bytes = training->plan->cost.bytes,
        .cost = training->plan->cost,
        .cache = cache_look(&training->cache),
        .spared = training->cached ? training->plan->cut.forward : 0,
    };
    // The layers first: who sees a step has its layers at hand.
    if (t->interactive)
        publish_layers(&t->publisher, &t->measure.values);
    publish_snapshot(&t->publisher, &s);
}

bool trainer_fail(struct trainer *t, const struct error *error) {
    t->error = *error;
    t->state = SESSION_FAILED;
    return false;
}

bool trainer_record(struct trainer *t, struct record *r, const struct figures *figures) {
    r->branch = t->run.branch;
    publish_record(&t->publisher, r);
    struct error error;
    if (trainer_keeps_files(t) && r->kind != RECORD_EVENT &&
        !run_metrics(&t->run, r, figures, &error))
        return trainer_fail(t, &error);
    return true;
}

bool trainer_event(struct trainer *t, const char *who, const char *text) {
    struct record r = {.kind = RECORD_EVENT, .step = t->training->step};
    r.epoch = trainer_epoch(t->training, r.step);
    r.branch = t->run.branch;
    snprintf(r.text, sizeof r.text, "%s: %s", who, text);
    publish_record(&t->publisher, &r);
    struct error error;
    return run_event(&t->run, t->training->step, who, text, &error) || trainer_fail(t, &error);
}

void trainer_note(struct trainer *t, const char *format, ...) {
    struct record r = {.kind = RECORD_NOTE, .step = t->training->step, .branch = t->run.branch};
    r.epoch = trainer_epoch(t->training, r.step);
    va_list args;
    va_start(args, format);
    vsnprintf(r.text, sizeof r.text, format, args);
    va_end(args);
    publish_record(&t->publisher, &r);
}

// A refused command is told and leaves everything as it was.
static bool apply(struct trainer *t, const char *text) {
    struct error error = {0};
    bool had_left = t->training->step < t->training->total;
    struct settings tried;
    bool fits = settings_history_try(&t->training->history, text, &tried, &error);
    if (fits)
        settings_close(&tried);
    if (fits && !trainer_leave_past(t))
        return false;
    if (!fits || !training_apply(t->training, text, &error)) {
        t->error = error;
        return true;
    }
    t->error = (struct error){0};
    bool left = t->training->step < t->training->total;
    if (t->state == SESSION_FINISHED && left)
        t->state = SESSION_PAUSED; // more epochs
    if (t->state == SESSION_PAUSED && had_left && !left)
        t->state = SESSION_RUNNING; // no more: it ends here
    publish_settings(&t->publisher, training_settings(t->training));
    bool ok = trainer_event(t, "user", text);
    if (t->interactive)
        trainer_keep_point(t, true);
    return ok;
}

// What keeps steps from going on ends a headless run; at the keyboard it pauses it, with the last
// good point at hand.
static bool halt(struct trainer *t, const struct error *error) {
    if (!t->interactive)
        return trainer_fail(t, error);
    t->error = *error;
    t->state = SESSION_PAUSED;
    return true;
}

// A headless run's events tell that it has diverged.
static bool diverged(struct trainer *t, const struct error *error) {
    return (t->interactive || trainer_event(t, "thaw", "diverged")) && halt(t, error);
}

bool trainer_save(struct trainer *t) {
    struct error error;
    t->save = false;
    if (!trainer_keeps_files(t))
        return true;
    if (!trainer_leave_past(t))
        return false;
    // What could not be taken up again must not replace what can.
    if (!training_finite(t->training, &error))
        return diverged(t, &error);
    t->saved = clock_seconds();
    return run_save_state(&t->run, t->training, &error) || trainer_fail(t, &error);
}

static void verify(struct trainer *t) {
    struct error error;
    const struct flags *flags = &training_settings(t->training)->flags;
    int frozen = 0;
    for (int p = 0; p < t->training->model->param_count; p++)
        frozen += !flags->thawed[p];
    if (training_verify(t->training, &error))
        trainer_note(t,
                     "verified: the bytes of all %d frozen tensors are what they were when frozen",
                     frozen);
    else
        t->error = error;
}

static bool gives_up(void *context) {
    struct trainer *t = context;
    return atomic_load(&t->abandon) || command_interrupts(&t->commands);
}

// What to thaw, from the weights as they are. It changes nothing, so it is no event.
static void look_for_suggestion(struct trainer *t, int64_t batches) {
    bool fits = batches >= SUGGEST_BATCHES_LEAST && batches <= SUGGEST_BATCHES_MOST;
    struct suggest_options options = {
        .batches = fits ? (int)batches : SUGGEST_BATCHES,
        .head_epochs = -1,
        .give_up = gives_up,
        .context = t,
    };
    struct suggestion s;
    t->error = (struct error){0};
    if (!suggest(t->training, &options, &s, &t->error))
        return;
    publish_suggestion(&t->publisher, &s);
    t->suggestions++;
}

// From which to which rate it trains. Nothing of it is kept, so it is no event either.
static void look_for_rate(struct trainer *t, int64_t steps) {
    bool fits = steps >= LR_FIND_STEPS_LEAST && steps <= LR_FIND_STEPS_MOST;
    struct lr_find_options options = {
        .from = LR_FIND_FROM,
        .to = LR_FIND_TO,
        .steps = fits ? (int)steps : LR_FIND_STEPS,
        .give_up = gives_up,
        .context = t,
    };
    struct lr_find f;
    t->error = (struct error){0};
    if (!lr_find(t->training, &options, &f, &t->error))
        return;
    publish_lr_find(&t->publisher, &f);
    t->lr_finds++;
}

static void go(struct trainer *t, int64_t steps) {
    if (t->training->step < t->training->total)
        t->state = SESSION_RUNNING;
    t->steps_left = steps;
    t->error = (struct error){0};
}

static bool obey(struct trainer *t, const struct command *c) {
    t->taken++;
    switch (c->kind) {
    case COMMAND_APPLY:
        return apply(t, c->text);
    case COMMAND_RUN:
        go(t, -1);
        return true;
    case COMMAND_STEPS:
        go(t, c->count);
        return true;
    case COMMAND_PAUSE:
        if (t->state == SESSION_RUNNING)
            t->state = SESSION_PAUSED;
        return true;
    case COMMAND_SAVE:
        t->error = (struct error){0};
        if (trainer_save(t) && t->error.kind == ERROR_NONE)
            trainer_note(t, trainer_keeps_files(t) ? "saved" : "this session keeps no files");
        return t->state != SESSION_FAILED;
    case COMMAND_STOP:
        t->stop = true;
        return true;
    case COMMAND_REWIND:
        trainer_rewind(t, c->count, c->branch);
        return true;
    case COMMAND_PROBE:
        t->probe = c->count > 0 ? c->count : 0;
        t->measure.probing = t->probe > 0;
        return true;
    case COMMAND_VERIFY:
        verify(t);
        return true;
    case COMMAND_SUGGEST:
        look_for_suggestion(t, c->count);
        return true;
    case COMMAND_LR_FIND:
        look_for_rate(t, c->count);
        return true;
    case COMMAND_SPEED:
        t->speed = c->count > 0 ? (double)c->count : 0;
        return true;
    }
    return true;
}

// An event that cannot be done again: what follows is not what followed then.
static bool refused(struct trainer *t, const struct event *e) {
    struct error error = t->error;
    error_prefix(&error, "the event '%s' of step %lld cannot be done again: ", e->text,
                 (long long)e->step);
    if (!t->interactive)
        return trainer_fail(t, &error);
    t->error = error;
    return true;
}

// What the script did at this step, before anything new.
static bool follow_script(struct trainer *t) {
    const struct event_list *script = &t->run.script;
    while (t->run.scripted < script->count &&
           script->items[t->run.scripted].step <= t->training->step) {
        const struct event *e = &script->items[t->run.scripted++];
        if (!apply(t, e->text) || (t->error.kind != ERROR_NONE && !refused(t, e)))
            return false;
    }
    return true;
}

static bool sleeps(const struct trainer *t) {
    return t->state != SESSION_RUNNING;
}

// Time until the next step is due.
static double early(const struct trainer *t) {
    return t->speed > 0 ? t->due - clock_seconds() : 0;
}

// The next command, if there is one before the next step.
static bool next_command(struct trainer *t, struct command *c) {
    for (double wait;;) {
        if (command_pop(&t->commands, c, sleeps(t)))
            return true;
        if ((wait = early(t)) <= 0)
            return false;
        command_wait(&t->commands, wait);
    }
}

// With all steps done that were asked for, or nothing to train now or later.
static void pause_when_idle(struct trainer *t) {
    const struct training *training = t->training;
    bool idle = !training->plan->trains && training->scheduled.next == training->schedule.count;
    bool left = training->step < training->total;
    if (t->state == SESSION_RUNNING && left && (t->steps_left == 0 || idle))
        t->state = SESSION_PAUSED;
}

// Drains the queue; while nothing is to do, sleeps in it.
static bool take_commands(struct trainer *t) {
    struct command c;
    pause_when_idle(t);
    trainer_publish(t);
    while (!t->stop && !atomic_load(&t->abandon) && next_command(t, &c)) {
        if (!obey(t, &c))
            return false;
        pause_when_idle(t);
        trainer_publish(t);
    }
    return !atomic_load(&t->abandon);
}

static void probe(struct trainer *t) {
    struct error error;
    if (t->probe == 0 || !t->interactive || t->training->step % t->probe != 0)
        return;
    if (training_probe(t->training, &error))
        return;
    t->probe = 0;
    t->error = error;
}

static bool one_step(struct trainer *t) {
    struct error error;
    if (!trainer_leave_past(t))
        return false;
    probe(t);
    double start = clock_seconds();
    if (t->speed > 0)
        t->due = start + 1 / t->speed;
    if (!training_step(t->training, &t->last, &error))
        return t->last.diverged ? diverged(t, &error) : halt(t, &error);
    run_reach(&t->run, t->training->step);
    double seconds = clock_seconds() - start;
    double speed = (double)t->last.batch / (seconds > 1e-9 ? seconds : 1e-9);
    double *mean = &t->images_per_second;
    *mean = *mean > 0 ? 0.9 * *mean + 0.1 * speed : speed;
    t->epoch_seconds += seconds;
    t->step_seconds = seconds;
    t->forward_seconds = t->training->pass.forward_seconds;
    t->backward_seconds = t->training->pass.backward_seconds;
    t->steps_left -= t->steps_left > 0;
    struct record r = {.kind = RECORD_STEP, .step = t->training->step, .result = t->last};
    r.epoch = trainer_epoch(t->training, r.step - 1);
    return trainer_record(t, &r, NULL);
}

static bool end_epoch(struct trainer *t) {
    struct training *training = t->training;
    struct record r = {.kind = RECORD_EPOCH, .step = training->step, .train = training->epoch};
    r.epoch = training->step / training->epoch_steps;
    r.seconds = t->epoch_seconds;
    r.thawed = (int64_t)freeze_thawed_count(&training_settings(training)->flags);
    r.parameters = (int64_t)model_trainable_count(training->model);
    t->epoch_seconds = 0;
    struct figures figures = {0};
    bool ok = trainer_validate(t, &r, &figures) && trainer_record(t, &r, &figures);
    figures_close(&figures);
    if (!ok)
        return false;
    bool evaluated = r.validation.samples > 0;
    if (!trainer_follow_schedule(t, evaluated ? &r.validation : NULL, false))
        return false;
    if (t->interactive)
        trainer_keep_point(t, false);
    bool old = clock_seconds() - t->saved >= TRAINER_SAVE_SECONDS;
    t->save |=
        training->experiment->train.save_every == 0 && (old || training->step == training->total);
    return true;
}

static bool after_step(struct trainer *t) {
    struct training *training = t->training;
    int64_t every = training->experiment->train.save_every;
    t->save |= every > 0 && training->step % every == 0;
    bool epoch_ends = training->step % training->epoch_steps == 0;
    if (epoch_ends ? !end_epoch(t) : !trainer_follow_schedule(t, NULL, false))
        return false;
    return !t->save || trainer_save(t);
}

// Proves that the frozen tensors stayed, tests, and saves.
static bool finish(struct trainer *t) {
    struct training *training = t->training;
    struct error error;
    if (!training_verify(training, &error))
        return trainer_fail(t, &error);
    if (!training_finite(training, &error))
        return diverged(t, &error);
    if (!trainer_test(t))
        return false;
    if (trainer_keeps_files(t) && !run_save_last(&t->run, training, &error))
        return trainer_fail(t, &error);
    t->state = SESSION_FINISHED;
    return true;
}

static bool note_start(struct trainer *t) {
    if (t->run.next_event != 1)
        return true;
    char *fingerprint = run_fingerprint(), *text = xprintf("start: %s", fingerprint);
    bool ok = trainer_event(t, "thaw", text) && (!t->training->experiment->freeze.reestimate_bn ||
                                                 trainer_event(t, "thaw", "bn reestimate"));
    free(text);
    free(fingerprint);
    return ok;
}

static void note_class_weights(struct trainer *t) {
    const struct training *training = t->training;
    struct text text = {0};
    if (!training->class_weight)
        return;
    class_weights_text(&text, training->class_weight, training->data.train);
    trainer_note(t, "classes weigh in the training loss: %s", text.data);
    text_free(&text);
}

static bool start(struct trainer *t) {
    // A new run's script stands nowhere but in its states.
    bool fresh = t->run.state == 0, scripted = fresh && t->run.script.count > 0;
    if (!note_start(t) || !trainer_look_at_source(t) ||
        (fresh && !trainer_follow_schedule(t, NULL, false)) || (scripted && !trainer_save(t)))
        return false;
    note_class_weights(t);
    if (t->interactive)
        trainer_keep_first(t);
    return true;
}

// Steps until all are done, or the session is to end.
static bool run_steps(struct trainer *t) {
    for (;;) {
        if (!follow_script(t))
            return false;
        if (t->training->step >= t->training->total)
            return true;
        if (!take_commands(t))
            return false;
        if (t->stop)
            return true;
        int64_t before = t->training->step;
        bool left = before < t->training->total; // a command may have ended it here
        if (t->state == SESSION_RUNNING && left &&
            (!one_step(t) || (t->training->step > before && !after_step(t))))
            return false;
    }
}

// At the keyboard a finished session goes on taking commands: to rewind, to add epochs.
static bool wait_for_more(struct trainer *t) {
    while (t->training->step >= t->training->total && !t->stop) {
        if (t->state == SESSION_RUNNING) // epochs that were added have been taken back
            t->state = SESSION_FINISHED;
        if (!take_commands(t))
            return false;
    }
    return true;
}

void trainer_work(struct trainer *t) {
    bool ok = start(t);
    while (ok && !t->stop) {
        ok = run_steps(t);
        if (!ok || t->training->step < t->training->total)
            break;
        ok = finish(t);
        if (!t->interactive)
            return;
        ok = ok && wait_for_more(t);
    }
    if (ok && t->stop && t->state != SESSION_FINISHED) {
        t->state = SESSION_STOPPED;
        trainer_save(t);
    }
}
