#include "session/replay.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "session/replay_log.h"
#include "training/settings.h"
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WHOLE_SECONDS = 30 }; // what a run lasts at the first speed

struct replay {
    struct session session; // first: a struct session * is a struct replay *
    const struct model *model;
    const struct experiment *experiment;
    struct replay_log log;
    struct point_view *points;
    int point_count;
    struct pool *pool; // for plans
    // The rest is behind the lock.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int at;   // items played
    int told; // items that the door of records shows: the most that were ever played
    struct snapshot now;
    struct settings_history history;
    int64_t version;
    int64_t steps_left; // before pausing; -1: no limit
    double clock, due;  // when `due` was computed; steps to play, with a fraction
};

static struct replay *replay_of(struct session *s) {
    return (struct replay *)s;
}

static const struct settings *settings_at(const struct replay *r) {
    return settings_now(&r->history);
}

static int64_t last_step(const struct replay *r) {
    return r->log.items[r->log.count - 1].record.step;
}

// What follows from the settings

static void count_cost(struct replay *r) {
    const struct flags *flags = &settings_at(r)->flags;
    struct plan_options options = {
        .purpose = PLAN_TRAIN,
        .n = (int)r->experiment->train.batch,
        .pool = r->pool,
        .smoothing = (float)r->experiment->train.label_smoothing,
        .prefix_dropout = r->experiment->train.prefix_dropout,
        .precise = r->experiment->train.precise,
    };
    struct plan *plan = plan_make(flags, &options);
    r->now.cost = plan->cost;
    r->now.bytes = plan->cost.bytes;
    r->now.thawed = freeze_thawed_count(flags);
    plan_close(plan);
}

static void count_epochs(struct replay *r) {
    int64_t steps = r->log.epoch_steps, epochs = settings_at(r)->epochs;
    int64_t epoch = steps ? r->now.step / steps + 1 : 1;
    r->now.epochs = epochs;
    r->now.epoch = epoch < epochs ? epoch : epochs;
    r->now.total = steps ? epochs * steps : last_step(r);
}

// Playing

static void play_step(struct replay *r, const struct record *record) {
    int64_t steps = r->log.epoch_steps;
    const struct tally *t = &record->result.tally;
    struct tally *sum = &r->now.running;
    if (record->step == 1 || (steps && (record->step - 1) % steps == 0))
        *sum = (struct tally){0};
    sum->loss += t->loss;
    sum->correct += t->correct;
    sum->samples += t->samples;
    r->now.last = record->result;
}

// A setting that does not fit leaves everything as it was, with an error.
static bool play_item(struct replay *r, const struct replay_item *item, struct error *error) {
    const struct record *record = &item->record;
    r->now.step = record->step;
    r->now.branch = record->branch;
    if (record->kind == RECORD_STEP)
        play_step(r, record);
    if (record->kind == RECORD_EPOCH && record->seconds > 0 && !record->train.tokens)
        r->now.images_per_second = (double)record->train.samples / record->seconds;
    r->history.step = record->step;
    return !item->setting || settings_history_apply(&r->history, item->setting, error);
}

// Plays everything up to `step`.
static bool play_to(struct replay *r, int64_t step, struct error *error) {
    const struct replay_log *log = &r->log;
    bool ok = true;
    int texts = r->history.text_count;
    for (; ok && r->at < log->count && log->items[r->at].record.step <= step; r->at++)
        ok = play_item(r, &log->items[r->at], error);
    r->told = r->told > r->at ? r->told : r->at;
    if (r->history.text_count != texts)
        count_cost(r);
    count_epochs(r);
    r->version++;
    return ok;
}

static bool at_end(const struct replay *r) {
    return r->at == r->log.count;
}

static void rest(struct replay *r) {
    bool finished = r->log.epoch_steps && r->now.step >= r->now.total;
    r->now.state = !at_end(r) ? SESSION_PAUSED : finished ? SESSION_FINISHED : SESSION_STOPPED;
    r->due = 0;
}

// The first settings, at step 0.
static bool open_history(struct replay *r, struct error *error) {
    struct settings first;
    if (!settings_open(&first, r->model, r->experiment, error))
        return false;
    settings_history_open(&r->history, first);
    r->at = 0;
    r->now = (struct snapshot){
        .state = SESSION_PAUSED,
        .commands = r->now.commands,
        .speed = r->now.speed,
        .step_seconds = NAN,
        .forward_seconds = NAN,
        .backward_seconds = NAN,
        .parameters = model_trainable_count(r->model),
    };
    count_cost(r);
    return true;
}

