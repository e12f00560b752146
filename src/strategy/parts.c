#include "strategy/parts.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "model/freeze.h"
#include <stdlib.h>

static bool is_marked(const struct model *model, int m) {
    return model->modules[m].block || model->modules[m].head;
}

static bool marked_within(const struct model *model, int first, int end) {
    for (int m = first; m < end; m++)
        if (is_marked(model, m))
            return true;
    return false;
}

static bool is_leaf(const struct model *model, int m) {
    return model->modules[m].end == m + 1;
}

// A marked module begins a part, and so does what comes behind one that is no single layer.
static int part_end(const struct model *model, int first) {
    bool marked = is_marked(model, first);
    int end = model->modules[first].end;
    if (marked && !is_leaf(model, first))
        return end;
    while (end < model->module_count && !marked_within(model, end, model->modules[end].end) &&
           (!marked ||
            (is_leaf(model, end) && model->modules[end].parent == model->modules[first].parent)))
        end = model->modules[end].end;
    return end;
}

static size_t count_parameters(const struct model *model, int first, int end) {
    size_t count = 0;
    for (int p = 0; p < model->param_count; p++) {
        const struct param *param = &model->params[p];
        bool inside = param->module >= first && param->module < end;
        if (inside && param->storage == p && !freeze_is_statistic(param))
            count += param->count;
    }
    return count;
}

static char *name_part(const struct part *b, const struct model *model) {
    struct text name = {0};
    for (int m = b->first; m < b->end; m = model->modules[m].end)
        if (count_parameters(model, m, model->modules[m].end) > 0)
            text_add(&name, "%s%s", name.length ? ", " : "", model->modules[m].name);
    return name.data;
}

struct parts parts_of(const struct model *model) {
    struct parts b = {.items = xcalloc((size_t)model->module_count + 1, sizeof *b.items)};
    for (int m = 0; m < model->module_count;) {
        if (marked_within(model, m + 1, model->modules[m].end)) {
            m++; // what it holds
            continue;
        }
        struct part part = {.first = m, .end = part_end(model, m)};
        part.head = model->modules[m].head;
        part.parameters = count_parameters(model, m, part.end);
        m = part.end;
        if (part.parameters == 0)
            continue;
        part.name = name_part(&part, model);
        b.items[b.count++] = part;
    }
    return b;
}

struct parts parts_copy(const struct parts *b) {
    struct parts copy = *b;
    copy.items = xmemdup(b->items, ((size_t)b->count + 1) * sizeof *b->items);
    for (int i = 0; i < b->count; i++)
        copy.items[i].name = xstrdup(b->items[i].name);
    return copy;
}

void parts_close(struct parts *b) {
    for (int i = 0; i < b->count; i++)
        free(b->items[i].name);
    free(b->items);
    *b = (struct parts){0};
}

int parts_find(const struct parts *b, const struct model *model, int param) {
    int module = model->params[model->params[param].storage].module;
    for (int i = 0; i < b->count; i++)
        if (module >= b->items[i].first && module < b->items[i].end)
            return i;
    return -1;
}

// Of each weight or bias, whether it is chosen: 1, 0, or -1 for what does not count.
static signed char *mark_params(const struct parts *b, const struct model *model,
                                const bool *chosen) {
    signed char *marks = xmalloc((size_t)model->param_count + 1);
    for (int p = 0; p < model->param_count; p++) {
        int part = parts_find(b, model, p);
        marks[p] = part >= 0 && chosen[part];
        if (freeze_is_statistic(&model->params[p]))
            marks[p] = -1;
    }
    return marks;
}

// How many of them stand below a module, and how many of these are not chosen.
static void count_below(const struct model *model, const signed char *marks, int module, int *all,
                        int *others) {
    *all = *others = 0;
    for (int m = module; m < model->modules[module].end; m++) {
        const struct module *own = &model->modules[m];
        for (int p = own->first_param; p < own->first_param + own->param_count; p++) {
            *all += marks[p] >= 0;
            *others += marks[p] == 0;
        }
    }
}

void parts_name(const struct parts *b, const struct model *model, const bool *chosen,
                const char *first, const char *next, struct text *out) {
    signed char *marks = mark_params(b, model, chosen);
    bool named = false;
    for (int m = 0; m < model->module_count;) {
        int all, others;
        count_below(model, marks, m, &all, &others);
        if (all > 0 && others == 0) {
            text_add(out, "%s%s", named ? next : first, m == 0 ? "all" : model->modules[m].name);
            named = true;
        }
        m = others == 0 || others == all ? model->modules[m].end : m + 1;
    }
    free(marks);
}
