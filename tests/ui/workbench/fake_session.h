// A session without a trainer: it says what the test wrote into it, and obeys commands at once when
// it is told to.
#ifndef THAW_TESTS_FAKE_SESSION_H
#define THAW_TESTS_FAKE_SESSION_H

#include "session/session.h"
#include "tiny_run.h"
#include "ui/workbench/app.h"

enum { FAKE_RECORDS = 4096, FAKE_EPOCH = 8 };

struct fake {
    struct session session; // first
    struct experiment experiment;
    struct model *model;
    struct pool *pool;
    struct dataset *validation;
    struct snapshot now;
    struct settings_history history;
    struct record records[FAKE_RECORDS];
    int64_t record_count, version, taken;
    struct point_view points[64];
    int point_count, branches;
    struct command sent[COMMAND_QUEUE];
    int sent_count; // not yet obeyed
    bool forked;
};

static inline struct fake *fake_of(struct session *s) {
    return (struct fake *)s;
}

static inline bool fake_send(struct session *s, const struct command *c) {
    struct fake *f = fake_of(s);
    if (f->sent_count == COMMAND_QUEUE)
        return false;
    f->sent[f->sent_count++] = *c;
    return true;
}

static inline void fake_look(struct session *s, struct snapshot *out) {
    *out = fake_of(s)->now;
}

static inline int fake_read(struct session *s, int64_t *cursor, struct record *out, int most) {
    struct fake *f = fake_of(s);
    int count = 0;
    if (*cursor < f->record_count - FAKE_RECORDS)
        *cursor = f->record_count - FAKE_RECORDS;
    while (count < most && *cursor < f->record_count)
        out[count++] = f->records[(*cursor)++ % FAKE_RECORDS];
    return count;
}

static inline void fake_wait(struct session *s, int64_t *version, int milliseconds) {
    (void)milliseconds;
    *version = fake_of(s)->version;
}

static inline void fake_layers(struct session *s, struct layers_snapshot *out) {
    struct fake *f = fake_of(s);
    out->step = f->now.step > 0 ? f->now.step : -1;
    for (int p = 0; p < f->model->param_count; p++)
        out->params[p] = (struct layer_values){0.5f, 1e-3f, 1, 0.01f, 1, 0.02f};
}

static inline void fake_settings(struct session *s, struct settings *out) {
    *out = settings_copy(settings_now(&fake_of(s)->history));
}

static inline int fake_points(struct session *s, struct point_view *out, int most) {
    struct fake *f = fake_of(s);
    int count = f->point_count < most ? f->point_count : most;
    memcpy(out, f->points, (size_t)count * sizeof *out);
    return count;
}

// Every sample is said to be of class 0, but those of class 1 of class 2, with growing sureness.
static inline bool fake_predictions(struct session *s, enum evaluated on, struct predictions *out) {
    struct fake *f = fake_of(s);
    if (on != EVALUATED_VALIDATION)
        return false;
    int n = f->validation->count, classes = f->validation->classes;
    *out = (struct predictions){.count = n, .classes = classes};
    out->sample = calloc((size_t)n, sizeof(int));
    out->label = calloc((size_t)n, sizeof(int));
    out->predicted = calloc((size_t)n, sizeof(int));
    out->probability = calloc((size_t)n * (size_t)classes, sizeof(float));
    for (int i = 0; i < n; i++) {
        out->sample[i] = i;
        out->label[i] = f->validation->labels[i];
        out->predicted[i] = out->label[i] == 1 ? 2 : 0;
        out->probability[i * classes + out->predicted[i]] = 0.5f + 0.4f * (float)i / (float)n;
    }
    return true;
}

// Made up: the further from the head, the larger; everything is suggested.
static inline bool fake_suggestion(struct session *s, struct suggestion *out) {
    struct fake *f = fake_of(s);
    if (f->now.suggestions == 0)
        return false;
    *out = (struct suggestion){.model = f->model,
                               .parts = parts_of(f->model),
                               .full = {.forward = 100, .data = 50, .weight = 50},
                               .batches = 8,
                               .alignment = 0.5};
    int count = out->parts.count;
    out->rows = calloc((size_t)count + 1, sizeof *out->rows);
    for (int i = 0; i < count; i++)
        out->rows[i] = (struct suggest_row){.gradient = 1,
                                            .relative = 0.5 * (count - i),
                                            .rank = i + 1,
                                            .cost = {.forward = 100, .bytes = 1 << 20},
                                            .chosen = true};
    return true;
}

// Made up: a loss that falls over 20 rates.
static inline bool fake_lr_find(struct session *s, struct lr_find *out) {
    enum { COUNT = 20 };
    if (fake_of(s)->now.lr_finds == 0)
        return false;
    *out = (struct lr_find){.count = COUNT, .falling = true, .steepest = 0.0123, .tenth = 0.05};
    out->lr = calloc(COUNT, sizeof(double));
    out->loss = calloc(COUNT, sizeof(double));
    out->smoothed = calloc(COUNT, sizeof(double));
    for (int i = 0; i < COUNT; i++) {
        out->lr[i] = 1e-3 * (1 << (i / 2));
        out->loss[i] = out->smoothed[i] = 3 - 0.1 * i;
    }
    return true;
}

static inline void fake_record(struct fake *f, struct record r) {
    r.branch = f->now.branch;
    f->records[f->record_count++ % FAKE_RECORDS] = r;
    f->version++;
}

