// Drawing the rows: which columns there is room for, and what stands in them.
#include "base/text.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/tree_parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_LEAST = 14,
    TREND_LEAST = 4,
    TREND_MOST = 20,
    NARROW = 48,        // indented by one column a level instead of two
    CACHE_COUNTED = 48, // columns from which on the rule says how many samples are cached
    CONTEXT = 2,        // rows in sight above and below the cursor
    CELL_STEPS = 8,     // steps in one cell of a trend, at most
};

static const struct {
    const char *title;
    int width;
    bool wide;
} columns[TREE_COLUMNS] = {
    [TREE_NAME] = {"layer", NAME_LEAST, false},
    [TREE_KIND] = {"kind", 11, true},
    [TREE_SHAPE] = {"shape", 11, true},
    [TREE_PARAMS] = {"params", 6, false},
    [TREE_FLOPS] = {"FLOPs", 5, true},
    [TREE_TIME] = {"time", 4, false},
    [TREE_GRADIENT] = {"gradient", 8, false},
    [TREE_TREND] = {"trend", 8, false},
    [TREE_UPDATE] = {"update", 7, false},
    [TREE_DRIFT] = {"drift", 7, false},
    [TREE_LR] = {"lr", 8, false},
};

// What comes first when there is little room.
static const enum tree_column by_need[] = {TREE_GRADIENT, TREE_PARAMS, TREE_TREND, TREE_DRIFT,
                                           TREE_TIME,     TREE_UPDATE, TREE_LR,    TREE_KIND,
                                           TREE_SHAPE,    TREE_FLOPS};

struct table {
    struct area area;
    int width[TREE_COLUMNS]; // 0: not shown
    int at[TREE_COLUMNS];
    int indent;
};

// The last part of a dotted name; a number with the part in front of it.
static void module_name(const struct model *model, int module, char out[64]) {
    const char *full = model->modules[module].name;
    const char *last = strrchr(full, '.');
    if (last && last[1 + strspn(last + 1, "0123456789")] == '\0')
        while (last > full && last[-1] != '.')
            last--;
    else if (last)
        last++;
    snprintf(out, 64, "%s", module == 0 ? model->arch : last ? last : full);
}

static void row_name(const struct tree *t, const struct model *model, const struct tree_row *row,
                     char out[64]) {
    bool sorted = t->wide && t->sort != TREE_NAME;
    const struct param *param = row->param >= 0 ? &model->params[row->param] : NULL;
    int module = tree_owner(model, row);
    const char *own = !param                       ? ""
                      : freeze_is_statistic(param) ? "statistics"
                                                   : strrchr(param->name, '.');
    own = own ? own + (*own == '.') : param->name;
    if (sorted && module > 0)
        snprintf(out, 64, "%s%s%s", model->modules[module].name, *own ? "." : "", own);
    else if (param)
        snprintf(out, 64, "%s", own);
    else
        module_name(model, module, out);
}

// Where a name begins: behind mark and second mark, indented, behind the sign for open or closed.
static int name_column(const struct tree *t, const struct table *l, const struct tree_row *row) {
    int marks = l->indent + 1;
    if (row->depth == 0 || (t->wide && t->sort != TREE_NAME))
        return marks;
    return marks + (row->depth - 1) * l->indent + 2;
}

static int name_width(const struct tree *t, const struct model *model, const struct table *l) {
    int most = NAME_LEAST;
    for (int i = 0; i < t->count; i++) {
        char name[64];
        row_name(t, model, &t->rows[i], name);
        int width = name_column(t, l, &t->rows[i]) + draw_width(name);
        most = width > most ? width : most;
    }
    int limit = l->area.w / 2 > NAME_LEAST ? l->area.w / 2 : NAME_LEAST;
    return most < limit ? most : limit;
}

// "BasicBlock"; "Dropout on", as the plan has it.
static void write_kind(char *out, size_t size, const struct tree *t, const struct model *model,
                       int module) {
    const char *drop = t->plan.drop ? plan_drop_name(t->plan.drop[module]) : NULL;
    snprintf(out, size, "%s%s%s", model->modules[module].kind, drop ? " " : "", drop ? drop : "");
}

