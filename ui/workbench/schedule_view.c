#include "ui/workbench/schedule_view.h"
#include "ui/workbench/paper.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMN = 18 };

static void fact(struct paper *p, const char *name, const char *value) {
    char left[COLUMN + 8];
    snprintf(left, sizeof left, "  %s", name);
    paper_pair(p, COLUMN, STYLE_DIM, left, STYLE_NORMAL, value);
}

static void draw_rules(struct paper *p, const struct experiment *e) {
    if (e->freeze.rules.count == 0)
        fact(p, "freeze", "everything is frozen at the start");
    for (int i = 0; i < e->freeze.rules.count; i++)
        fact(p, i == 0 ? "at the start" : "", e->freeze.rules.item[i]);
    fact(p, "BatchNorm", e->freeze.bn);
}

static void draw_rates(struct paper *p, const struct scene *s) {
    const struct experiment *e = s->experiment;
    char text[128];
    snprintf(text, sizeof text, "%s, peak %g", e->schedule.name, e->optim.lr);
    fact(p, "learning rate", text);
    for (int i = 0; i < e->optim.lr_scale.count; i++)
        fact(p, "", e->optim.lr_scale.item[i]);
    if (s->settings.model && s->settings.lr_factor != 1) {
        snprintf(text, sizeof text, "now times %.4g", s->settings.lr_factor);
        fact(p, "", text);
    }
}

// How many changes the schedule has made on the way to where the run stands.
static int count_scheduled(const struct scene *s) {
    int count = 0;
    for (int i = 0; i < s->mark_count; i++) {
        const struct event_mark *mark = &s->marks[i];
        count += strcmp(mark->who, "schedule") == 0 && mark->step <= s->now.step &&
                 scene_on_path(s, mark->branch, mark->step);
    }
    return count;
}

static int count_changes(const char *phase) {
    int count = 1;
    for (; *phase; phase++)
        count += *phase == ';';
    return count;
}

// Each phase is done, the next, or comes later.
static void draw_phases(struct paper *p, const struct scene *s) {
    const struct text_list *phases = &s->experiment->schedule.phases;
    int left = count_scheduled(s);
    bool next = true;
    for (int i = 0; i < phases->count; i++) {
        int changes = count_changes(phases->item[i]);
        bool done = left >= changes;
        left = done ? left - changes : 0;
        const char *when = done ? "  phase: done" : next ? "  phase: next" : "  phase: later";
        paper_pair(p, COLUMN, STYLE_DIM, when,
                   done   ? STYLE_DIM
                   : next ? STYLE_STRONG
                          : STYLE_NORMAL,
                   phases->item[i]);
        next = next && done;
    }
    if (*s->experiment->schedule.stop)
        fact(p, "ends early", s->experiment->schedule.stop);
}

static void draw_plan(struct paper *p, const struct scene *s) {
    const struct experiment *e = s->experiment;
    char text[128];
    paper_line(p, STYLE_TITLE, "What the experiment says");
    if (strcmp(e->strategy.name, "none") != 0)
        fact(p, "strategy", e->strategy.name);
    draw_rules(p, e);
    draw_phases(p, s);
    draw_rates(p, s);
    snprintf(text, sizeof text, "%s, weight decay %g", e->optim.name, e->optim.weight_decay);
    fact(p, "optimiser", text);
    snprintf(text, sizeof text, "%" PRId64 " epochs, %" PRId64 " steps of %" PRId64, s->now.epochs,
             s->now.total, e->train.batch);
    fact(p, "length", text);
    paper_line(p, STYLE_NORMAL, "%s", "");
}

static void draw_marks(struct paper *p, const struct scene *s) {
    paper_line(p, STYLE_TITLE, "What was done");
    if (s->mark_count == 0)
        paper_line(p, STYLE_DIM, "  nothing yet");
    for (int i = 0; i < s->mark_count; i++) {
        const struct event_mark *mark = &s->marks[i];
        char step[32], what[320];
        snprintf(step, sizeof step, "  step %" PRId64, mark->step);
        snprintf(what, sizeof what, "%s  (%s, branch %d)", mark->text, mark->who, mark->branch);
        bool here = scene_on_path(s, mark->branch, mark->step);
        paper_pair(p, COLUMN, STYLE_DIM, step, here ? STYLE_NORMAL : STYLE_DIM, what);
    }
    paper_line(p, STYLE_NORMAL, "%s", "");
}

static bool by_hand(const struct scene *s, const struct event_mark *mark) {
    return strcmp(mark->who, "user") == 0 && strcmp(mark->text, "rewind") != 0 &&
           scene_on_path(s, mark->branch, mark->step);
}

static void draw_events(struct paper *p, const struct scene *s) {
    paper_line(p, STYLE_TITLE, "By hand, on branch %d", s->now.branch);
    int count = 0;
    for (int i = 0; i < s->mark_count; i++) {
        const struct event_mark *mark = &s->marks[i];
        if (by_hand(s, mark))
            paper_line(p, STYLE_NORMAL, "  {\"step\":%" PRId64 ",\"do\":\"%s\"}", mark->step,
                       mark->text);
        count += by_hand(s, mark);
    }
    if (count == 0)
        paper_line(p, STYLE_DIM, "  nothing: the experiment alone reproduces this run");
    if (count == 0 || !s->directory)
        return;
    paper_line(p, STYLE_DIM, "  again, without a screen: thaw run --events %s", s->directory);
    paper_line(p, STYLE_DIM, "  as phases of a schedule: thaw schedule %s", s->directory);
}

void schedule_view_act(struct schedule_view *v, enum action action, int rows) {
    v->top = paper_scroll(v->top, v->lines, rows, action);
}

void schedule_view_draw(struct area area, const struct scene *s, struct schedule_view *v) {
    struct paper p = {.area = area, .top = v->top};
    if (!s->experiment) {
        paper_line(&p, STYLE_DIM, "loading");
        return;
    }
    draw_plan(&p, s);
    draw_marks(&p, s);
    draw_events(&p, s);
    v->lines = p.lines;
}
