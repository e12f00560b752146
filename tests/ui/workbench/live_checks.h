// What must hold of a workbench over a live trainer, whatever was done.
#ifndef THAW_TESTS_LIVE_CHECKS_H
#define THAW_TESTS_LIVE_CHECKS_H

#include "live.h"

static inline void check_series(struct live *l, const struct series *s, int64_t after) {
    LIVE_CHECK(l, s->count <= HISTORY_BUCKETS, "too many buckets\n");
    for (int i = 0; i < s->count; i++) {
        const struct bucket *b = &s->buckets[i];
        LIVE_CHECK(l, b->first > after && b->first <= b->last, "bucket %d: %lld..%lld after %lld\n",
                   i, (long long)b->first, (long long)b->last, (long long)after);
        LIVE_CHECK(l, b->held > 0 && b->count <= b->held, "bucket %d is empty\n", i);
        after = b->last;
    }
}

// Branches stand in front and in order, each behind its parent's.
static inline void check_curves(struct live *l) {
    const struct scene *s = &l->app.scene;
    bool others = false;
    for (int i = 0; i < s->curve_count; i++) {
        const struct curves *c = &s->curves[i];
        const struct curves *parent = scene_branch(s, c->parent);
        int64_t after = c->branch > 0 ? c->forked : -1;
        LIVE_CHECK(l, c->branch < 0 || !others, "curve %d: a branch behind other runs\n", i);
        others |= c->branch < 0;
        if (c->branch > 0)
            LIVE_CHECK(l, parent && c->parent >= 0 && c->parent < c->branch,
                       "branch %d has parent %d\n", c->branch, c->parent);
        const struct series *const all[] = {&c->loss, &c->accuracy, &c->gradient,
                                            &c->lr,   &c->images,   &c->forward};
        for (int k = 0; k < 6; k++)
            check_series(l, all[k], after);
        check_series(l, &c->validation_loss, after - 1);
    }
}

static inline void check_log(struct live *l) {
    const struct scene *s = &l->app.scene;
    LIVE_CHECK(l, s->log_count <= SCENE_LOG, "%d lines\n", s->log_count);
    for (int i = 0; i < s->log_count; i++) {
        const struct log_line *line = &s->log[i];
        LIVE_CHECK(l, line->text && !strchr(line->text, '\n'), "line %d\n", i);
        LIVE_CHECK(l, !strstr(line->text, "its bytes changed"), "%s\n", line->text);
    }
    LIVE_CHECK(l, l->app.log.back >= 0 && l->app.log.back <= s->log_count, "back %d\n",
               l->app.log.back);
}

// Within a branch points never go back in time.
static inline void check_points(struct live *l) {
    const struct scene *s = &l->app.scene;
    LIVE_CHECK(l, s->point >= -1 && s->point < s->point_count, "point %d of %d\n", s->point,
               s->point_count);
    for (int i = 0; i < s->point_count; i++)
        for (int k = i - 1; k >= 0; k--)
            if (s->points[k].branch == s->points[i].branch) {
                LIVE_CHECK(l, s->points[k].step <= s->points[i].step, "points %d and %d\n", k, i);
                break;
            }
}

static inline void check_tree(struct live *l) {
    const struct tree *t = &l->app.tree;
    const struct model *m = l->tiny.model;
    LIVE_CHECK(l, t->cursor >= 0 && (t->cursor < t->count || (t->cursor == 0 && t->count == 0)),
               "cursor %d of %d\n", t->cursor, t->count);
    LIVE_CHECK(l, t->range >= -1 && t->range < (t->count ? t->count : 1), "range %d of %d\n",
               t->range, t->count);
    for (int i = 0; i < t->count; i++)
        LIVE_CHECK(l,
                   (t->rows[i].module < 0) != (t->rows[i].param < 0) &&
                       t->rows[i].module < m->module_count && t->rows[i].param < m->param_count,
                   "row %d\n", i);
}

static inline void check_panels(struct live *l) {
    const struct panels *p = &l->app.panels;
    int64_t from, to;
    panels_range(p, &l->app.scene, &from, &to);
    LIVE_CHECK(l, p->focus >= 0 && p->focus < LAYOUT_PANELS, "focus %d\n", p->focus);
    LIVE_CHECK(l, from >= 0 && from <= to && p->span >= 0, "%lld..%lld\n", (long long)from,
               (long long)to);
    LIVE_CHECK(l, !p->cursor_shown || p->cursor >= 0, "cursor %lld\n", (long long)p->cursor);
}