static int kind_width(const struct tree *t, const struct model *model) {
    int most = 0;
    for (int i = 0; i < t->count; i++) {
        char kind[64] = "";
        if (t->rows[i].param < 0)
            write_kind(kind, sizeof kind, t, model, t->rows[i].module);
        most = draw_width(kind) > most ? draw_width(kind) : most;
    }
    return most;
}

// Makes a column that is shown as wide as `wanted`, as far as there is room; returns what it took.
static int widen(struct table *l, enum tree_column column, int wanted, int room) {
    int more = wanted - l->width[column];
    if (!l->width[column] || more <= 0)
        return 0;
    more = more < room ? more : room;
    l->width[column] += more;
    return more;
}

// Takes columns by need while they fit; what is left widens the kind, the trend, then the name.
static struct table lay_out(struct area area, const struct tree *t, const struct model *model) {
    struct table l = {.area = area, .indent = area.w < NARROW ? 1 : 2};
    int room = area.w - name_width(t, model, &l);
    for (size_t i = 0; i < sizeof by_need / sizeof *by_need; i++) {
        enum tree_column c = by_need[i];
        int width = columns[c].width;
        if (c == TREE_TREND && room <= width && room > TREND_LEAST)
            width = room - 1;
        if ((columns[c].wide && !t->wide) || room <= width)
            continue;
        l.width[c] = width;
        room -= width + 1;
    }
    if (l.width[TREE_KIND])
        room -= widen(&l, TREE_KIND, kind_width(t, model), room);
    widen(&l, TREE_TREND, TREND_MOST, room);
    int at = area.w;
    for (int c = TREE_COLUMNS - 1; c > TREE_NAME; c--)
        if (l.width[c])
            l.at[c] = at -= l.width[c], at--;
    l.width[TREE_NAME] = at < 0 ? 0 : at;
    return l;
}

// Three figures in at most seven columns: "0.312", "0.00120", "1.2e-04".
static void write_number(char *out, size_t size, double value) {
    static const double steps[] = {99.95, 9.995, 0.9995, 0.09995, 0.009995};
    int decimals = 0;
    while (decimals < 5 && value < steps[decimals])
        decimals++;
    if (value == 0)
        snprintf(out, size, "0");
    else if (value < 0.0009995 || value >= 1e5)
        snprintf(out, size, "%.1e", value);
    else
        snprintf(out, size, "%.*f", decimals, value);
}

// "144", "18.5k", "272k", "11.7M".
static void write_count(char *out, size_t size, double value) {
    static const char units[] = " kMGT";
    int unit = 0;
    for (; value >= 999.5 && unit < 4; unit++)
        value /= 1000;
    if (unit == 0)
        snprintf(out, size, "%.0f", value);
    else
        snprintf(out, size, "%.*f%c",
                 value < 9.995   ? 2
                 : value < 99.95 ? 1
                                 : 0,
                 value, units[unit]);
}

static void write_shape(char *out, size_t size, const struct model *model,
                        const struct tree_row *row) {
    const struct module *module = &model->modules[tree_owner(model, row)];
    int p = row->param >= 0 ? row->param : module->param_count > 0 ? module->first_param : -1;
    struct dims dims = p >= 0 ? model->params[p].dims : (struct dims){0};
    *out = '\0';
    for (int i = 0; i < dims.rank; i++) {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%lld", i ? "×" : "", (long long)dims.size[i]);
    }
}

static void write_cell(char *out, size_t size, const struct tree *t, const struct scene *s,
                       const struct tree_row *row, const struct tree_figures *f,
                       enum tree_column column) {
    double value = tree_figure(f, column);
    *out = '\0';
    if (column == TREE_SHAPE)
        write_shape(out, size, s->model, row);
    else if (column == TREE_KIND && row->param < 0)
        write_kind(out, size, t, s->model, row->module);
    else if (isnan(value) || (column == TREE_PARAMS && f->params == 0))
        return;
    else if (column == TREE_PARAMS || column == TREE_FLOPS)
        write_count(out, size, value);
    else if (column == TREE_TIME)
        snprintf(out, size, value > 0 && value < 0.005 ? "<1%%" : "%.0f%%", 100 * value);
    else if (column == TREE_LR)
        snprintf(out, size, f->lr_varies ? "varies" : "%.3g", value);
    else
        write_number(out, size, value);
}

