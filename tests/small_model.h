// A model without a graph, from a table of modules: for tests of flags and optimisers.
#ifndef THAW_TESTS_SMALL_MODEL_H
#define THAW_TESTS_SMALL_MODEL_H

#include "base/xalloc.h"
#include "model/model.h"
#include <string.h>

enum small_kind { SMALL_EMPTY, SMALL_WEIGHT, SMALL_WEIGHT_BIAS, SMALL_NORM };
enum small_mark { SMALL_PLAIN, SMALL_BLOCK, SMALL_HEAD };

// In preorder, parents before children, without the root.
struct small_module {
    const char *name;
    enum small_kind kind;
    enum small_mark mark;
    int weights, biases; // elements; a norm's statistics have as many as its biases
};

static inline void small_param(struct model *model, int module, const char *name,
                               enum param_kind kind, bool norm, int count) {
    const char *owner = model->modules[module].name;
    int p = model->param_count++;
    model->params[p] = (struct param){.name = xprintf("%s.%s", owner, name),
                                      .module = module,
                                      .kind = kind,
                                      .norm = norm,
                                      .dims = {1, {count}},
                                      .count = (size_t)count,
                                      .at = model->weight_floats,
                                      .storage = p};
    model->weight_floats += ((size_t)count + 15) / 16 * 16;
    model->modules[module].param_count++;
}

static inline void small_params(struct model *model, int m, const struct small_module *from) {
    bool norm = from->kind == SMALL_NORM;
    model->modules[m].first_param = model->param_count;
    if (from->kind != SMALL_EMPTY)
        small_param(model, m, "weight", PARAM_WEIGHT, norm, from->weights);
    if (from->kind == SMALL_WEIGHT_BIAS || norm)
        small_param(model, m, "bias", PARAM_BIAS, norm, from->biases);
    if (norm) {
        small_param(model, m, "running_mean", PARAM_STATISTIC, true, from->biases);
        small_param(model, m, "running_var", PARAM_STATISTIC, true, from->biases);
        small_param(model, m, "num_batches_tracked", PARAM_COUNTER, true, 1);
    }
}

// The module whose name, with a dot behind it, begins `name`: the last such is the nearest.
static inline int small_parent(const struct model *model, const char *name) {
    int parent = 0;
    for (int m = 1; m < model->module_count; m++) {
        size_t length = strlen(model->modules[m].name);
        if (!strncmp(model->modules[m].name, name, length) && name[length] == '.')
            parent = m;
    }
    return parent;
}

// Close with model_close.
static inline struct model *small_model(const struct small_module *from, int count) {
    struct model *model = xcalloc(1, sizeof *model);
    model->arch = xstrdup("small");
    model->modules = xcalloc((size_t)count + 1, sizeof *model->modules);
    model->params = xcalloc((size_t)count * 5, sizeof *model->params);
    model->modules[0] =
        (struct module){.name = xstrdup(""), .kind = "Small", .parent = -1, .end = count + 1};
    model->module_count = 1;
    for (int i = 0; i < count; i++, model->module_count++) {
        int parent = small_parent(model, from[i].name), m = model->module_count;
        model->modules[m] = (struct module){.name = xstrdup(from[i].name),
                                            .kind = "Module",
                                            .parent = parent,
                                            .end = m + 1,
                                            .depth = model->modules[parent].depth + 1,
                                            .block = from[i].mark == SMALL_BLOCK,
                                            .head = from[i].mark == SMALL_HEAD};
        small_params(model, m, &from[i]);
        for (int a = parent; a > 0; a = model->modules[a].parent)
            model->modules[a].end = m + 1;
    }
    return model;
}

#endif
