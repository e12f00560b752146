#include "ui/workbench/tree_cover.h"
#include "base/xalloc.h"
#include "ui/workbench/tree_parts.h"
#include <stdlib.h>
#include <string.h>

// Names found so far: modules, or parameters by themselves.
struct name {
    int module, param; // param -1: the module
    bool statistics;   // of the module
    bool back;
};

struct cover {
    const struct model *model;
    const enum meant *meant;
    const enum meant *back; // NULL: nothing is named around
    struct name *names;     // room for two of each module and parameter
    int count;
};

static void add(struct cover *c, struct name name) {
    c->names[c->count++] = name;
}

// A module may have the name of a preset, which then means something else.
static bool named_so(const struct model *model, int module) {
    static const char *const presets[] = {"all", "none", "head", "bias", "norm"};
    const char *name = model->modules[module].name;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(name, presets[i]) == 0)
            return false;
    return true;
}

// Whether the subtree has any `wanted`, and nothing but it and what may be either.
static bool needs(const struct cover *c, int module, enum meant wanted, bool *whole) {
    bool any = false;
    *whole = true;
    for (int p = 0; p < c->model->param_count; p++) {
        bool statistic = freeze_is_statistic(&c->model->params[p]);
        if (!tree_inside(c->model, module, p) || (wanted == MEANT_ALONE && !statistic))
            continue;
        any |= c->meant[p] == wanted;
        *whole &= c->meant[p] == wanted || c->meant[p] == MEANT_EITHER;
    }
    return any;
}

static void cover_params(struct cover *c, int module) {
    const struct module *own = &c->model->modules[module];
    for (int p = own->first_param; p < own->first_param + own->param_count; p++)
        if (c->meant[p] == MEANT && !freeze_is_statistic(&c->model->params[p]))
            add(c, (struct name){module, p, false, false});
}

static void name_around(struct cover *c, int module, int first);

static void cover_module(struct cover *c, int module) {
    bool whole;
    int first = c->count;
    if (!needs(c, module, MEANT, &whole))
        return;
    if (whole && named_so(c->model, module)) {
        add(c, (struct name){module, -1, false, false});
        return;
    }
    cover_params(c, module);
    for (int m = module + 1; m < c->model->modules[module].end; m = c->model->modules[m].end)
        cover_module(c, m);
    if (c->back && named_so(c->model, module))
        name_around(c, module, first);
}

static void cover_statistics(struct cover *c, int module) {
    bool whole;
    if (!needs(c, module, MEANT_ALONE, &whole))
        return;
    if (whole) {
        add(c, (struct name){module, -1, true, false});
        return;
    }
    for (int m = module + 1; m < c->model->modules[module].end; m = c->model->modules[m].end)
        cover_statistics(c, m);
}

// Puts the module, and what to put right in it, in the place of names from `first` on, when these
// are more.
static void name_around(struct cover *c, int module, int first) {
    int params = c->model->param_count;
    enum meant *others = xcalloc((size_t)params + 1, sizeof *others);
    for (int p = 0; p < params; p++)
        if (tree_inside(c->model, module, p))
            others[p] = c->back[p];
    struct cover back = {.model = c->model, .meant = others};
    back.names = xcalloc(2 * (size_t)(params + c->model->module_count), sizeof *back.names);
    cover_module(&back, module);
    if (1 + back.count < c->count - first) {
        c->count = first;
        add(c, (struct name){module, -1, false, false});
        for (int i = 0; i < back.count; i++) {
            add(c, back.names[i]);
            c->names[c->count - 1].back = true;
        }
    }
    free(back.names);
    free(others);
}

static void write_name(struct text *t, const struct model *model, const char *verb,
                       const struct name *name) {
    const char *module = model->modules[name->module].name;
    text_add(t, "%s%s ", t->length ? "; " : "", verb);
    if (name->param >= 0)
        text_add(t, "%s", model->params[name->param].name);
    else if (name->statistics)
        text_add(t, "%s.statistics", *module ? module : "*");
    else
        text_add(t, "%s", *module ? module : "all");
}

int tree_cover_around(struct text *t, const struct model *model, const char *verb,
                      const enum meant *meant, const char *back, const enum meant *back_meant) {
    struct cover c = {.model = model, .meant = meant, .back = back_meant};
    c.names = xcalloc(2 * (size_t)(model->param_count + model->module_count), sizeof *c.names);
    cover_module(&c, 0);
    cover_statistics(&c, 0);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < c.count; i++)
            if (c.names[i].back == (pass == 1))
                write_name(t, model, pass ? back : verb, &c.names[i]);
    free(c.names);
    return c.count;
}

int tree_cover(struct text *t, const struct model *model, const char *verb,
               const enum meant *meant) {
    return tree_cover_around(t, model, verb, meant, NULL, NULL);
}