// Both have been done before without a fault.
static void seek(struct replay *r, int64_t step) {
    int64_t last = last_step(r);
    step = step < 0 ? 0 : step > last ? last : step;
    if (step < r->now.step) {
        settings_history_close(&r->history);
        open_history(r, NULL);
    }
    play_to(r, step, NULL);
    rest(r);
}

// Plays what the time that has passed calls for.
static void advance(struct replay *r) {
    double now = clock_seconds();
    r->due += (now - r->clock) * r->now.speed;
    r->clock = now;
    if (r->now.state != SESSION_RUNNING)
        r->due = 0;
    int64_t last = last_step(r), most = last - r->now.step;
    if (r->steps_left >= 0 && r->steps_left < most)
        most = r->steps_left;
    int64_t steps = r->due < (double)most ? (int64_t)r->due : most;
    if (r->now.state != SESSION_RUNNING || (steps == 0 && most > 0))
        return;
    r->due -= (double)steps;
    r->steps_left -= r->steps_left >= 0 ? steps : 0;
    play_to(r, r->now.step + steps, NULL);
    if (steps == most)
        rest(r);
}

// Commands

static void go(struct replay *r, int64_t steps) {
    if (at_end(r)) {
        error_set(&r->now.error, "the run ended here, at step %" PRId64 "; go back to see it again",
                  r->now.step);
        return;
    }
    r->now.state = SESSION_RUNNING;
    r->steps_left = steps < 0 ? -1 : steps;
}

static void set_speed(struct replay *r, int64_t speed) {
    if (speed < 1)
        error_set(&r->now.error, "a speed is a number of steps a second, from 1 on");
    else
        r->now.speed = (double)speed;
}

static void obey(struct replay *r, const struct command *c) {
    r->now.error = (struct error){0};
    switch (c->kind) {
    case COMMAND_RUN:
        go(r, -1);
        break;
    case COMMAND_STEPS:
        go(r, c->count > 0 ? c->count : 0);
        break;
    case COMMAND_PAUSE:
        if (r->now.state == SESSION_RUNNING)
            rest(r);
        break;
    case COMMAND_STOP:
        if (r->now.state != SESSION_FINISHED)
            r->now.state = SESSION_STOPPED;
        break;
    case COMMAND_REWIND:
        seek(r, c->count);
        break;
    case COMMAND_SPEED:
        set_speed(r, c->count);
        break;
    case COMMAND_APPLY:
        error_set(&r->now.error, "this is a replay: settings are what they were");
        break;
    case COMMAND_SAVE:
    case COMMAND_PROBE:
    case COMMAND_VERIFY:
    case COMMAND_SUGGEST:
    case COMMAND_LR_FIND:
        error_set(&r->now.error, "this is a replay: it has records, but no weights");
    }
}

// Doors

static struct replay *enter(struct session *s) {
    struct replay *r = replay_of(s);
    pthread_mutex_lock(&r->lock);
    advance(r);
    return r;
}

static void leave(struct replay *r) {
    pthread_mutex_unlock(&r->lock);
}

static bool door_send(struct session *s, const struct command *c) {
    struct replay *r = enter(s);
    obey(r, c);
    r->now.commands++;
    r->version++;
    pthread_cond_broadcast(&r->changed);
    leave(r);
    return true;
}

static void door_look(struct session *s, struct snapshot *out) {
    struct replay *r = enter(s);
    *out = r->now;
    leave(r);
}

static int door_read(struct session *s, int64_t *cursor, struct record *out, int most) {
    struct replay *r = enter(s);
    int count = 0;
    while (count < most && *cursor < r->told)
        out[count++] = r->log.items[(*cursor)++].record;
    leave(r);
    return count;
}

// Sleeps until `end`, the next step or a command.
static void sleep_on(struct replay *r, double end) {
    double next = r->clock + (1 - r->due) / r->now.speed;
    double until = r->now.state == SESSION_RUNNING && next < end ? next : end;
    struct timespec at = {.tv_sec = (time_t)until};
    at.tv_nsec = (long)((until - (double)at.tv_sec) * 1e9);
    pthread_cond_timedwait(&r->changed, &r->lock, &at);
    advance(r);
}

