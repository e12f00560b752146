#include "groups.h"
#include "base/xalloc.h"
#include <stdlib.h>

static bool in_subtree(const struct model *model, int root, int module) {
    return module >= root && module < model->modules[root].end;
}

// The head, or -1.
static int head_of(const struct model *model) {
    for (int m = 0; m < model->module_count; m++)
        if (model->modules[m].head)
            return m;
    return -1;
}

// The block that a module lies in or behind, counted from 1; 0: before the first one.
static int block_number(const struct model *model, int module) {
    int number = 0;
    for (int m = 0; m <= module; m++)
        number += model->modules[m].block;
    return number;
}

struct groups groups_of(const struct model *model) {
    struct groups b = {.model = model,
                       .group = xcalloc((size_t)model->param_count + 1, sizeof *b.group)};
    int head = head_of(model), before = -1;
    for (int p = 0; p < model->param_count; p++) {
        int module = model->params[p].module;
        if (head >= 0 && in_subtree(model, head, module))
            continue;
        int number = block_number(model, module);
        b.count += number != before; // groups without parameters are none
        before = number;
        b.group[p] = b.count - 1;
    }
    for (int p = 0; p < model->param_count; p++)
        if (head >= 0 && in_subtree(model, head, model->params[p].module))
            b.group[p] = b.count;
    b.count += head >= 0;
    return b;
}

void groups_close(struct groups *b) {
    free(b->group);
    *b = (struct groups){0};
}

// Whether a module has parameters, all of them in groups first .. last.
static bool lies_within(const struct groups *b, int module, int first, int last) {
    int inside = 0;
    for (int p = 0; p < b->model->param_count; p++) {
        if (!in_subtree(b->model, module, b->model->params[p].module))
            continue;
        if (b->group[p] < first || b->group[p] > last)
            return false;
        inside++;
    }
    return inside > 0;
}

void groups_words(const struct groups *b, const char *word, int first, int last, struct text *out) {
    for (int m = 1; m < b->model->module_count; m++) {
        if (!lies_within(b, m, first, last))
            continue;
        text_add(out, "%s%s %s", out->length ? "; " : "", word, b->model->modules[m].name);
        m = b->model->modules[m].end - 1;
    }
}

const char *groups_name(const struct groups *b, int group) {
    for (int m = 1; m < b->model->module_count; m++)
        if (lies_within(b, m, group, group))
            return b->model->modules[m].name;
    return "";
}
