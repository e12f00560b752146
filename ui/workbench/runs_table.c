#include "ui/workbench/runs_table.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    NAMES_MIN = 22, // columns
    NAME = 40,      // from there on the experiment's name has a column
    CELL = 64,
};

// ---- Names and styles

const char *runs_label(const struct runs_list *l, int row, char out[256]) {
    const struct runs_entry *e = runs_list_entry(l, row);
    int branch = l->rows[row].branch;
    if (e->path)
        snprintf(out, 256, "%s", branch < 0 ? e->path : e->branches[branch].curves.name);
    else if (e->branch_count == 1)
        snprintf(out, 256, "this session");
    else
        snprintf(out, 256, "branch %d", e->branches[branch].number);
    return out;
}

static bool is_curve_of(const struct curves *c, const struct runs_entry *e,
                        const struct runs_branch *b) {
    return e->path ? c->branch < 0 && strcmp(c->name, b->curves.name) == 0 : c->branch == b->number;
}

enum style runs_style(const struct runs_list *l, const struct scene *s, int row) {
    const struct runs_entry *e = runs_list_entry(l, row);
    int branch = l->rows[row].branch;
    if (branch >= 0 && !e->path && e->branches[branch].number == s->now.branch)
        return STYLE_VALIDATION;
    for (int i = 0; branch >= 0 && i < s->curve_count; i++)
        if (is_curve_of(&s->curves[i], e, &e->branches[branch]))
            return STYLE_OTHER + i % 3;
    return STYLE_TRAIN;
}

// ---- Cells

struct cell {
    char text[CELL];
    enum style style;
};

static void percent(double share, char out[CELL]) {
    snprintf(out, CELL, isnan(share) ? "-" : "%.1f %%", 100 * share);
}

// The most figures that the column holds: a head alone may be a thousandth.
static void share(double value, char out[16]) {
    double shown = 100 * value;
    snprintf(out, 16, shown > 0 && shown < 1 ? "%.2f" : shown < 100 ? "%.1f" : "%.0f", shown);
}

static struct cell thawed_cell(const struct runs_entry *e, int branch) {
    struct cell cell = {.text = "-"};
    const struct runs_masks *m = &e->branches[branch].masks;
    char first[16], last[16];
    if (m->count == 0)
        return cell;
    share(m->items[0].thawed, first);
    share(m->items[m->count - 1].thawed, last);
    const char *about = e->exact ? "" : "~";
    if (strcmp(first, last) == 0)
        snprintf(cell.text, CELL, "%s%s %%", about, last);
    else
        snprintf(cell.text, CELL, "%s%s %s %s %%", about, first, draw_symbol(SYMBOL_ARROW), last);
    return cell;
}

static struct cell state_cell(const struct runs_entry *e, const struct scene *s, int branch) {
    struct cell cell = {.style = STYLE_DIM};
    char damage[96];
    bool damaged = *runs_entry_damage(e, damage);
    snprintf(cell.text, CELL, "%s", damaged ? "damaged" : runs_entry_state(e, s, branch));
    if (damaged || strcmp(cell.text, "failed") == 0)
        cell.style = STYLE_ERROR;
    else if (strcmp(cell.text, "running") == 0)
        cell.style = STYLE_GOOD;
    return cell;
}

// ---- Columns

enum column { EPOCHS, THAWED, VALIDATION, TEST, SOURCE, STATE, COLUMNS };

static const struct {
    const char *title;
    int width;
} columns[COLUMNS] = {
    [EPOCHS] = {"epochs", 9}, [THAWED] = {"thawed", 16},   [VALIDATION] = {"validation", 12},
    [TEST] = {"test", 9},     [SOURCE] = {"old task", 10}, [STATE] = {"state", 10}};

// Where the columns stand; -1: no room for it.
struct frame {
    int at[COLUMNS];
    int names, experiment; // columns that they take
};

static struct frame frame_of(int width, bool source) {
    static const enum column leave[] = {STATE, THAWED, SOURCE, TEST, EPOCHS, VALIDATION};
    bool out[COLUMNS] = {[SOURCE] = !source};
    int numbers = 0, right = width;
    for (int i = 0; i < COLUMNS; i++)
        numbers += out[i] ? 0 : columns[i].width;
    for (int i = 0; i < COLUMNS && width - numbers < NAMES_MIN; i++) {
        numbers -= out[leave[i]] ? 0 : columns[leave[i]].width;
        out[leave[i]] = true;
    }
    struct frame f = {.names = width - numbers - 2};
    for (int i = COLUMNS - 1; i >= 0; i--)
        f.at[i] = out[i] ? -1 : (right -= columns[i].width);
    f.experiment = f.names >= NAME ? f.names * 2 / 5 : 0;
    f.names -= f.experiment;
    return f;
}

