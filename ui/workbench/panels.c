#include "ui/workbench/panels.h"

#include "ui/workbench/panels_parts.h"
#include <stdio.h>
#include <string.h>

enum {
    SPAN_MIN = 8,      // steps
    OTHERS_MOST = 9,   // other branches and runs in one plot
    CURSOR_MOVES = 100 // that cross what is shown
};
static const double SMOOTH = 0.95;

void panels_open(struct panels *p) {
    *p = (struct panels){.end = -1};
}

// Other branches and runs may reach beyond the step of the branch in force.
static int64_t extent(const struct scene *s) {
    int64_t most = s->now.step > 1 ? s->now.step : 1;
    for (int i = 0; i < s->curve_count; i++) {
        int64_t last = series_last(&s->curves[i].loss);
        most = last > most ? last : most;
    }
    return most;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

void panels_range(const struct panels *p, const struct scene *s, int64_t *from, int64_t *to) {
    int64_t all = extent(s), span = p->span > 0 && p->span < all ? p->span : all;
    *to = p->end < 0 ? all : clamp(p->end, span, all);
    *from = *to - span;
}

// ---- Actions

// Shows from..from + span, as far as there are steps.
static void show(struct panels *p, const struct scene *s, int64_t from, int64_t span) {
    int64_t all = extent(s);
    span = clamp(span, all < SPAN_MIN ? all : SPAN_MIN, all);
    int64_t end = clamp(from + span, span, all);
    p->span = span == all ? 0 : span;
    p->end = end == all ? -1 : end;
}

// Zooms about the cursor, or else the right edge, which stays where it is.
static void zoom_time(struct panels *p, const struct scene *s, bool in) {
    int64_t from, to;
    panels_range(p, s, &from, &to);
    int64_t span = to - from, next = in ? (span + 1) / 2 : span * 2;
    int64_t about = p->cursor_shown ? clamp(p->cursor, from, to) : to;
    double share = (double)(about - from) / (double)span;
    show(p, s, about - (int64_t)(share * (double)next), next);
}

static void scroll(struct panels *p, const struct scene *s, int sign) {
    int64_t from, to;
    panels_range(p, s, &from, &to);
    int64_t by = (to - from) / 4 > 1 ? (to - from) / 4 : 1;
    show(p, s, from + sign * by, to - from);
}

static void toggle_cursor(struct panels *p, const struct scene *s) {
    int64_t from, to;
    panels_range(p, s, &from, &to);
    p->cursor_shown = !p->cursor_shown;
    if (p->cursor < from || p->cursor > to || p->cursor == 0)
        p->cursor = to;
}

static void move_cursor(struct panels *p, const struct scene *s, int sign) {
    int64_t from, to;
    panels_range(p, s, &from, &to);
    int64_t by = (to - from) / CURSOR_MOVES > 1 ? (to - from) / CURSOR_MOVES : 1;
    p->cursor = clamp(p->cursor + sign * by, 0, extent(s));
    if (p->cursor < from)
        show(p, s, p->cursor, to - from);
    else if (p->cursor > to)
        show(p, s, p->cursor - (to - from), to - from);
}

static bool escape(struct panels *p) {
    bool *leave = p->cursor_shown ? &p->cursor_shown : &p->zoomed;
    bool had = *leave;
    *leave = false;
    return had;
}

bool panels_act(struct panels *p, const struct scene *s, enum action action) {
    switch (action) {
    case ACTION_NEXT_PANEL:
        p->focus = (p->focus + 1) % LAYOUT_PANELS;
        return true;
    case ACTION_ZOOM:
        p->zoomed = !p->zoomed;
        return true;
    case ACTION_LOG_SCALE:
        if (p->focus != PANEL_ACCURACY && p->focus != PANEL_COST)
            p->log[p->focus] = !p->log[p->focus];
        return true;
    case ACTION_ZOOM_IN:
    case ACTION_ZOOM_OUT:
        zoom_time(p, s, action == ACTION_ZOOM_IN);
        return true;
    case ACTION_SCROLL_LEFT:
    case ACTION_SCROLL_RIGHT:
        scroll(p, s, action == ACTION_SCROLL_LEFT ? -1 : 1);
        return true;
    case ACTION_CURSOR:
        toggle_cursor(p, s);
        return true;
    case ACTION_LEFT:
    case ACTION_RIGHT:
        if (p->cursor_shown)
            move_cursor(p, s, action == ACTION_LEFT ? -1 : 1);
        return p->cursor_shown;
    case ACTION_ESCAPE:
        return escape(p);
    default:
        return false;
    }
}

// ---- Plots

static void add_marker(struct panel_plot *out, int64_t step, const char *label, enum style style) {
    struct plot *plot = &out->plot;
    if (plot->marker_count < PANEL_MARKERS)
        out->markers[plot->marker_count++] = (struct plot_marker){step, label, style};
}

// Whether an event is worth a line: rates that a strategy finds anew every epoch are not.
static bool is_marked(const struct scene *s, const struct event_mark *m) {
    bool rates = strcmp(m->who, "strategy") == 0 && strncmp(m->text, "rates ", 6) == 0;
    return !rates && scene_on_path(s, m->branch, m->step);
}

// The latest ones, when there are too many.
static void add_markers(struct panel_plot *out, const struct scene *s) {
    int first = s->mark_count, count = 0;
    while (first > 0 && count < PANEL_MARKERS - 2)
        count += is_marked(s, &s->marks[--first]);
    for (int i = first; i < s->mark_count; i++)
        if (is_marked(s, &s->marks[i]))
            add_marker(out, s->marks[i].step, s->marks[i].text, STYLE_EVENT);
    const struct curves *branch = scene_branch(s, s->now.branch);
    // A step's record is there before its snapshot.
    if (branch && s->now.step + 1 < series_last(&branch->loss))
        add_marker(out, s->now.step, "now", STYLE_STRONG);
    if (s->point < 0 || s->point >= s->point_count)
        return;
    int64_t step = s->points[s->point].step;
    snprintf(out->point, sizeof out->point, "back to %lld", (long long)step);
    add_marker(out, step, out->point, STYLE_PENDING);
}

void panel_plot_open(struct panel_plot *out, const struct scene *s, const struct panels *p,
                     enum panel panel) {
    static const char *const titles[] = {"loss", "accuracy", "gradient norm", "samples/s",
                                         "learning rate"};
    out->plot = (struct plot){.title = titles[panel],
                              .curves = out->curves,
                              .markers = out->markers,
                              .cursor = p->cursor_shown ? p->cursor : -1,
                              .log = p->log[panel],
                              .focused = p->focus == (int)panel,
                              .raster = p->raster};
    panels_range(p, s, &out->plot.from, &out->plot.to);
    add_markers(out, s);
}

void panel_plot_add(struct panel_plot *out, struct plot_curve curve) {
    if (out->plot.curve_count < PANEL_CURVES)
        out->curves[out->plot.curve_count++] = curve;
}

static const struct series *series_of(const struct curves *c, size_t offset) {
    return (const struct series *)(const void *)((const char *)c + offset);
}

void panel_plot_path(struct panel_plot *out, const struct scene *s, const struct curve_choice *c) {
    const struct curves *branch = scene_branch(s, s->now.branch);
    struct plot_curve curve = c->look;
    const char *label = c->look.label;
    int64_t until = 0, cursor = out->plot.cursor;
    for (int k = 0; branch && k < s->curve_count; k++) {
        curve.series = series_of(branch, c->series);
        curve.until = until;
        // The legend reads the part that the cursor is on.
        bool read = curve.series->count && (cursor < 0 || cursor >= curve.series->buckets[0].first);
        curve.label = read ? label : NULL;
        label = read ? NULL : label;
        panel_plot_add(out, curve);
        if (branch->parent < 0 || branch->forked <= 0)
            return;
        until = until && until < branch->forked ? until : branch->forked;
        branch = scene_branch(s, branch->parent);
    }
}

// Behind the branch in force: the other ones, the latest first in the legend.
static void add_others(struct panel_plot *out, const struct scene *s, struct curve_choice c) {
    int first = s->curve_count > OTHERS_MOST ? s->curve_count - OTHERS_MOST : 0;
    for (int i = first; i < s->curve_count; i++) {
        const struct curves *other = &s->curves[i];
        if (other->branch == s->now.branch)
            continue;
        c.look.series = series_of(other, c.series);
        c.look.label = c.look.series->count ? other->name : NULL;
        c.look.style = STYLE_OTHER + i % 3;
        panel_plot_add(out, c.look);
    }
}

static void draw_pair(struct area area, const struct scene *s, const struct panels *p,
                      enum panel panel) {
    bool loss = panel == PANEL_LOSS;
    size_t train = loss ? offsetof(struct curves, loss) : offsetof(struct curves, accuracy);
    size_t validation = loss ? offsetof(struct curves, validation_loss)
                             : offsetof(struct curves, validation_accuracy);
    struct panel_plot plot;
    panel_plot_open(&plot, s, p, panel);
    plot.plot.percent = !loss;
    add_others(&plot, s, (struct curve_choice){train, {.smooth = SMOOTH}});
    panel_plot_path(&plot, s,
                    &(struct curve_choice){train, {.style = STYLE_TRAIN_RAW, .band = true}});
    panel_plot_path(
        &plot, s,
        &(struct curve_choice){validation,
                               {.label = "validation", .style = STYLE_VALIDATION, .points = true}});
    if (!loss)
        panel_plot_path(
            &plot, s,
            &(struct curve_choice){offsetof(struct curves, source_accuracy),
                                   {.label = "old task", .style = STYLE_SOURCE, .points = true}});
    panel_plot_path(
        &plot, s,
        &(struct curve_choice){train, {.label = "train", .style = STYLE_TRAIN, .smooth = SMOOTH}});
    plot_draw(area, &plot.plot);
}

static void draw_lr(struct area area, const struct scene *s, const struct panels *p) {
    struct panel_plot plot;
    panel_plot_open(&plot, s, p, PANEL_LR);
    struct curve_choice c = {offsetof(struct curves, lr), {.label = "now", .style = STYLE_TRAIN}};
    if (p->cursor_shown)
        c.look.label = "rate";
    panel_plot_path(&plot, s, &c);
    plot_draw(area, &plot.plot);
}

void panels_draw(const struct screen_layout *layout, const struct scene *s,
                 const struct panels *p) {
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        struct area area = layout->panels[i];
        if (p->zoomed && i == p->focus && area.h < 1)
            area = layout->body;
        if (area.h < 1 || area.w < 1)
            continue;
        if (i == PANEL_GRADIENT)
            panel_gradient_draw(area, s, p);
        else if (i == PANEL_COST)
            panel_cost_draw(area, s, p);
        else if (i == PANEL_LR)
            draw_lr(area, s, p);
        else
            draw_pair(area, s, p, (enum panel)i);
    }
}
