// The gradient norm: of the whole model as a curve, of each block as a row of heat below it.
#include "base/xalloc.h"
#include "model/freeze.h"
#include "ui/report/blocks.h"
#include "ui/workbench/panels_parts.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LABEL_SIZE = 32,
    GUTTER_MOST = 20,
    CURVE_ROWS_MIN = 3, // with the title
    STRIP_ROWS_MIN = 2,
    HEAT_LEVELS = 8,
};
static const double DECADES_LEAST = 1, DECADES_MOST = 4; // that the colours span

// "layer.0" of "bert.encoder.layer.0".
static const char *last_parts(const char *name) {
    const char *dot = strrchr(name, '.');
    while (dot && dot > name && dot[-1] != '.')
        dot--;
    return dot ? dot : name;
}

// "layer1.0" as "lay1.0": keeps so many letters of each part that the whole fits, or else the last
// two parts.
static void shorten(const char *name, int width, char out[LABEL_SIZE]) {
    snprintf(out, LABEL_SIZE, "%s", name);
    for (int keep = width; (int)strlen(out) > width && keep > 0; keep--) {
        int to = 0, run = 0;
        for (const char *c = name; *c && to < LABEL_SIZE - 1; c++) {
            run = isalpha((unsigned char)*c) || *c == '_' ? run + 1 : 0;
            if (run <= keep)
                out[to++] = *c;
        }
        out[to] = '\0';
    }
    const char *last = last_parts(name);
    if ((int)strlen(out) > width && last > name)
        shorten(last, width, out);
}

// ---- Heat

struct heat {
    int rows, columns;
    float *values; // [rows][columns]: log10, NAN: blank
};

static double spacing(const struct series *s) {
    double steps = (double)(s->buckets[s->count - 1].last - s->buckets[0].first);
    return s->count > 1 ? steps / (s->count - 1) : 0;
}

// The largest norm within from..to; between two values that of the nearer one.
static float norm_at(const struct series *s, double from, double to) {
    float low, high;
    if (s->count == 0)
        return NAN;
    if (series_range(s, (int64_t)ceil(from), (int64_t)floor(to), &low, &high))
        return high;
    double middle = (from + to) / 2, slack = to - from + spacing(s);
    const struct bucket *b = series_at(s, (int64_t)llround(middle));
    bool near = middle >= (double)b->first - slack && middle <= (double)b->last + slack;
    return near ? b->high : NAN;
}

// A row stands for several neighbours when there are too many: it shows the largest.
static struct heat heat_open(const struct scene *s, const int *blocks, int count, int rows,
                             struct area inner, const struct plot *p) {
    struct heat heat = {rows, inner.w, NULL};
    heat.values = xmalloc((size_t)rows * (size_t)inner.w * sizeof *heat.values);
    double width = (double)(p->to - p->from) / inner.w;
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < inner.w; column++) {
            float norm = NAN;
            double from = (double)p->from + column * width;
            for (int i = row * count / rows; i < (row + 1) * count / rows; i++)
                norm = fmaxf(norm, norm_at(&s->block_gradient[blocks[i]], from, from + width));
            heat.values[row * inner.w + column] = norm > 0 ? log10f(norm) : NAN;
        }
    }
    return heat;
}

// The hottest value, and how far below it the coldest colour stands.
static void heat_range(const struct heat *heat, double *top, double *decades) {
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < heat->rows * heat->columns; i++) {
        low = fmin(low, (double)heat->values[i]); // skips NAN
        high = fmax(high, (double)heat->values[i]);
    }
    *top = high;
    *decades = fmin(fmax(high - low, DECADES_LEAST), DECADES_MOST);
}

static void heat_draw(struct area area, const struct heat *heat) {
    double top, decades;
    heat_range(heat, &top, &decades);
    for (int i = 0; i < heat->rows * heat->columns; i++) {
        if (isnan(heat->values[i]))
            continue;
        double below = (top - (double)heat->values[i]) / decades;
        int level = (int)lround((1 - fmin(below, 1)) * (HEAT_LEVELS - 1));
        draw_text(area, i / heat->columns, i % heat->columns, 0, STYLE_HEAT0 + level,
                  draw_heat(level));
    }
}

// ---- The panel

static void draw_labels(struct area area, const struct scene *s, const int *blocks, int count,
                        int rows) {
    for (int row = 0; row < rows; row++) {
        int module = blocks[row * count / rows];
        bool frozen =
            s->settings.flags.thawed && freeze_state(&s->settings.flags, module) == STATE_FROZEN;
        char label[LABEL_SIZE];
        shorten(s->model->modules[module].name, area.w - 1, label);
        draw_right(area, row, 0, area.w - 1, frozen ? STYLE_FROZEN : STYLE_NORMAL, label);
    }
}

static void draw_strip(struct area area, const struct scene *s, const struct plot *p,
                       const int *blocks, int count) {
    struct area inner = plot_inner(area, p);
    struct area labels = {inner.y + inner.h, area.x, p->strip, inner.x - area.x};
    struct area strip = {labels.y, inner.x, p->strip, inner.w};
    struct heat heat = heat_open(s, blocks, count, p->strip, inner, p);
    heat_draw(strip, &heat);
    if (labels.w > 1)
        draw_labels(labels, s, blocks, count, p->strip);
    free(heat.values);
}

// A third of the rows, and at least CURVE_ROWS_MIN, are left to the curve.
static int strip_rows(struct area area, int count) {
    int curve = area.h / 3 > CURVE_ROWS_MIN ? area.h / 3 : CURVE_ROWS_MIN;
    int rows = area.h - curve - 1; // and the steps
    if (rows < STRIP_ROWS_MIN)
        return 0;
    return rows < count ? rows : count;
}

static int gutter_columns(const struct model *model, const int *blocks, int count) {
    int most = PLOT_GUTTER;
    for (int i = 0; i < count; i++) {
        int length = (int)strlen(model->modules[blocks[i]].name) + 1;
        most = length > most ? length : most;
    }
    return most < GUTTER_MOST ? most : GUTTER_MOST;
}

void panel_gradient_draw(struct area area, const struct scene *s, const struct panels *p) {
    int count = 0, *blocks = NULL;
    if (s->model && s->block_gradient) {
        blocks = xcalloc((size_t)s->model->module_count, sizeof *blocks);
        count = blocks_of(s->model, blocks);
    }
    struct panel_plot plot;
    panel_plot_open(&plot, s, p, PANEL_GRADIENT);
    plot.plot.strip = strip_rows(area, count);
    if (p->zoomed && count)
        plot.plot.gutter = gutter_columns(s->model, blocks, count);
    size_t gradient = offsetof(struct curves, gradient);
    panel_plot_path(&plot, s,
                    &(struct curve_choice){gradient, {.style = STYLE_TRAIN_RAW, .band = true}});
    panel_plot_path(
        &plot, s,
        &(struct curve_choice){gradient, {.label = "total", .style = STYLE_TRAIN, .smooth = 0.9}});
    plot_draw(area, &plot.plot);
    if (plot.plot.strip)
        draw_strip(area, s, &plot.plot, blocks, count);
    free(blocks);
}
