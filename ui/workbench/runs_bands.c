#include "ui/workbench/runs_bands.h"
#include "base/xalloc.h"
#include "ui/report/blocks.h"
#include "ui/workbench/plot.h"
#include "ui/workbench/runs_table.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GUTTER_MIN = PLOT_GUTTER,
    GUTTER_MOST = 14,
    LINES_MOST = 1000,
    ERRORS = 1,
    LEGEND_WIDTH = 72
};

// ---- What stands in a line

// Fills out[module_count].
static int units(const struct model *model, bool top, int *out) {
    return top ? blocks_top(model, out) : blocks_of(model, out);
}

static int unit_count(const struct runs_entry *e, bool top) {
    if (!e->model)
        return ERRORS;
    int *modules = xcalloc((size_t)e->model->module_count + 1, sizeof *modules);
    int count = units(e->model, top, modules);
    free(modules);
    return count;
}

// ---- What fits

static bool is_banded(const struct runs_list *l, int row, int cursor) {
    return l->rows[row].branch >= 0 && (row == cursor || runs_list_shown(l, row));
}

static int lines_of(const struct runs_list *l, int row, bool top) {
    const struct runs_entry *e = runs_list_entry(l, row);
    return e->no_masks ? ERRORS : unit_count(e, top);
}

// Whether all of them fit with a line for every block.
static bool all_fit(const struct runs_list *l, int cursor, int room) {
    int lines = 0;
    for (int row = 0; row < l->row_count && lines <= room; row++)
        if (is_banded(l, row, cursor))
            lines += 1 + lines_of(l, row, false);
    return lines <= room;
}

// Blocks of the row under the cursor leave room for another row, if there is one.
static bool blocks_fit(const struct runs_list *l, int cursor, int room) {
    int lines = 1 + lines_of(l, cursor, false);
    for (int row = 0; row < l->row_count; row++)
        if (row != cursor && is_banded(l, row, cursor)) {
            lines += 1 + lines_of(l, row, true);
            break;
        }
    return lines <= room;
}

static void widen(struct runs_bands *b, const struct runs_entry *e, bool top) {
    if (!e->model || e->no_masks)
        return;
    int *modules = xcalloc((size_t)e->model->module_count + 1, sizeof *modules);
    for (int i = 0, count = units(e->model, top, modules); i < count; i++) {
        int width = draw_width(e->model->modules[modules[i]].name) + 1;
        b->gutter = width > b->gutter ? width : b->gutter;
    }
    b->gutter = b->gutter < GUTTER_MOST ? b->gutter : GUTTER_MOST;
    free(modules);
}

// Takes as many lines as it wants, or `least` when no more are left.
static void fit(struct runs_bands *b, const struct runs_list *l, const struct scene *s,
                struct runs_band band, int least, int room) {
    const struct runs_entry *e = runs_list_entry(l, band.row);
    int left = room - b->lines - 1, wanted = lines_of(l, band.row, band.top);
    band.lines = wanted < left ? wanted : left;
    if (b->count == RUNS_BANDS || band.lines < (wanted < least ? wanted : least))
        return;
    b->items[b->count++] = band;
    b->lines += 1 + band.lines;
    int64_t reached = runs_entry_reached(e, s, l->rows[band.row].branch);
    b->to = reached > b->to ? reached : b->to;
    widen(b, e, band.top);
}

struct runs_bands runs_bands_fit(const struct runs_list *l, const struct scene *s, int cursor,
                                 int room) {
    struct runs_bands b = {.gutter = GUTTER_MIN, .to = 1};
    bool all = all_fit(l, cursor, room);
    if (cursor < l->row_count && is_banded(l, cursor, cursor))
        fit(&b, l, s, (struct runs_band){cursor, 0, !all && !blocks_fit(l, cursor, room)}, 1, room);
    for (int row = 0; row < l->row_count; row++)
        if (row != cursor && is_banded(l, row, cursor))
            fit(&b, l, s, (struct runs_band){row, 0, !all}, LINES_MOST, room);
    return b;
}

// ---- Drawing

static const struct {
    enum symbol symbol;
    enum style style;
} looks[] = {[STATE_FROZEN] = {SYMBOL_FROZEN, STYLE_FROZEN},
             [STATE_THAWED] = {SYMBOL_THAWED, STYLE_THAWED},
             [STATE_MIXED] = {SYMBOL_MIXED, STYLE_MIXED},
             [STATE_EMPTY] = {SYMBOL_EMPTY, STYLE_DIM}};

// What the marks mean, at the right; returns the columns taken.
static int draw_legend(struct area area) {
    int width = 0;
    if (area.w < LEGEND_WIDTH)
        return 0;
    for (int state = STATE_FROZEN; state <= STATE_MIXED; state++)
        width += draw_width(freeze_state_name(state)) + 3;
    for (int state = STATE_FROZEN, at = area.w - width; state <= STATE_MIXED; state++) {
        at += draw_text(area, 0, at, 0, STYLE_NORMAL, " ");
        at += draw_text(area, 0, at, 0, looks[state].style, draw_symbol(looks[state].symbol));
        at += draw_format(area, 0, at, STYLE_DIM, " %s", freeze_state_name(state));
    }
    return width;
}