static inline void check_lists(struct live *l) {
    const struct app *a = &l->app;
    int pictures = a->scene.predictions.count, runs = a->runs.list.row_count;
    LIVE_CHECK(l, a->data.cursor >= 0 && a->data.cursor <= (pictures ? pictures - 1 : 0),
               "picture %d of %d\n", a->data.cursor, pictures);
    LIVE_CHECK(l, a->runs.cursor >= 0 && a->runs.cursor <= (runs ? runs - 1 : 0), "run %d of %d\n",
               a->runs.cursor, runs);
    LIVE_CHECK(l, a->schedule.top >= 0 && a->help_top >= 0 && a->data.scroll >= 0, "top\n");
    LIVE_CHECK(l,
               a->prompt.caret >= 0 && a->prompt.caret <= a->prompt.length &&
                   a->prompt.length == (int)strlen(a->prompt.text),
               "prompt '%s'\n", a->prompt.text);
}

// Also of two models made alike.
static inline bool same_flags(const struct flags *a, const struct flags *b) {
    return memcmp(a->thawed, b->thawed, (size_t)a->model->param_count * sizeof *a->thawed) == 0;
}

static inline bool same_settings(const struct settings *a, const struct settings *b) {
    size_t scales = (size_t)a->model->param_count * sizeof *a->lr_scale;
    return same_flags(&a->flags, &b->flags) && a->bn == b->bn && a->lr_factor == b->lr_factor &&
           memcmp(a->lr_scale, b->lr_scale, scales) == 0 && a->weight_decay == b->weight_decay &&
           a->epochs == b->epochs;
}

static inline void check_snapshot(struct live *l, const struct snapshot *before) {
    const struct scene *s = &l->app.scene;
    const struct snapshot *now = &s->now;
    LIVE_CHECK(l, now->state != SESSION_FAILED, "the session failed\n");
    LIVE_CHECK(l, now->step >= 0 && now->step <= now->total, "step\n");
    LIVE_CHECK(l, now->epoch >= 1 && now->epoch <= now->epochs, "epoch %lld of %lld\n",
               (long long)now->epoch, (long long)now->epochs);
    LIVE_CHECK(l, now->commands >= before->commands && now->commands <= s->sent, "%lld of %lld\n",
               (long long)now->commands, (long long)s->sent);
    LIVE_CHECK(l, now->thawed <= now->parameters && now->branch >= 0, "thawed\n");
    LIVE_CHECK(l, now->state != SESSION_FINISHED || now->step == now->total, "finished early\n");
    // Who has sent something since the last look is pending.
    LIVE_CHECK(l, s->pending || now->commands == s->sent, "not pending\n");
    LIVE_CHECK(l, s->text_count >= 0 && s->text_count <= COMMAND_QUEUE, "texts\n");
    if (now->commands == s->sent && !s->pending)
        LIVE_CHECK(l, same_settings(&s->settings, &s->wanted), "wanted is not what is\n");
}

static inline void check_app(struct live *l, const struct snapshot *before) {
    check_snapshot(l, before);
    check_points(l);
    check_tree(l);
    check_panels(l);
    check_lists(l);
}

// Waits until all that was sent is done or under way.
static inline void live_settle(struct live *l) {
    struct scene *s = &l->app.scene;
    int64_t version = -1;
    struct snapshot now;
    for (l->session->look(l->session, &now);
         now.commands < s->sent && (!ended(&now) || now.state == SESSION_FINISHED);
         l->session->look(l->session, &now))
        l->session->wait(l->session, &version, 1000);
    app_update(&l->app);
}

static inline bool agrees(const struct scene *s) {
    return s->now.thawed == freeze_thawed_count(&s->settings.flags) &&
           s->now.epochs == s->settings.epochs;
}

// A snapshot may be older than the settings, but another one follows.
static inline void check_agrees(struct live *l) {
    struct scene *s = &l->app.scene;
    int64_t version = l->app.version;
    for (int i = 0; i < 10000 && !agrees(s); i++) {
        l->session->wait(l->session, &version, 1);
        app_update(&l->app);
    }
    LIVE_CHECK(l, agrees(s), "%zu thawed, %lld epochs: not as the settings say\n", s->now.thawed,
               (long long)s->now.epochs);
}

// Whether what was sent last may still be under way, and change the flags when it is done.
static inline bool may_still_rewind(const struct live *l) {
    return l->sent > 0 && l->tail[(l->sent - 1) % LIVE_TAIL].kind == COMMAND_REWIND;
}

// When all that was sent is done, all that is shown is so.
static inline void check_still(struct live *l) {
    struct scene *s = &l->app.scene;
    struct settings wanted = settings_copy(&s->wanted);
    live_settle(l);
    LIVE_CHECK(l, !s->pending && s->text_count == 0, "still pending\n");
    LIVE_CHECK(l, same_settings(&s->settings, &s->wanted), "wanted is not what is\n");
    if (l->settings_only)
        LIVE_CHECK(l, same_flags(&s->settings.flags, &wanted.flags), "flags are not as wanted\n");
    settings_close(&wanted);
    check_agrees(l);
    l->settings_only = l->script == 0 && !may_still_rewind(l);
    check_curves(l);
    check_log(l);
}

#endif
