#include "ui/workbench/what_if.h"
#include "base/text.h"
#include "ui/workbench/draw.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MEASURED_LEAST = 3, // steps from which on a mean says something
    MEASURED_MOST = 50, // so many weigh alike; then the mean forgets
    LINES = 7,
    LINE = 128,
};

static double all_flops(const struct plan_cost *c) {
    return c->forward + c->data + c->weight;
}

static double speed_up(const struct plan_cost *now, const struct plan_cost *then) {
    return all_flops(then) > 0 ? all_flops(now) / all_flops(then) : 0;
}

static void dry_run(const struct scene *s, struct pool *pool, const struct settings *settings,
                    struct plan_cost *cost, size_t *cache) {
    const struct experiment *e = s->experiment;
    struct plan_options options = {
        .purpose = PLAN_TRAIN,
        .n = (int)e->train.batch,
        .pool = pool,
        .smoothing = (float)e->train.label_smoothing,
        .prefix_dropout = e->train.prefix_dropout,
        .precise = e->train.precise,
    };
    struct plan *plan = plan_make(&settings->flags, &options);
    *cost = plan->cost;
    *cache = plan->cut.forward > 0 ? plan->cut.floats : 0;
    plan_close(plan);
}

void what_if_compute(struct what_if *w, const struct scene *s, struct pool *pool,
                     const char *command) {
    struct error error = {0};
    struct what_if_measure measure = w->measure;
    *w = (struct what_if){.measure = measure};
    if (!s->model || !s->experiment || !s->wanted.flags.model || !command || !*command)
        return;
    snprintf(w->text, sizeof w->text, "%s", command);
    struct settings then = settings_copy(&s->wanted);
    w->valid = settings_apply(&then, command, &error);
    if (w->valid) {
        w->all = model_trainable_count(s->model);
        w->trained_now = freeze_thawed_count(&s->wanted.flags);
        w->trained = freeze_thawed_count(&then.flags);
        dry_run(s, pool, &s->wanted, &w->now, &w->cache_now);
        dry_run(s, pool, &then, &w->then, &w->cache_then);
        w->speed_up = speed_up(&w->now, &w->then);
    } else {
        snprintf(w->error, sizeof w->error, "%.*s", (int)sizeof w->error - 1, error.text);
    }
    settings_close(&then);
}

static bool same_cost(const struct plan_cost *a, const struct plan_cost *b) {
    return a->forward == b->forward && a->data == b->data && a->weight == b->weight &&
           a->bytes == b->bytes;
}

static void measure_anew(struct what_if_measure *m) {
    m->steps = 0;
    m->seconds = 0;
}

// A plan that was in force for a moment only is no measure: then the one before it stays.
static void change_plan(struct what_if_measure *m, const struct snapshot *now) {
    if (m->steps >= MEASURED_LEAST) {
        m->before = m->seconds / m->steps;
        m->was_cached = m->cached;
        m->ceiling = speed_up(&m->cost, &now->cost);
        m->changed = true;
    } else if (m->changed) {
        m->ceiling *= speed_up(&m->cost, &now->cost);
    }
    m->cost = now->cost;
    measure_anew(m);
}

void what_if_watch(struct what_if *w, const struct scene *s) {
    struct what_if_measure *m = &w->measure;
    const struct snapshot *now = &s->now;
    int64_t samples = now->last.batch;
    bool moved = now->step != m->step || now->branch != m->branch;
    m->step = now->step;
    m->branch = now->branch;
    if (!same_cost(&m->cost, &now->cost)) {
        change_plan(m, now);
        return; // the time may still be that of a step before
    }
    m->samples = samples > m->samples ? samples : m->samples;
    bool cached = now->spared > 0;
    if (cached != m->cached)
        measure_anew(m);
    m->cached = cached;
    if (!moved || samples < m->samples || !(now->step_seconds > 0))
        return;
    if (m->steps == MEASURED_MOST) {
        m->seconds -= m->seconds / m->steps;
        m->steps--;
    }
    m->seconds += now->step_seconds;
    m->steps++;
}

double what_if_measured(const struct what_if *w) {
    const struct what_if_measure *m = &w->measure;
    if (!m->changed || m->steps < MEASURED_LEAST)
        return NAN;
    return m->before / (m->seconds / m->steps);
}

// Words

// "650", "18.5k"
static const char *count(double value, char out[32]) {
    text_si(value, out);
    char *blank = strchr(out, ' ');
    if (blank)
        memmove(blank, blank + 1, strlen(blank));
    return out;
}

// "2.1 M → 31.0 M"; one number when both are the same.
static void change(char *out, size_t size, const char *now, const char *then) {
    if (strcmp(now, then) == 0)
        snprintf(out, size, "%s", now);
    else
        snprintf(out, size, "%s %s %s", now, draw_symbol(SYMBOL_ARROW), then);
}

static const char *times(double factor, char out[32]) {
    snprintf(out, 32, factor >= 9.95 ? "%.0f" : "%.3g", factor);
    return out;
}