// Means of the last steps, a few in each cell. The cells' borders stay where they are as the
// series grows, so that the picture moves but does not flicker.
static void draw_trend(const struct table *l, int line, const struct scene *s, int module) {
    int width = l->width[TREE_TREND];
    const struct series *series = s->block_gradient ? &s->block_gradient[module] : NULL;
    if (!series || series->count == 0)
        return;
    float values[TREND_MOST];
    int per_cell = 1;
    while (per_cell < CELL_STEPS && series->count > width * per_cell)
        per_cell *= 2;
    int last = (series->count - 1) / per_cell;
    int first = last - width + 1 > 0 ? last - width + 1 : 0;
    for (int cell = first; cell <= last; cell++) {
        double sum = 0;
        int count = 0;
        for (int i = cell * per_cell; i < (cell + 1) * per_cell && i < series->count; i++) {
            bool known = isfinite(series->buckets[i].mean);
            sum += known ? (double)series->buckets[i].mean : 0;
            count += known;
        }
        values[cell - first] = count ? (float)(sum / count) : NAN;
    }
    draw_spark(l->area, line, l->at[TREE_TREND], width, STYLE_TRAIN, values, last - first + 1);
}

static enum style state_style(enum freeze_state state) {
    static const enum style styles[] = {STYLE_FROZEN, STYLE_THAWED, STYLE_MIXED, STYLE_DIM};
    return styles[state];
}

static void draw_name(const struct table *l, int line, const struct scene *s, const struct tree *t,
                      int index, const struct tree_figures *f) {
    static const enum symbol symbols[] = {SYMBOL_FROZEN, SYMBOL_THAWED, SYMBOL_MIXED, SYMBOL_EMPTY};
    const struct tree_row *row = &t->rows[index];
    enum style style = state_style(f->state);
    int at = name_column(t, l, row), room = l->width[TREE_NAME];
    char name[64];
    row_name(t, s->model, row, name);
    draw_text(l->area, line, 0, 1, f->pending ? STYLE_PENDING : style,
              draw_symbol(symbols[f->state]));
    if (f->pending || f->tied)
        draw_text(l->area, line, 1, 1, f->pending ? STYLE_PENDING : STYLE_DIM,
                  draw_symbol(f->pending ? SYMBOL_PENDING : SYMBOL_TIED));
    bool below = tree_expandable(t, s->model, index) && !(t->wide && t->sort != TREE_NAME);
    if (below && at < room)
        draw_text(l->area, line, at - 2, 1, STYLE_DIM,
                  draw_symbol(tree_expanded(t, index) ? SYMBOL_OPEN : SYMBOL_CLOSED));
    if (at < room)
        draw_text(l->area, line, at, room - at, row->module == 0 ? STYLE_STRONG : style, name);
}

static void draw_row(const struct table *l, int line, const struct scene *s, const struct tree *t,
                     int index) {
    const struct tree_row *row = &t->rows[index];
    struct tree_figures f = tree_figures_of(t, s, row);
    enum style style = f.state == STATE_FROZEN || f.state == STATE_EMPTY ? STYLE_DIM : STYLE_NORMAL;
    draw_name(l, line, s, t, index, &f);
    for (enum tree_column c = TREE_KIND; c < TREE_COLUMNS; c++) {
        char cell[64];
        if (!l->width[c] || c == TREE_TREND)
            continue;
        write_cell(cell, sizeof cell, t, s, row, &f, c);
        if (c == TREE_KIND || c == TREE_SHAPE)
            draw_text(l->area, line, l->at[c], l->width[c], style, cell);
        else
            draw_right(l->area, line, l->at[c], l->width[c], style, cell);
    }
    if (l->width[TREE_TREND] && row->param < 0 && !isnan(f.gradient))
        draw_trend(l, line, s, row->module);
    int low = t->range < t->cursor ? t->range : t->cursor;
    int high = t->range < t->cursor ? t->cursor : t->range;
    if (index == t->cursor)
        draw_restyle(l->area, line, 0, l->area.w, STYLE_CURSOR);
    else if (t->range >= 0 && index >= low && index <= high)
        draw_restyle(l->area, line, 0, l->area.w, STYLE_SELECTED);
}

