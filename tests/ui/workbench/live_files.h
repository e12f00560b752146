// What must hold of a run's files after its session: they are read again, tell the same as the
// workbench did, and their events done again headless give the same bits.
#ifndef THAW_TESTS_LIVE_FILES_H
#define THAW_TESTS_LIVE_FILES_H

#include "live_checks.h"
#include "ui/report/metrics.h"

// How a session ended.
struct ending {
    bool over, saved; // ended rather than discarded; its state is what it was at the end
    struct snapshot last;
    float *weights;
    size_t floats;
    struct settings settings;
    int64_t *optim_steps;
};

static inline struct ending ending_of(struct live *l, bool over) {
    struct ending e = {.over = over};
    struct error error;
    l->session->look(l->session, &e.last);
    if (!over)
        return e;
    const struct training *t = trainer_training(l->session);
    e.floats = t->model->weight_floats;
    e.weights = xmemdup(t->weights.data, e.floats * sizeof *e.weights);
    e.settings = settings_copy(training_settings(t));
    e.saved = e.last.state == SESSION_STOPPED && training_finite(t, &error);
    LIVE_CHECK(l, training_verify(t, &error), "%s\n", error.text);
    e.optim_steps = xcalloc((size_t)t->model->param_count, sizeof *e.optim_steps);
    for (int p = 0; p < t->model->param_count; p++)
        e.optim_steps[p] = t->optim.states[p].steps;
    return e;
}

static inline void ending_close(struct ending *e) {
    free(e->weights);
    free(e->optim_steps);
    settings_close(&e->settings);
}

static inline void check_same_training(struct live *l, const struct ending *e,
                                       const struct training *t, const char *what) {
    LIVE_CHECK(l, t->step == e->last.step, "%s: step %lld, not %lld\n", what, (long long)t->step,
               (long long)e->last.step);
    for (int p = 0; p < t->model->param_count; p++) {
        const struct param *param = &t->model->params[p];
        size_t at = (size_t)(weights_at(&t->weights, p) - t->weights.data);
        LIVE_CHECK(l, memcmp(t->weights.data + at, e->weights + at, param_bytes(param)) == 0,
                   "%s: %s differs at step %lld\n", what, param->name, (long long)t->step);
        LIVE_CHECK(l, t->optim.states[p].steps == e->optim_steps[p], "%s: steps of %s\n", what,
                   param->name);
    }
    LIVE_CHECK(
        l, e->last.state != SESSION_STOPPED || same_settings(training_settings(t), &e->settings),
        "%s: settings differ: epochs %lld, %lld; lr %g, %g; wd %g, %g; bn %d, %d; %zu, %zu "
        "thawed\n",
        what, (long long)training_settings(t)->epochs, (long long)e->settings.epochs,
        training_settings(t)->lr_factor, e->settings.lr_factor, training_settings(t)->weight_decay,
        e->settings.weight_decay, training_settings(t)->bn, e->settings.bn,
        freeze_thawed_count(&training_settings(t)->flags), freeze_thawed_count(&e->settings.flags));
}

// The tree of branches

static inline int event_index(const struct event_list *list, int64_t id) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return i;
    return -1;
}

// A branch begins with a rewind; all else follows an event of the same branch.
static inline void check_event_tree(struct live *l, const struct event_list *list) {
    int branches = 1;
    for (int i = 0; i < list->count; i++) {
        const struct event *e = &list->items[i];
        int parent = event_index(list, e->parent);
        bool opens = strcmp(e->text, "rewind") == 0;
        LIVE_CHECK(l, parent >= 0 || e->parent == 0, "event %lld has no parent\n",
                   (long long)e->id);
        LIVE_CHECK(l, !opens || (e->branch == branches && parent >= 0),
                   "event %lld opens branch %lld of %d\n", (long long)e->id, (long long)e->branch,
                   branches);
        LIVE_CHECK(l,
                   opens || (parent < 0 ? e->branch == 0 : list->items[parent].branch == e->branch),
                   "event %lld is not of its parent's branch\n", (long long)e->id);
        branches += opens;
    }
}

