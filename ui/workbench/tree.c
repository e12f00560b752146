#include "ui/workbench/tree.h"
#include "base/xalloc.h"
#include "ui/workbench/tree_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tree_owner(const struct model *model, const struct tree_row *row) {
    return row->param >= 0 ? model->params[row->param].module : row->module;
}

bool tree_inside(const struct model *model, int module, int param) {
    int owner = model->params[param].module;
    return owner >= module && owner < model->modules[module].end;
}

bool tree_has_params(const struct model *model, int module) {
    for (int m = module; m < model->modules[module].end; m++)
        if (model->modules[m].param_count > 0)
            return true;
    return false;
}

void tree_open(struct tree *t, const struct model *model) {
    *t = (struct tree){.range = -1, .cut = -1};
    if (!model)
        return;
    t->open = xcalloc((size_t)model->module_count, sizeof *t->open);
    for (int m = 0; m < model->module_count; m++) {
        const struct module *module = &model->modules[m];
        bool above = m == 0 || (t->open[module->parent] && !module->block);
        t->open[m] = above && module->end > m + 1;
    }
}

void tree_close(struct tree *t) {
    free(t->rows);
    free(t->open);
    tree_plan_close(&t->plan);
    *t = (struct tree){.range = -1, .cut = -1};
}

bool tree_pattern(const struct tree *t, char out[TREE_PATTERN]) {
    static const char *const presets[] = {"all", "head", "norm", "bias"};
    const char *filter = t->filter;
    bool as_it_is = strpbrk(filter, "*?") || freeze_names_statistics(filter) ||
                    strncmp(filter, "last-", 5) == 0;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        as_it_is |= strcmp(filter, presets[i]) == 0;
    snprintf(out, TREE_PATTERN, as_it_is ? "%s" : "*%s*", filter);
    return *filter;
}

// Building the rows. `hit` is what the filter means; NULL: there is none.
struct builder {
    struct tree *t;
    const struct model *model;
    bool *hit;
    bool statistics; // the filter is about them alone
    int capacity;
};

enum hits { HITS_NONE, HITS_SOME, HITS_WHOLE };

static enum hits module_hits(const struct builder *b, int module) {
    int all = 0, hit = 0;
    if (!b->hit)
        return HITS_WHOLE;
    for (int p = 0; p < b->model->param_count; p++) {
        if (!tree_inside(b->model, module, p) ||
            freeze_is_statistic(&b->model->params[p]) != b->statistics)
            continue;
        all++;
        hit += b->hit[p];
    }
    return hit == 0 ? HITS_NONE : hit == all ? HITS_WHOLE : HITS_SOME;
}

static void add_row(struct builder *b, int module, int param, int depth) {
    struct tree *t = b->t;
    if (t->count == b->capacity) {
        b->capacity = 2 * b->capacity + 64;
        t->rows = xrealloc(t->rows, (size_t)b->capacity * sizeof *t->rows);
    }
    t->rows[t->count++] = (struct tree_row){module, param, depth};
}

static bool is_first_statistic(const struct model *model, int param) {
    const struct module *owner = &model->modules[model->params[param].module];
    return param == owner->first_param || !freeze_is_statistic(&model->params[param - 1]);
}

static void add_params(struct builder *b, int module, int depth) {
    const struct module *own = &b->model->modules[module];
    for (int p = own->first_param; p < own->first_param + own->param_count; p++) {
        bool statistic = freeze_is_statistic(&b->model->params[p]);
        if ((!b->hit || b->hit[p]) && (!statistic || is_first_statistic(b->model, p)))
            add_row(b, -1, p, depth);
    }
}

static void add_module(struct builder *b, int module, int depth) {
    const struct model *model = b->model;
    enum hits hits = module_hits(b, module);
    if (hits == HITS_NONE || (!b->t->wide && !tree_has_params(model, module)))
        return;
    add_row(b, module, -1, depth);
    if (hits == HITS_WHOLE && !b->t->open[module])
        return;
    add_params(b, module, depth + 1);
    for (int m = module + 1; m < model->modules[module].end; m = model->modules[m].end)
        add_module(b, m, depth + 1);
}

static void build(struct tree *t, const struct model *model) {
    char pattern[TREE_PATTERN];
    struct builder b = {.t = t, .model = model};
    free(t->rows);
    t->rows = NULL;
    t->count = 0;
    if (tree_pattern(t, pattern)) {
        b.hit = xcalloc((size_t)model->param_count + 1, sizeof *b.hit);
        b.statistics = freeze_names_statistics(pattern);
        freeze_match(model, pattern, b.hit, NULL);
    }
    add_module(&b, 0, 0);
    free(b.hit);
}

// The place of a row in the whole tree.
static int64_t place(const struct model *model, const struct tree_row *row) {
    return (int64_t)tree_owner(model, row) << 32 | (row->param + 1);
}

struct keyed_row {
    struct tree_row row;
    double key;
    int64_t place;
};

// Largest first, rows without a value last.
static int compare(const void *a, const void *b) {
    const struct keyed_row *x = a, *y = b;
    bool no_x = x->key != x->key, no_y = y->key != y->key;
    if (no_x != no_y)
        return no_x - no_y;
    if (!no_x && x->key != y->key)
        return x->key < y->key ? 1 : -1;
    return x->place < y->place ? -1 : x->place > y->place;
}

