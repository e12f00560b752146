// The two axes.
#include "ui/report/ticks.h"
#include "ui/workbench/plot_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { Y_TICKS = 8, X_LABEL_COLUMNS = 8 };

void plot_y_axis(const struct plot_frame *f, const struct plot *p, const struct plot_scale *scale) {
    int rows = f->gutter.h, axis = f->gutter.w - 1, before = -1;
    for (int row = 0; row < rows; row++)
        draw_text(f->gutter, row, axis, 0, STYLE_AXIS, "│");
    if (!scale)
        return;
    double ticks[TICKS_MOST], unit = p->percent ? 100 : 1;
    double low = p->log ? pow(10, scale->low) : scale->low * unit;
    double high = p->log ? pow(10, scale->high) : scale->high * unit;
    int most = (2 * rows + 2) / 3;
    int count = ticks_choose(low, high, p->log, most < Y_TICKS ? most : Y_TICKS, ticks);
    for (int i = 0; i < count; i++) {
        double value = p->log ? log10(ticks[i]) : ticks[i] / unit;
        int row = plot_row(scale, value, rows);
        char label[16];
        if (row == before)
            continue;
        before = row;
        if (p->log)
            ticks_number(ticks[i], label);
        else
            ticks_label(ticks, count, i, p->percent, label);
        draw_right(f->gutter, row, 0, axis, STYLE_AXIS, label);
        draw_text(f->gutter, row, axis, 0, STYLE_AXIS, "┤");
    }
}

static void x_line(const struct plot_frame *f) {
    draw_rule(f->x_line, 0, NULL, STYLE_AXIS);
    draw_text(f->x_line, 0, 0, 0, STYLE_AXIS, "└");
}

void plot_x_axis(const struct plot_frame *f, const struct plot *p) {
    struct area line = f->x_line, labels = f->x_labels;
    if (line.h)
        x_line(f);
    if (!labels.h)
        return;
    double ticks[TICKS_MOST], span = (double)(p->to - p->from);
    int most = f->inner.w / X_LABEL_COLUMNS + 1;
    int left = f->inner.x - labels.x, end = left;
    // There are no steps between steps.
    int count = ticks_choose((double)p->from, (double)p->to, false,
                             span < most - 1 ? (int)span + 1 : most, ticks);
    if (left >= PLOT_GUTTER)
        draw_right(labels, 0, 0, left - 1, STYLE_AXIS, "step");
    for (int i = 0; i < count; i++) {
        char text[16];
        if (ticks[i] != floor(ticks[i]))
            continue;
        ticks_label(ticks, count, i, false, text);
        int width = (int)strlen(text), column = plot_column(p, ticks[i], f->inner.w);
        int at = left + column - width / 2;
        at = at < left ? left : at + width > labels.w ? labels.w - width : at;
        if (at < end)
            continue;
        draw_text(labels, 0, at, 0, STYLE_AXIS, text);
        end = at + width + 1;
        if (line.h)
            draw_text(line, 0, f->inner.x - line.x + column, 0, STYLE_AXIS, "┴");
    }
}