struct line {
    const char *label; // "" : the text says it itself
    char text[LINE];
};

static void line_trained(const struct what_if *w, struct line *l) {
    char now[32], then[32], all[32], both[80];
    change(both, sizeof both, count((double)w->trained_now, now), count((double)w->trained, then));
    l->label = "trains";
    snprintf(l->text, LINE, "%s of %s", both, count((double)w->all, all));
}

static void line_speed(const struct what_if *w, struct line *l) {
    char factor[32];
    l->label = "speed";
    if (w->trained == 0)
        snprintf(l->text, LINE, "nothing to train: it would pause");
    else if (fabs(w->speed_up - 1) < 0.005)
        snprintf(l->text, LINE, "as fast as now");
    else
        snprintf(l->text, LINE, "%s %s× as fast", w->speed_up > 1 ? "at most" : "about",
                 times(w->speed_up, factor));
}

static void line_backward(const struct what_if *w, struct line *l) {
    char now[32], then[32], both[80];
    change(both, sizeof both, count(w->now.data + w->now.weight, now),
           count(w->then.data + w->then.weight, then));
    l->label = "backward";
    snprintf(l->text, LINE, "%s FLOPs a sample", both);
}

static void line_memory(const struct what_if *w, struct line *l) {
    char now[32], then[32];
    l->label = "memory";
    change(l->text, LINE, text_bytes((double)w->now.bytes, now),
           text_bytes((double)w->then.bytes, then));
}

static void line_cache(const struct what_if *w, struct line *l) {
    char now[32], then[32], both[80];
    change(both, sizeof both, w->cache_now ? count((double)w->cache_now, now) : "none",
           w->cache_then ? count((double)w->cache_then, then) : "none");
    l->label = "cache";
    snprintf(l->text, LINE, w->cache_now || w->cache_then ? "%s numbers a sample" : "%s", both);
}

// What came of the last change. FLOPs say nothing of it where the cache served one side alone.
static bool line_measured(const struct what_if *w, struct line *l) {
    const struct what_if_measure *m = &w->measure;
    double measured = what_if_measured(w), slower = measured < 0.1 ? 1 / measured : 0;
    char is[32], flops[32];
    if (isnan(measured))
        return false;
    l->label = "measured";
    times(slower > 0 ? slower : measured, is);
    const char *how = slower > 0 ? "slow" : "fast";
    if (m->cached != m->was_cached)
        snprintf(l->text, LINE, "%s× as %s, %s cache", is, how, m->cached ? "from" : "without");
    else
        snprintf(l->text, LINE, "%s× as %s, FLOPs: %s×", is, how, times(m->ceiling, flops));
    return true;
}

// Most important first.
static int write_lines(const struct what_if *w, struct line lines[LINES]) {
    int count = 0;
    if (*w->text && !w->valid)
        lines[count].label = "", snprintf(lines[count++].text, LINE, "%.127s", w->error);
    if (w->valid) {
        line_trained(w, &lines[count++]);
        line_speed(w, &lines[count++]);
    }
    count += line_measured(w, &lines[count]);
    if (w->valid) {
        line_backward(w, &lines[count++]);
        line_memory(w, &lines[count++]);
        line_cache(w, &lines[count++]);
    }
    return count;
}

static void draw_table(struct area area, const char *title, const struct line *lines, int count) {
    draw_rule(area, 0, *title ? title : "what if", STYLE_AXIS);
    for (int i = 0; i < count && i + 1 < area.h; i++) {
        int at = *lines[i].label ? 9 : 0;
        draw_text(area, i + 1, 0, at, STYLE_DIM, lines[i].label);
        draw_text(area, i + 1, at, area.w - at, STYLE_NORMAL, lines[i].text);
    }
}

// One after the other, each whole in one row as far as it fits.
static void draw_running(struct area area, const char *title, const struct line *lines, int count) {
    int row = 0, at = draw_text(area, 0, 0, area.w, STYLE_STRONG, title);
    for (int i = 0; i < count; i++) {
        char text[LINE + 16];
        snprintf(text, sizeof text, "%s%s%s", lines[i].label, *lines[i].label ? " " : "",
                 lines[i].text);
        if (at > 0 && at + 3 + draw_width(text) > area.w) {
            if (row + 1 == area.h)
                continue;
            row++;
            at = 0;
        }
        if (at > 0)
            at += draw_text(area, row, at, 0, STYLE_DIM, " · ");
        at += draw_text(area, row, at, area.w - at, STYLE_NORMAL, text);
    }
}

void what_if_draw(struct area area, const struct scene *s, const struct what_if *w) {
    if (area.h < 1 || area.w < 1)
        return;
    struct line lines[LINES];
    int count = s->model ? write_lines(w, lines) : 0;
    char title[sizeof w->text + 8] = "";
    if (*w->text)
        snprintf(title, sizeof title, "space: %s", w->text);
    draw_clear(area);
    if (area.h >= 4)
        draw_table(area, title, lines, count);
    else
        draw_running(area, title, lines, count);
}