static void door_wait(struct session *s, int64_t *version, int milliseconds) {
    struct replay *r = enter(s);
    double end = clock_seconds() + milliseconds * 1e-3;
    while (r->version == *version && r->clock < end)
        sleep_on(r, end);
    *version = r->version;
    leave(r);
}

static void door_layers(struct session *s, struct layers_snapshot *out) {
    (void)s;
    out->step = -1;
    for (int p = 0; p < out->param_count; p++)
        out->params[p] = (struct layer_values){NAN, NAN, NAN, NAN, NAN, NAN};
    for (int m = 0; m < out->module_count; m++)
        out->seconds[m] = NAN;
}

static void door_settings(struct session *s, struct settings *out) {
    struct replay *r = enter(s);
    *out = settings_copy(settings_at(r));
    leave(r);
}

static int door_points(struct session *s, struct point_view *out, int most) {
    const struct replay *r = replay_of(s);
    int skip = r->point_count > most ? r->point_count - most : 0;
    int count = r->point_count - skip;
    if (count > 0)
        memcpy(out, r->points + skip, (size_t)count * sizeof *out);
    return count;
}

static bool door_suggestion(struct session *s, struct suggestion *out) {
    (void)s;
    *out = (struct suggestion){0};
    return false;
}

static bool door_lr_find(struct session *s, struct lr_find *out) {
    (void)s;
    *out = (struct lr_find){0};
    return false;
}

static bool door_predictions(struct session *s, enum evaluated on, struct predictions *out) {
    (void)s, (void)on;
    *out = (struct predictions){0};
    return false;
}

static void door_close(struct session *s) {
    struct replay *r = replay_of(s);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    settings_history_close(&r->history);
    replay_log_close(&r->log);
    free(r->points);
    pool_close(r->pool);
    free(r);
}

// The start, ends of epochs, and changes of settings.
static void open_points(struct replay *r) {
    struct point_view point = {.kept = true, .validation_loss = NAN};
    r->points = xmalloc(((size_t)r->log.count + 1) * sizeof *r->points);
    r->points[r->point_count++] = point;
    for (int i = 0; i < r->log.count; i++) {
        const struct replay_item *item = &r->log.items[i];
        if (item->record.kind != RECORD_EPOCH && !item->setting)
            continue;
        if (item->record.validation.samples)
            point.validation_loss = tally_loss(&item->record.validation);
        point.step = item->record.step;
        point.branch = item->record.branch;
        point.kept = item->setting != NULL;
        r->points[r->point_count++] = point;
    }
}

static void open_locks(struct replay *r) {
    pthread_condattr_t monotonic;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

// Plays all once, so that what does not fit is found now.
static bool try_all(struct replay *r, const char *directory, struct error *error) {
    if (!open_history(r, error))
        return false;
    if (!play_to(r, INT64_MAX, error))
        return error_prefix(error, "%s/events.jsonl: step %" PRId64 ": ", directory, r->now.step);
    settings_history_close(&r->history);
    r->told = 0;
    return open_history(r, error) && play_to(r, 0, error);
}

struct session *replay_open(const char *run_directory, int branch, const struct model *model,
                            const struct experiment *e, struct error *error) {
    struct replay *r = xcalloc(1, sizeof *r);
    r->session = (struct session){
        .send = door_send,
        .look = door_look,
        .read = door_read,
        .wait = door_wait,
        .layers = door_layers,
        .settings = door_settings,
        .points = door_points,
        .predictions = door_predictions,
        .suggestion = door_suggestion,
        .lr_find = door_lr_find,
        .close = door_close,
    };
    r->model = model;
    r->experiment = e;
    r->pool = pool_open(1);
    r->steps_left = -1;
    open_locks(r);
    if (!replay_log_read(&r->log, run_directory, branch, e->train.batch, error) ||
        !try_all(r, run_directory, error)) {
        door_close(&r->session);
        return NULL;
    }
    open_points(r);
    r->now.speed = fmax(1, (double)last_step(r) / WHOLE_SECONDS);
    r->clock = clock_seconds();
    return &r->session;
}
