#include "training/old_network.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

// The parameter of `now` that one of the old body is, or -1.
static int counterpart(const struct param *old, const struct model *now) {
    int p = model_param(now, old->name);
    bool same = p >= 0 && now->params[p].kind == old->kind && now->params[p].count == old->count &&
                now->params[p].layout == old->layout;
    return same ? p : -1;
}

static bool match(struct old_network *old, const struct model *now, struct error *error) {
    const struct model *model = old->model;
    for (int p = 0; p < model->param_count; p++) {
        const struct param *param = &model->params[p];
        bool head = model->modules[param->module].head;
        old->from[p] = head ? -1 : counterpart(param, now);
        if (!head && old->from[p] < 0)
            return error_set(error, "%s of the network with its old head is not in the new one",
                             param->name);
    }
    return true;
}

struct old_network *old_network_open(struct model *model, struct weights weights,
                                     const struct model *now, struct error *error) {
    struct old_network *old = xcalloc(1, sizeof *old);
    old->model = model;
    old->weights = weights;
    old->from = xcalloc((size_t)model->param_count + 1, sizeof *old->from);
    if (match(old, now, error))
        return old;
    old_network_close(old);
    return NULL;
}

void old_network_close(struct old_network *old) {
    if (!old)
        return;
    weights_close(&old->weights);
    model_close(old->model);
    free(old->from);
    free(old);
}

void old_network_take(struct old_network *old, const struct weights *now) {
    for (int p = 0; p < old->model->param_count; p++)
        if (old->from[p] >= 0)
            memcpy(weights_at(&old->weights, p), weights_at(now, old->from[p]),
                   param_bytes(&old->model->params[p]));
}
