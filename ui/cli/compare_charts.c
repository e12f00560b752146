// What thaw compare draws.
#include "base/xalloc.h"
#include "ui/cli/compare.h"
#include "ui/report/blocks.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

static const double SMOOTH = 0.95; // as the panels of the train view

struct compare_line {
    double *x, *y;
};

struct compare_band {
    const struct run_branch *branch;
    int *modules; // [count]: one that stands for the row
    char **names; // [count]
    int count;
};

// `smooth`: the weight of the past in an exponential mean, bias-corrected as in Adam.
static struct compare_line line_of(const struct series *s, double smooth) {
    struct compare_line line = {xcalloc((size_t)s->count + 1, sizeof(double)),
                                xcalloc((size_t)s->count + 1, sizeof(double))};
    double mean = 0, missing = 1;
    for (int i = 0; i < s->count; i++) {
        const struct bucket *b = &s->buckets[i];
        line.x[i] = (double)b->last;
        line.y[i] = b->mean;
        if (smooth > 0 && b->count > 0) {
            double past = pow(smooth, (double)b->count);
            mean = past * mean + (1 - past) * b->mean;
            missing *= past;
            line.y[i] = mean / (1 - missing);
        }
    }
    return line;
}

static void add_line(struct compare_charts *to, const struct series *s, const char *label,
                     int index, bool points) {
    int i = to->line_count++;
    to->lines[i] = line_of(s, points ? 0 : SMOOTH);
    to->chart_lines[i] = (struct chart_line){.label = label,
                                             .index = index,
                                             .x = to->lines[i].x,
                                             .y = to->lines[i].y,
                                             .count = s->count,
                                             .points = points,
                                             .joined = true};
}

// A run that diverged must not hide the others.
static bool spans_decades(const struct chart_line *lines, int count) {
    enum { DECADES = 3 };
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < lines[i].count; k++) {
            low = fmin(low, lines[i].y[k]);
            high = fmax(high, lines[i].y[k]);
        }
    return low > 0 && high > low * pow(10, DECADES);
}

static int drawn(const struct comparison *c) {
    return c->row_count < COMPARE_DRAWN ? c->row_count : COMPARE_DRAWN;
}

static const struct series *series_of(const struct run_branch *b, size_t offset) {
    return (const struct series *)(const void *)((const char *)&b->curves + offset);
}

// `series`: offsetof in struct curves.
static struct chart *add_chart(struct compare_charts *to, const struct comparison *c, size_t series,
                               const char *title, bool accuracy) {
    int first = to->line_count;
    for (int i = 0; i < drawn(c); i++) {
        const struct run_branch *b = c->rows[i].branch;
        add_line(to, series_of(b, series), b->name, i, accuracy);
    }
    to->charts[to->count++] =
        (struct chart){.title = title,
                       .x = {.title = "step", .whole = true},
                       .y = {.title = accuracy ? "accuracy" : "loss", .percent = accuracy},
                       .lines = to->chart_lines + first,
                       .line_count = drawn(c)};
    return &to->charts[to->count - 1];
}

// Left out when no run has it.
static void add_accuracy(struct compare_charts *to, const struct comparison *c, size_t series,
                         const char *title) {
    bool any = false;
    for (int i = 0; i < drawn(c); i++)
        any |= series_of(c->rows[i].branch, series)->count > 0;
    if (any)
        add_chart(to, c, series, title, true);
}

static void add_loss(struct compare_charts *to, const struct comparison *c) {
    struct chart *chart =
        add_chart(to, c, offsetof(struct curves, loss), "training loss, smoothed", false);
    chart->y.log = spans_decades(chart->lines, chart->line_count);
}

// ---- Bands

static enum freeze_state state_of(const struct chart_bands *b, int row, double from, double to) {
    const struct compare_band *band = b->context;
    int64_t first = (int64_t)floor(from), last = (int64_t)ceil(to);
    return runs_masks_state(&band->branch->masks, &band->modules[row], 1, first > 0 ? first : 0,
                            last > first ? last : first + 1);
}

static bool same_history(const struct runs_masks *m, int a, int b) {
    for (int i = 0; i < m->count; i++)
        if (m->items[i].states[a] != m->items[i].states[b])
            return false;
    return true;
}

// Blocks beside each other that were always frozen and thawed together are one row: "conv1 to
// layer2.1". Fills out the band's modules and names; returns how many rows.
static int band_rows(struct compare_band *band, const struct model *model) {
    int count = blocks_of(model, band->modules), rows = 0;
    for (int i = 0, end; i < count; i = end, rows++) {
        for (end = i + 1; end < count; end++)
            if (!same_history(&band->branch->masks, band->modules[i], band->modules[end]))
                break;
        const char *first = model->modules[band->modules[i]].name;
        const char *last = model->modules[band->modules[end - 1]].name;
        band->names[rows] = end > i + 1 ? xprintf("%s to %s", first, last) : xstrdup(first);
        band->modules[rows] = band->modules[i];
    }
    return rows;
}

static void add_band(struct compare_charts *to, const struct compared *row, int index) {
    const struct model *model = row->run->model;
    if (row->run->no_masks || row->branch->masks.count == 0)
        return;
    struct compare_band *band = &to->band_data[to->band_count];
    band->branch = row->branch;
    band->modules = xcalloc((size_t)model->module_count, sizeof *band->modules);
    band->names = xcalloc((size_t)model->module_count, sizeof *band->names);
    band->count = band_rows(band, model);
    to->bands[to->band_count++] = (struct chart_bands){.title = row->branch->name,
                                                       .index = index,
                                                       .names = (const char *const *)band->names,
                                                       .row_count = band->count,
                                                       .reached = (double)row->branch->steps,
                                                       .state = state_of,
                                                       .context = band};
}

struct compare_charts compare_charts_open(const struct comparison *c) {
    size_t rows = (size_t)c->row_count;
    struct compare_charts to = {.lines = xcalloc(3 * rows, sizeof *to.lines),
                                .chart_lines = xcalloc(3 * rows, sizeof *to.chart_lines),
                                .bands = xcalloc(rows, sizeof *to.bands),
                                .band_data = xcalloc(rows, sizeof *to.band_data)};
    add_accuracy(&to, c, offsetof(struct curves, validation_accuracy), "validation accuracy");
    add_accuracy(&to, c, offsetof(struct curves, source_accuracy), "accuracy on the old task");
    add_loss(&to, c);
    for (int i = 0; i < drawn(c); i++)
        add_band(&to, &c->rows[i], i);
    struct chart *last = &to.charts[to.count - 1];
    last->bands = to.bands;
    last->band_count = to.band_count;
    return to;
}

void compare_charts_close(struct compare_charts *c) {
    for (int i = 0; i < c->line_count; i++) {
        free(c->lines[i].x);
        free(c->lines[i].y);
    }
    for (int i = 0; i < c->band_count; i++) {
        for (int k = 0; k < c->band_data[i].count; k++)
            free(c->band_data[i].names[k]);
        free(c->band_data[i].modules);
        free(c->band_data[i].names);
    }
    free(c->lines);
    free(c->chart_lines);
    free(c->bands);
    free(c->band_data);
    *c = (struct compare_charts){0};
}