static inline void fake_event(struct fake *f, const char *who, const char *text) {
    struct record r = {.kind = RECORD_EVENT, .step = f->now.step};
    snprintf(r.text, sizeof r.text, "%s: %s", who, text);
    fake_record(f, r);
}

static inline void fake_point(struct fake *f, bool kept) {
    if (f->point_count < 64)
        f->points[f->point_count++] = (struct point_view){f->now.step, f->now.branch, kept, 0.7};
    f->version++;
}

static inline void fake_fork(struct fake *f) {
    if (!f->forked)
        return;
    f->forked = false;
    f->now.branch = f->branches++;
    fake_event(f, "user", "rewind");
}

static inline struct tally fake_tally(int64_t step) {
    return (struct tally){.loss = 8 * 2.0 / (1 + 0.1 * (double)step), .correct = 4, .samples = 8};
}

// One training step, and an evaluation at the end of an epoch.
static inline void fake_step(struct fake *f) {
    fake_fork(f);
    int64_t step = ++f->now.step;
    f->now.last = (struct step_result){fake_tally(step), 0.02, 1.5, 1};
    f->now.running = f->now.last.tally;
    f->now.images_per_second = 1000;
    f->now.epoch = (step - 1) / FAKE_EPOCH + 1;
    fake_record(f, (struct record){.kind = RECORD_STEP, .step = step, .result = f->now.last});
    if (step % FAKE_EPOCH == 0) {
        fake_record(f, (struct record){.kind = RECORD_EPOCH,
                                       .step = step,
                                       .epoch = step / FAKE_EPOCH,
                                       .train = f->now.running,
                                       .validation = fake_tally(step)});
        fake_point(f, false);
    }
    if (step >= f->now.total)
        f->now.state = SESSION_FINISHED;
}

static inline void fake_apply(struct fake *f, const char *text) {
    struct error error = {0};
    if (settings_history_apply(&f->history, text, &error)) {
        fake_fork(f);
        fake_event(f, "user", text);
        fake_point(f, true);
    }
    f->now.error = error;
    f->now.thawed = freeze_thawed_count(&settings_now(&f->history)->flags);
}

static inline void fake_rewind(struct fake *f, const struct command *c) {
    for (int i = f->point_count - 1; i >= 0; i--)
        if (f->points[i].step == c->count && f->points[i].branch == c->branch) {
            f->forked = c->count != f->now.step || c->branch != f->now.branch;
            f->now.step = c->count;
            f->now.branch = c->branch;
            f->now.state = SESSION_PAUSED;
            fake_record(f, (struct record){.kind = RECORD_NOTE, .step = c->count, .text = "back"});
            return;
        }
}

static inline void fake_obey_one(struct fake *f, const struct command *c) {
    bool ended = f->now.state != SESSION_RUNNING && f->now.state != SESSION_PAUSED;
    if (c->kind == COMMAND_APPLY)
        fake_apply(f, c->text);
    else if (c->kind == COMMAND_REWIND)
        fake_rewind(f, c);
    else if (c->kind == COMMAND_RUN && !ended)
        f->now.state = SESSION_RUNNING;
    else if (c->kind == COMMAND_PAUSE && !ended)
        f->now.state = SESSION_PAUSED;
    else if (c->kind == COMMAND_STOP && !ended)
        f->now.state = SESSION_STOPPED;
    else if (c->kind == COMMAND_SUGGEST)
        f->now.suggestions++;
    else if (c->kind == COMMAND_LR_FIND)
        f->now.lr_finds++;
    else if (c->kind == COMMAND_PROBE)
        f->now.probe = c->count;
    for (int64_t i = 0; c->kind == COMMAND_STEPS && i < c->count && i < 20 && !ended; i++)
        fake_step(f);
}

// Takes all commands that were sent.
static inline void fake_obey(struct fake *f) {
    for (int i = 0; i < f->sent_count; i++)
        fake_obey_one(f, &f->sent[i]);
    f->now.commands = f->taken += f->sent_count;
    f->version += f->sent_count > 0;
    f->sent_count = 0;
}

static inline void fake_close_session(struct session *s) {
    (void)s;
}

static inline void fake_open(struct fake *f) {
    static const char *const sets[] = {"freeze.rules=[thaw head]", NULL};
    *f = (struct fake){.session = {fake_send, fake_look, fake_read, fake_wait, fake_layers,
                                   fake_settings, fake_points, fake_predictions, fake_suggestion,
                                   fake_lr_find, fake_close_session},
                       .branches = 1};
    tiny_experiment(&f->experiment, sets);
    f->model = residual_model(0);
    f->pool = pool_open(1);
    f->validation = tiny_data(20);
    struct settings settings;
    struct error error;
    if (!settings_open(&settings, f->model, &f->experiment, &error))
        abort();
    settings_history_open(&f->history, settings);
    f->now = (struct snapshot){.state = SESSION_PAUSED,
                               .total = 3 * FAKE_EPOCH,
                               .epoch = 1,
                               .epochs = 3,
                               .parameters = model_trainable_count(f->model)};
    f->now.thawed = freeze_thawed_count(&settings.flags);
    fake_point(f, true);
}

static inline void fake_close(struct fake *f) {
    settings_history_close(&f->history);
    dataset_close(f->validation);
    pool_close(f->pool);
    model_close(f->model);
    experiment_close(&f->experiment);
}

static inline struct app_session fake_session(struct fake *f) {
    return (struct app_session){.session = &f->session,
                                .experiment = &f->experiment,
                                .model = f->model,
                                .validation = f->validation,
                                .pool = f->pool,
                                .directory = "runs/tiny-1"};
}

#endif