static void draw_header(const struct table *l, const struct tree *t) {
    char title[96];
    snprintf(title, sizeof title, *t->filter ? "/%s" : "%s",
             *t->filter ? t->filter : columns[TREE_NAME].title);
    int at = l->indent + 1;
    draw_text(l->area, 0, at, l->width[TREE_NAME] - at, *t->filter ? STYLE_KEY : STYLE_AXIS, title);
    for (enum tree_column c = TREE_KIND; c < TREE_COLUMNS; c++) {
        bool sorted = t->wide && t->sort == (int)c;
        bool left = c == TREE_KIND || c == TREE_SHAPE || c == TREE_TREND;
        enum style style = sorted ? STYLE_STRONG : STYLE_AXIS;
        if (l->width[c] < draw_width(columns[c].title))
            continue;
        if (left)
            draw_text(l->area, 0, l->at[c], l->width[c], style, columns[c].title);
        else
            draw_right(l->area, 0, l->at[c], l->width[c], style, columns[c].title);
    }
}

// The row in front of which the gradient-free prefix ends: the first that has no rows below it and
// something live in it, or the parents right above it. -1: there is no prefix.
static int find_cut(const struct tree *t, const struct model *model) {
    if (!t->plan.live || (t->wide && t->sort != TREE_NAME))
        return -1;
    int cut = 0;
    while (cut < t->count &&
           (tree_expanded(t, cut) || !t->plan.live[tree_owner(model, &t->rows[cut])]))
        cut++;
    while (cut > 0 && cut < t->count && t->rows[cut - 1].depth < t->rows[cut].depth)
        cut--;
    return cut > 0 ? cut : -1;
}

static int line_of(const struct tree *t, int row) {
    return row + (t->cut >= 0 && row >= t->cut);
}

// Keeps the cursor in sight, with rows around it, and no line empty that could be filled.
static void scroll(struct tree *t, int lines) {
    int all = t->count + (t->cut >= 0), at = line_of(t, t->cursor);
    int around = lines > 2 * CONTEXT ? CONTEXT : 0;
    if (at - around < t->top)
        t->top = at - around;
    if (at + around > t->top + lines - 1)
        t->top = at + around - lines + 1;
    if (t->top > all - lines)
        t->top = all - lines;
    if (t->top < 0)
        t->top = 0;
}

// Where the frozen prefix ends, and whether what it computes is kept.
static void draw_cut(struct area area, int line, const struct scene *s, const struct tree *t) {
    const struct cache_view *c = &s->now.cache;
    char text[64] = "frozen prefix ends";
    size_t n = strlen(text);
    if (!t->plan.live[0])
        snprintf(text, sizeof text, "all frozen: nothing trains");
    else if (c->state == CACHE_KEPT && area.w >= CACHE_COUNTED)
        snprintf(text + n, sizeof text - n, ", %d of %d cached", c->known, c->count);
    else if (c->state == CACHE_KEPT && c->count > 0)
        snprintf(text + n, sizeof text - n, ", %d %% cached", (int)(100.0 * c->known / c->count));
    else if (c->state == CACHE_VARY)
        snprintf(text + n, sizeof text - n, ", samples vary");
    else if (c->state == CACHE_TOO_LARGE)
        snprintf(text + n, sizeof text - n, ", too large to cache");
    draw_rule(area, line, text, STYLE_FROZEN);
}

static void draw_lines(const struct table *l, const struct scene *s, const struct tree *t) {
    for (int line = 1; line < l->area.h; line++) {
        int row = tree_row_at(t, l->area, line);
        if (row >= 0)
            draw_row(l, line, s, t, row);
        else if (t->top + line - 1 == t->cut)
            draw_cut(l->area, line, s, t);
    }
}

void tree_draw(struct area area, const struct scene *s, struct tree *t, bool wide) {
    if (area.h < 1 || area.w < 1)
        return;
    draw_clear(area);
    if (!s->model || !t->open || !s->wanted.flags.model) {
        draw_text(area, 0, 0, area.w, STYLE_DIM, "loading the model");
        return;
    }
    if (wide != t->wide || !t->rows || (wide && t->sort != TREE_NAME)) {
        t->wide = wide;
        tree_rebuild(t, s);
    }
    tree_plan_update(t, s);
    t->cut = find_cut(t, s->model);
    scroll(t, area.h - 1);
    struct table l = lay_out(area, t, s->model);
    draw_header(&l, t);
    draw_lines(&l, s, t);
    if (t->count == 0)
        draw_text(area, 1, 2, area.w - 2, STYLE_DIM, "no layer has this in its name");
}