static struct cell cell_of(const struct runs_list *l, const struct scene *s, int row,
                           enum column column) {
    const struct runs_entry *e = runs_list_entry(l, row);
    int branch = l->rows[row].branch;
    struct cell cell = {.style = STYLE_NORMAL};
    switch (column) {
    case EPOCHS:
        snprintf(cell.text, CELL, "%" PRId64 "/%" PRId64, runs_entry_epochs(e, s, branch, false),
                 runs_entry_epochs(e, s, branch, true));
        return cell;
    case THAWED:
        return thawed_cell(e, branch);
    case VALIDATION:
        percent(runs_entry_best(e, s, branch), cell.text);
        return cell;
    case TEST:
        percent(runs_list_test(l, row), cell.text);
        return cell;
    case SOURCE:
        percent(runs_entry_source(e, s, branch), cell.text);
        return cell;
    default:
        return state_cell(e, s, branch);
    }
}

// ---- Rows

// Of a path that is too long its last directories, as far as they fit.
static const char *end_of_path(const char *path, int width) {
    for (const char *slash; draw_width(path) > width && (slash = strchr(path, '/'));)
        path = slash + 1;
    return path;
}

static void draw_name(struct area area, int line, const struct runs_list *l, const struct scene *s,
                      int row, int width) {
    const struct runs_entry *e = runs_list_entry(l, row);
    const struct runs_branch *b =
        l->rows[row].branch < 0 ? NULL : &e->branches[l->rows[row].branch];
    bool here = !e->path && b->number == s->now.branch;
    enum style style = here ? STYLE_STRONG : STYLE_NORMAL;
    char text[256];
    if (b && b->number > 0 && !e->own)
        snprintf(text, sizeof text, " %s branch %d from %s%" PRId64, draw_symbol(SYMBOL_BRANCH),
                 b->number, width >= 40 ? "step " : "", b->forked);
    else if (e->path)
        runs_label(l, row, text);
    else
        snprintf(text, sizeof text, "this session");
    const char *shown = e->path && !e->own ? end_of_path(text, width - 1) : text;
    int end = draw_text(area, line, 2, width - 1, style, shown);
    if (b && b->number > 0 && !e->own && b->parent >= 0 && width - end > 14)
        draw_format((struct area){area.y, area.x, area.h, 2 + width - 1}, line, 2 + end, style,
                    " of branch %d", b->parent);
}

static void draw_cells(struct area area, int line, const struct runs_list *l, const struct scene *s,
                       int row, const struct frame *f) {
    for (int i = 0; i < COLUMNS; i++) {
        if (f->at[i] < 0)
            continue;
        struct cell cell = cell_of(l, s, row, i);
        draw_right(area, line, f->at[i], columns[i].width, cell.style, cell.text);
    }
}

static void draw_row(struct area area, int line, const struct runs_list *l, const struct scene *s,
                     int row, const struct frame *f, enum raster_kind raster) {
    const struct runs_entry *e = runs_list_entry(l, row);
    enum style style = runs_style(l, s, row);
    if (runs_list_shown(l, row))
        draw_text(area, line, 0, 1, style, raster_sample(raster, style));
    draw_name(area, line, l, s, row, f->names);
    if (l->rows[row].branch < 0) {
        int at = 2 + f->names;
        draw_text(area, line, at, area.w - at, STYLE_ERROR, e->unreadable);
        return;
    }
    if (f->experiment)
        draw_text(area, line, 2 + f->names, f->experiment - 1, STYLE_DIM, e->experiment.name);
    draw_cells(area, line, l, s, row, f);
}

static void draw_header(struct area area, const struct frame *f) {
    draw_text(area, 0, 2, f->names, STYLE_TITLE, "run");
    if (f->experiment)
        draw_text(area, 0, 2 + f->names, f->experiment, STYLE_TITLE, "experiment");
    for (int i = 0; i < COLUMNS; i++)
        if (f->at[i] >= 0)
            draw_right(area, 0, f->at[i], columns[i].width, STYLE_TITLE, columns[i].title);
}

static bool alone(const struct runs_list *l) {
    return l->row_count == 0 || l->rows[l->row_count - 1].entry < 0;
}

// Without a run that looks at its old task, there is no column for it.
static bool any_source(const struct runs_list *l, const struct scene *s) {
    for (int row = 0; row < l->row_count; row++)
        if (l->rows[row].branch >= 0 &&
            !isnan(runs_entry_source(runs_list_entry(l, row), s, l->rows[row].branch)))
            return true;
    return false;
}

int runs_table_rows(const struct runs_list *l) {
    return RUNS_HEADER + l->row_count + alone(l);
}

void runs_table_draw(struct area area, const struct runs_list *l, const struct scene *s, int cursor,
                     int top, enum raster_kind raster) {
    struct frame f = frame_of(area.w, any_source(l, s));
    int line = RUNS_HEADER;
    draw_header(area, &f);
    for (int row = top; row < l->row_count && line < area.h; row++, line++) {
        draw_row(area, line, l, s, row, &f, raster);
        if (row == cursor)
            draw_restyle(area, line, 0, area.w, STYLE_CURSOR);
    }
    if (alone(l))
        draw_text(area, line, 2, area.w - 2, STYLE_DIM,
                  "no other runs in runs/ yet: every session and thaw run make one there");
}
