#include "ui/workbench/runs_plot.h"
#include "ui/workbench/plot_parts.h"
#include "ui/workbench/runs_bands.h"
#include "ui/workbench/runs_table.h"
#include <stdio.h>

enum {
    CURVES = 16,
    PLOTTED = 22,      // rows from which on there is a plot
    PLOT_MIN = 8,      // rows of it
    GUTTER_WIDTH = 24, // from which on names stand beside the bands
};
static const double SMOOTH = 0.95; // as the panels of the train view

struct comparison {
    struct plot plot;
    struct plot_curve curves[CURVES];
    char labels[CURVES][256];
};

static const struct curves *curves_of(const struct runs_list *l, const struct scene *s, int row) {
    int branch = l->rows[row].branch;
    return branch < 0 ? NULL : runs_entry_curves(runs_list_entry(l, row), s, branch);
}

static bool is_compared(const struct runs_list *l, int row, int cursor) {
    return row == cursor || runs_list_shown(l, row);
}

static bool any_validation(const struct runs_list *l, const struct scene *s, int cursor) {
    for (int row = 0; row < l->row_count; row++) {
        const struct curves *c = curves_of(l, s, row);
        if (c && is_compared(l, row, cursor) && c->validation_accuracy.count > 0)
            return true;
    }
    return false;
}

// The last curve is on top, and the first in the legend.
static void add(struct comparison *c, const struct runs_list *l, const struct scene *s, int row,
                bool validation) {
    const struct curves *curves = curves_of(l, s, row);
    int i = c->plot.curve_count;
    if (!curves || i == CURVES)
        return;
    const struct series *series = validation ? &curves->validation_accuracy : &curves->loss;
    c->curves[i] = (struct plot_curve){
        .series = series,
        .label = series->count ? runs_label(l, row, c->labels[i]) : NULL,
        .style = runs_style(l, s, row),
        .points = validation,
        .smooth = validation ? 0 : SMOOTH,
    };
    c->plot.curve_count++;
}

static void compare(struct comparison *c, const struct runs_list *l, const struct scene *s,
                    int cursor) {
    bool validation = any_validation(l, s, cursor);
    c->plot = (struct plot){.title = validation ? "validation accuracy" : "loss",
                            .percent = validation,
                            .curves = c->curves,
                            .cursor = -1};
    for (int row = 0; row < l->row_count && c->plot.curve_count < CURVES - 1; row++)
        if (row != cursor && is_compared(l, row, cursor))
            add(c, l, s, row, validation);
    if (cursor < l->row_count)
        add(c, l, s, cursor, validation);
}

// Without a plot: the bands from the top on, the axis right below them.
static int draw_bands_alone(struct area area, struct runs_bands *b, const struct runs_list *l,
                            const struct scene *s) {
    b->gutter = area.w >= GUTTER_WIDTH ? b->gutter : 0;
    runs_bands_draw(area, b, l, s);
    if (b->lines >= area.h || b->count == 0)
        return b->lines;
    struct plot plot = {.to = b->to};
    struct plot_frame frame = {
        .x_labels = {area.y + b->lines, area.x, 1, area.w},
        .inner = {area.y, area.x + b->gutter, b->lines, area.w - b->gutter},
    };
    plot_x_axis(&frame, &plot);
    return b->lines + 1;
}

int runs_plot_draw(struct area area, const struct runs_list *l, const struct scene *s, int cursor,
                   enum raster_kind raster) {
    bool plotted = area.h >= PLOTTED && area.w >= GUTTER_WIDTH;
    struct runs_bands b =
        runs_bands_fit(l, s, cursor, plotted ? area.h - PLOT_MIN - 1 : area.h - 1);
    if (!plotted)
        return draw_bands_alone(area, &b, l, s);
    struct comparison c;
    compare(&c, l, s, cursor);
    c.plot.to = b.to;
    c.plot.raster = raster;
    c.plot.gutter = b.gutter;
    c.plot.strip = b.lines;
    plot_draw(area, &c.plot);
    struct area inner = plot_inner(area, &c.plot);
    runs_bands_draw((struct area){inner.y + inner.h, area.x, b.lines, area.w}, &b, l, s);
    return area.h;
}
