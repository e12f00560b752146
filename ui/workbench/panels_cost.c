// What a step costs, and what full fine-tuning would.
#include "base/text.h"
#include "ui/report/ticks.h"
#include "ui/workbench/panels_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LABEL_COLUMNS = 10,
    VALUE_COLUMNS = 9,
    SHARE_COLUMNS = 7,
    DETAIL_COLUMNS = 32,
    BAR_COLUMNS_MIN = 4,
    BAR_COLUMNS_MOST = 40,
    PLOT_ROWS_MIN = 6,
};

// One line of the block: "backward  4.1 ms  ####      22 %  0.3 G of 1.4 GFLOP a sample".
struct cost_line {
    const char *label;
    char value[40];
    double share; // of full fine-tuning; NAN: not known
    char detail[80];
    enum style style;
};

static double share_of(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

static void time_line(struct cost_line *line, double seconds, double flops, double full) {
    char number[32], part[32], whole[32];
    snprintf(line->value, sizeof line->value, "%s ms",
             ticks_number(seconds > 0 ? seconds * 1000 : NAN, number));
    line->share = share_of(flops, full);
    if (full > 0)
        snprintf(line->detail, sizeof line->detail, "%s of %sFLOP a sample", text_si(flops, part),
                 text_si(full, whole));
}

static void memory_line(struct cost_line *line, double bytes, double full) {
    char number[32];
    text_bytes(bytes, line->value);
    line->share = share_of(bytes, full);
    if (full > 0)
        snprintf(line->detail, sizeof line->detail, "of %s", text_bytes(full, number));
}

static void draw_line(struct area area, int row, const struct cost_line *line) {
    int room = area.w - 1;
    draw_text(area, row, 1, LABEL_COLUMNS, STYLE_DIM, line->label);
    draw_right(area, row, LABEL_COLUMNS, VALUE_COLUMNS, STYLE_NORMAL, line->value);
    int column = LABEL_COLUMNS + VALUE_COLUMNS + 2;
    room -= column + SHARE_COLUMNS;
    if (isnan(line->share))
        return;
    bool detail = room >= DETAIL_COLUMNS + 2 * BAR_COLUMNS_MIN;
    int bar = room - (detail ? DETAIL_COLUMNS : 0);
    bar = bar < BAR_COLUMNS_MOST ? bar : BAR_COLUMNS_MOST;
    if (bar >= BAR_COLUMNS_MIN) {
        draw_bar(area, row, column, bar, fmin(line->share, 1), line->style);
        column += bar;
    }
    char share[16];
    snprintf(share, sizeof share, "%.0f %%", line->share * 100);
    draw_right(area, row, column, SHARE_COLUMNS - 1, STYLE_NORMAL, share);
    if (detail)
        draw_text(area, row, column + SHARE_COLUMNS + 1, DETAIL_COLUMNS, STYLE_DIM, line->detail);
}

static void draw_lines(struct area area, const struct scene *s) {
    const struct snapshot *now = &s->now;
    const struct plan_cost *cost = &now->cost, *full = &s->full;
    struct cost_line forward = {.label = "forward", .style = STYLE_TRAIN};
    struct cost_line backward = {.label = "backward", .style = STYLE_THAWED};
    struct cost_line memory = {.label = "memory", .style = STYLE_VALIDATION};
    time_line(&forward, now->forward_seconds, cost->forward - now->spared, full->forward);
    time_line(&backward, now->backward_seconds, cost->data + cost->weight,
              full->data + full->weight);
    memory_line(&memory, (double)now->bytes, (double)full->bytes);
    draw_line(area, 1, &forward);
    draw_line(area, 2, &backward);
    draw_line(area, 3, &memory);
    if (!isnan(backward.share)) {
        struct cost_line saved = {.label = "saved", .share = NAN};
        snprintf(saved.value, sizeof saved.value, "%.0f %%", 100 * fmax(1 - backward.share, 0));
        draw_line(area, 4, &saved);
        draw_text(area, 4, LABEL_COLUMNS + VALUE_COLUMNS + 2, 0, STYLE_DIM,
                  now->spared > 0 ? "backward; cached" : "of the backward pass");
    }
}

static void draw_title(struct area area, const struct scene *s, bool focused) {
    char number[16];
    draw_rule(area, 0, NULL, STYLE_AXIS);
    int column = draw_format(area, 0, 0, focused ? STYLE_TITLE : STYLE_STRONG, "%scost",
                             focused ? draw_symbol(SYMBOL_CURSOR) : " ");
    if (s->now.images_per_second > 0)
        column += draw_format(area, 0, column, STYLE_NORMAL, "  %s samples/s",
                              ticks_number(s->now.images_per_second, number));
    draw_text(area, 0, column, 0, STYLE_NORMAL, " ");
}

void panel_cost_draw(struct area area, const struct scene *s, const struct panels *p) {
    struct area title = area, below = {area.y + 5, area.x, area.h - 5, area.w};
    draw_clear(area);
    draw_lines(area, s);
    draw_title(title, s, p->focus == PANEL_COST);
    if (below.h < PLOT_ROWS_MIN)
        return;
    struct panel_plot plot;
    panel_plot_open(&plot, s, p, PANEL_COST);
    plot.plot.focused = false;
    struct curve_choice c = {offsetof(struct curves, images),
                             {.style = STYLE_TRAIN, .smooth = 0.9, .label = "now"}};
    panel_plot_path(&plot, s, &c);
    plot_draw(below, &plot.plot);
}