// The workbench shows the events that the file has; a discarded session may have missed the last.
static inline void check_marks(struct live *l, const struct event_list *list, bool all) {
    const struct scene *s = &l->app.scene;
    int at = 0;
    for (int i = 0; i < list->count; i++) {
        const struct event *e = &list->items[i];
        if (strcmp(e->who, "thaw") == 0)
            continue;
        if (at == s->mark_count && !all)
            return;
        LIVE_CHECK(l, at < s->mark_count, "event %lld is not shown\n", (long long)e->id);
        const struct event_mark *mark = &s->marks[at++];
        LIVE_CHECK(l,
                   mark->step == e->step && mark->branch == e->branch &&
                       strcmp(mark->text, e->text) == 0 && strcmp(mark->who, e->who) == 0,
                   "event %lld '%s' of step %lld is shown as '%s' of step %lld\n", (long long)e->id,
                   e->text, (long long)e->step, mark->text, (long long)mark->step);
        if (strcmp(e->text, "rewind") != 0)
            continue;
        const struct curves *c = scene_branch(s, (int)e->branch);
        int parent = event_index(list, e->parent);
        LIVE_CHECK(l, c && c->forked == e->step && c->parent == list->items[parent].branch,
                   "branch %lld left branch %lld at step %lld, shown: %d at %lld\n",
                   (long long)e->branch, (long long)list->items[parent].branch, (long long)e->step,
                   c ? c->parent : -2, c ? (long long)c->forked : 0);
    }
    LIVE_CHECK(l, at == s->mark_count, "more is shown than happened\n");
}

struct metrics_check {
    struct live *live;
    const struct event_list *events;
    int64_t steps[256]; // the last one of each branch
    int lines;
};

static inline void check_metric(void *context, const struct record *r) {
    struct metrics_check *c = context;
    c->lines++;
    if (r->kind != RECORD_STEP || r->branch >= 256)
        return;
    int first = 0;
    while (first < c->events->count && c->events->items[first].branch != r->branch)
        first++;
    LIVE_CHECK(c->live, first < c->events->count, "metrics: branch %d has no event\n", r->branch);
    int64_t forked = r->branch > 0 ? c->events->items[first].step : 0;
    int64_t before = c->steps[r->branch] ? c->steps[r->branch] : forked;
    LIVE_CHECK(c->live, r->step == before + 1, "metrics: step %lld of branch %d after %lld\n",
               (long long)r->step, r->branch, (long long)before);
    c->steps[r->branch] = r->step;
}

static inline void check_metrics(struct live *l, const struct event_list *events) {
    struct metrics_check check = {.live = l, .events = events};
    struct error error;
    char *path = files_join(l->directory, "metrics.jsonl");
    struct mapping file;
    int lines = 0;
    LIVE_CHECK(l, metrics_read(path, check_metric, &check, &error), "%s\n", error.text);
    LIVE_CHECK(l, mapping_open(&file, path, &error), "%s\n", error.text);
    for (size_t i = 0; i < file.size; i++)
        lines += file.data[i] == '\n';
    LIVE_CHECK(l, file.size == 0 || file.data[file.size - 1] == '\n', "half a line\n");
    LIVE_CHECK(l, lines == check.lines, "%d of %d lines are metrics\n", check.lines, lines);
    mapping_close(&file);
    free(path);
}

// Doing it again

// As `thaw run --events` reads it.
static inline struct event_list script_to(struct live *l, int branch) {
    struct event_list script;
    struct error error;
    live_read_events(l, l->directory, &script);
    if (script.count > 0)
        LIVE_CHECK(l, event_keep_branch(&script, branch, &error), "%s\n", error.text);
    event_keep_user(&script, -1);
    return script;
}

static inline void check_replay(struct live *l, const struct ending *e) {
    struct tiny t;
    struct snapshot now;
    struct trainer_options options = {.paused = true, .script = script_to(l, e->last.branch)};
    int64_t version = -1;
    tiny_open(&t, 1 + (l->number + 1) % 2, live_kinds[l->number % LIVE_KINDS]);
    struct session *s = start(&t, NULL, options);
    if (e->last.step > 0)
        send(s, COMMAND_STEPS, e->last.step, "");
    for (s->look(s, &now);
         !ended(&now) && (now.commands < (e->last.step > 0) || now.state == SESSION_RUNNING);
         s->look(s, &now))
        s->wait(s, &version, 1000);
    LIVE_CHECK(l, now.state != SESSION_FAILED, "done again: %s\n", now.error.text);
    if (!ended(&now)) {
        send(s, COMMAND_STOP, 0, "");
        wait_until(s, ended);
    }
    check_same_training(l, e, trainer_training(s), "done again");
    s->close(s);
    tiny_close(&t);
}

// The saved state is what there was at the end.
static inline void check_state(struct live *l, const struct ending *e) {
    struct tiny t;
    struct run run;
    struct event_list later;
    live_resume(l, &t, &run, l->number, &later);
    if (e->saved) {
        check_same_training(l, e, t.training, "the saved state");
        LIVE_CHECK(l, run.branch == e->last.branch, "the saved state: branch %d\n", run.branch);
        // What was to be done again when the session ended before that.
        for (int i = 0; i < later.count; i++)
            LIVE_CHECK(l, later.items[i].step > e->last.step, "'%s' of step %lld is to come\n",
                       later.items[i].text, (long long)later.items[i].step);
    }
    event_list_close(&later);
    run_close(&run);
    tiny_close(&t);
}

#endif