static void draw_cell(struct area area, int line, int column, enum freeze_state state, bool own) {
    draw_text(area, line, column, 1, own ? looks[state].style : STYLE_DIM,
              draw_symbol(looks[state].symbol));
}

// The steps that a column stands for: a part of them, or one that takes several columns.
static void span(const struct runs_bands *b, int column, int columns, int64_t *from, int64_t *to) {
    double width = (double)b->to / columns;
    if (width < 1) {
        *from = (int64_t)floor((column + 0.5) * width);
        *to = *from + 1;
        return;
    }
    *from = llround(column * width);
    *to = llround((column + 1) * width);
}

struct line {
    const struct runs_branch *branch;
    int64_t reached;
    const int *modules;
    int count; // of them
};

static void draw_line(struct area area, int at, const struct runs_bands *b,
                      const struct line *line) {
    for (int column = 0; column < area.w; column++) {
        int64_t from, to;
        span(b, column, area.w, &from, &to);
        if (from >= line->reached)
            return;
        to = to < line->reached ? to : line->reached;
        draw_cell(area, at, column,
                  runs_masks_state(&line->branch->masks, line->modules, line->count, from, to),
                  to > line->branch->forked);
    }
}

// At the right; with an ellipsis when it stands for those behind it, too.
static void draw_label(struct area names, int line, const char *name, bool several) {
    char label[64];
    snprintf(label, sizeof label, "%.40s%s", name, several ? draw_symbol(SYMBOL_ELLIPSIS) : "");
    int room = names.w - 1, at = room - draw_width(label);
    if (room > 0)
        draw_text(names, line, at > 0 ? at : 0, at > 0 ? 0 : room, STYLE_NORMAL, label);
}

static void draw_lines(struct area names, struct area cells, const struct runs_bands *b,
                       const struct runs_band *band, const struct runs_entry *e, struct line line) {
    int *modules = xcalloc((size_t)e->model->module_count + 1, sizeof *modules);
    int count = units(e->model, band->top, modules);
    for (int i = 0; i < band->lines; i++) {
        int first = i * count / band->lines, end = (i + 1) * count / band->lines;
        line.modules = modules + first;
        line.count = end - first;
        draw_label(names, i, e->model->modules[modules[first]].name, line.count > 1);
        draw_line(cells, i, b, &line);
    }
    free(modules);
}

// "at 116 thaw layer1", while there is room.
static void draw_changes(struct area area, int column, const struct runs_masks *m) {
    for (int i = 0; i < m->count; i++) {
        const struct runs_mask *mask = &m->items[i];
        char text[256];
        if (!mask->text)
            continue;
        snprintf(text, sizeof text, "at %" PRId64 " %s", mask->step, mask->text);
        bool last = i == m->count - 1;
        if (column + draw_width(text) > area.w - (last ? 1 : 3)) {
            draw_text(area, 0, column, area.w - column, STYLE_DIM, text);
            return;
        }
        column += draw_text(area, 0, column, 0, STYLE_DIM, text);
        column += draw_text(area, 0, column, 0, STYLE_AXIS, last ? " " : ", ");
    }
}

static void draw_title(struct area area, const struct runs_list *l, const struct scene *s,
                       const struct runs_band *band, bool legend) {
    const struct runs_entry *e = runs_list_entry(l, band->row);
    char label[256], damage[96];
    draw_rule(area, 0, NULL, STYLE_AXIS);
    if (legend)
        area.w -= draw_legend(area);
    enum style style = runs_list_shown(l, band->row) ? runs_style(l, s, band->row) : STYLE_TRAIN;
    int at = draw_text(area, 0, 0, area.w, style, runs_label(l, band->row, label));
    at += draw_text(area, 0, at, 0, STYLE_NORMAL, " ");
    if (*runs_entry_damage(e, damage)) {
        at += draw_text(area, 0, at, area.w - at, STYLE_ERROR, damage);
        at += draw_text(area, 0, at, 0, STYLE_NORMAL, " ");
    }
    draw_changes(area, at, &e->branches[l->rows[band->row].branch].masks);
}

static struct area part_of(struct area area, int line, int lines, int from, int to) {
    return (struct area){area.y + line, area.x + from, lines, to - from};
}

void runs_bands_draw(struct area area, const struct runs_bands *b, const struct runs_list *l,
                     const struct scene *s) {
    int line = 0, gutter = b->gutter < area.w ? b->gutter : 0;
    for (int i = 0; i < b->count; i++) {
        const struct runs_band *band = &b->items[i];
        const struct runs_entry *e = runs_list_entry(l, band->row);
        int branch = l->rows[band->row].branch;
        draw_title(part_of(area, line, 1, 0, area.w), l, s, band, i == 0);
        struct area names = part_of(area, line + 1, band->lines, 0, gutter);
        struct area cells = part_of(area, line + 1, band->lines, gutter, area.w);
        if (e->no_masks || !e->branches[branch].masks.count)
            draw_text(part_of(area, line + 1, 1, 0, area.w), 0, 2, area.w - 2, STYLE_DIM,
                      e->no_masks ? e->no_masks : "events.jsonl does not tell of this branch");
        else
            draw_lines(names, cells, b, band, e,
                       (struct line){.branch = &e->branches[branch],
                                     .reached = runs_entry_reached(e, s, branch)});
        line += 1 + band->lines;
    }
}