// Leaves rows that have none below them, by the column.
static void sort(struct tree *t, const struct scene *s) {
    struct keyed_row *keyed = xcalloc((size_t)t->count + 1, sizeof *keyed);
    int count = 0;
    for (int i = 0; i < t->count; i++) {
        const struct tree_row *row = &t->rows[i];
        struct tree_figures figures = tree_figures_of(t, s, row);
        if (!tree_expanded(t, i))
            keyed[count++] =
                (struct keyed_row){*row, tree_figure(&figures, t->sort), place(s->model, row)};
    }
    qsort(keyed, (size_t)count, sizeof *keyed, compare);
    for (int i = 0; i < count; i++) {
        t->rows[i] = keyed[i].row;
        t->rows[i].depth = 0;
    }
    t->count = count;
    free(keyed);
}

// The row at a place, or the last in front of it.
static int find(const struct tree *t, const struct model *model, int64_t wanted) {
    int best = 0;
    int64_t best_place = -1;
    for (int i = 0; i < t->count; i++) {
        int64_t here = place(model, &t->rows[i]);
        if (here <= wanted && here > best_place) {
            best = i;
            best_place = here;
        }
    }
    return best;
}

void tree_rebuild(struct tree *t, const struct scene *s) {
    if (!s->model || !t->open)
        return;
    bool had = t->count > 0;
    bool ranged = had && t->range >= 0 && t->range < t->count;
    int64_t cursor = had ? place(s->model, &t->rows[t->cursor]) : 0;
    int64_t range = ranged ? place(s->model, &t->rows[t->range]) : 0;
    build(t, s->model);
    if (t->wide && t->sort != TREE_NAME) {
        tree_plan_update(t, s);
        sort(t, s);
    }
    t->cursor = find(t, s->model, cursor);
    t->range = ranged && t->count ? find(t, s->model, range) : -1;
}

bool tree_expanded(const struct tree *t, int row) {
    return row + 1 < t->count && t->rows[row + 1].depth > t->rows[row].depth;
}

bool tree_expandable(const struct tree *t, const struct model *model, int row) {
    int m = t->rows[row].module;
    return m > 0 && (tree_has_params(model, m) || (t->wide && model->modules[m].end > m + 1));
}

static void move_to(struct tree *t, int row) {
    t->cursor = row >= t->count ? t->count - 1 : row;
    t->cursor = t->cursor < 0 ? 0 : t->cursor;
}

static void set_open(struct tree *t, const struct scene *s, bool open) {
    t->open[t->rows[t->cursor].module] = open;
    tree_rebuild(t, s);
}

static void to_parent(struct tree *t) {
    int depth = t->rows[t->cursor].depth, row = t->cursor;
    while (row > 0 && t->rows[row].depth >= depth)
        row--;
    move_to(t, depth > 0 ? row : t->cursor);
}

static void left(struct tree *t, const struct scene *s) {
    if (tree_expandable(t, s->model, t->cursor) && t->open[t->rows[t->cursor].module])
        set_open(t, s, false);
    else
        to_parent(t);
}

static void right(struct tree *t, const struct scene *s) {
    if (tree_expandable(t, s->model, t->cursor) && !t->open[t->rows[t->cursor].module])
        set_open(t, s, true);
    else if (tree_expanded(t, t->cursor))
        move_to(t, t->cursor + 1);
}

static void flip_open(struct tree *t, const struct scene *s) {
    if (tree_expandable(t, s->model, t->cursor))
        set_open(t, s, !t->open[t->rows[t->cursor].module]);
}

static void next_sort(struct tree *t, const struct scene *s) {
    static const int order[] = {TREE_NAME,   TREE_PARAMS, TREE_FLOPS, TREE_TIME, TREE_GRADIENT,
                                TREE_UPDATE, TREE_DRIFT,  TREE_LR,    TREE_NAME};
    int at = 0;
    while (order[at] != t->sort && at < 7)
        at++;
    t->sort = order[at + 1];
    tree_rebuild(t, s);
}

// Leaves the range, then the filter.
static bool escape(struct tree *t, const struct scene *s) {
    bool any = t->range >= 0 || *t->filter;
    if (t->range < 0 && any) {
        *t->filter = '\0';
        tree_rebuild(t, s);
    }
    t->range = -1;
    return any;
}

static bool move(struct tree *t, enum action action, int page) {
    static const struct {
        enum action action;
        int lines, pages, ends;
    } moves[] = {
        {ACTION_UP, -1, 0, 0},       {ACTION_DOWN, 1, 0, 0}, {ACTION_PAGE_UP, 0, -1, 0},
        {ACTION_PAGE_DOWN, 0, 1, 0}, {ACTION_TOP, 0, 0, -1}, {ACTION_BOTTOM, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        if (moves[i].action != action)
            continue;
        move_to(t, t->cursor + moves[i].lines + moves[i].pages * page + moves[i].ends * t->count);
        return true;
    }
    return false;
}

bool tree_act(struct tree *t, const struct scene *s, enum action action, int page) {
    if (!s->model || !t->open)
        return false;
    if (!t->rows)
        tree_rebuild(t, s);
    if (action == ACTION_ESCAPE)
        return escape(t, s);
    if (move(t, action, page))
        return true;
    void (*act)(struct tree *, const struct scene *) = action == ACTION_LEFT    ? left
                                                       : action == ACTION_RIGHT ? right
                                                       : action == ACTION_ENTER ? flip_open
                                                       : action == ACTION_SORT  ? next_sort
                                                                                : NULL;
    if (act && (t->count > 0 || action == ACTION_SORT))
        act(t, s);
    if (action == ACTION_RANGE && t->count > 0)
        t->range = t->range >= 0 ? -1 : t->cursor;
    return act || action == ACTION_RANGE;
}

int tree_row_at(const struct tree *t, struct area area, int row) {
    int line = t->top + row - 1;
    if (row < 1 || row >= area.h || line == t->cut)
        return -1;
    int found = t->cut >= 0 && line > t->cut ? line - 1 : line;
    return found < t->count ? found : -1;
}
