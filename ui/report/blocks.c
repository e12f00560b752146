#include "ui/report/blocks.h"

static bool is_unit(const struct module *m) {
    return m->block || m->head;
}

static bool subtree_has_params(const struct model *model, int module) {
    for (int m = module; m < model->modules[module].end; m++)
        if (model->modules[m].param_count > 0)
            return true;
    return false;
}

static bool subtree_has_unit(const struct model *model, int module) {
    for (int m = module + 1; m < model->modules[module].end; m++)
        if (is_unit(&model->modules[m]))
            return true;
    return false;
}

int blocks_of(const struct model *model, int *out) {
    int count = 0;
    for (int m = 1; m < model->module_count;) {
        bool unit = is_unit(&model->modules[m]);
        if (unit || !subtree_has_unit(model, m)) {
            if (unit || subtree_has_params(model, m))
                out[count++] = m;
            m = model->modules[m].end;
        } else {
            m++;
        }
    }
    return count;
}

int blocks_top(const struct model *model, int *out) {
    int count = 0;
    for (int m = 1; m < model->module_count; m = model->modules[m].end)
        if (subtree_has_params(model, m))
            out[count++] = m;
    return count;
}
