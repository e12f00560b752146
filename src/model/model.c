#include "model/model.h"

#include <stdlib.h>
#include <string.h>

void model_close(struct model *model) {
    if (!model)
        return;
    for (int i = 0; i < model->module_count; i++)
        free(model->modules[i].name);
    for (int i = 0; i < model->param_count; i++)
        free(model->params[i].name);
    free(model->modules);
    free(model->params);
    free(model->nodes);
    free(model->arch);
    free(model);
}

int model_logits(const struct model *model) {
    return model->node_count - 2;
}

int model_loss(const struct model *model) {
    return model->node_count - 1;
}

bool model_is_language(const struct model *model) {
    return model->nodes[model_loss(model)].op == &op_token_loss;
}

bool model_is_masked(const struct model *model) {
    return model_is_language(model) && model->nodes[model_logits(model)].picked;
}

int model_hidden_tokens(int tokens) {
    const int count = (15 * tokens + 50) / 100;
    return count > 1 ? count : 1;
}

int model_module(const struct model *model, const char *name) {
    for (int i = 0; i < model->module_count; i++) {
        if (!strcmp(model->modules[i].name, name))
            return i;
    }
    return -1;
}

int model_param(const struct model *model, const char *name) {
    for (int i = 0; i < model->param_count; i++) {
        if (!strcmp(model->params[i].name, name))
            return i;
    }
    return -1;
}

size_t model_trainable_count(const struct model *model) {
    size_t count = 0;
    for (int i = 0; i < model->param_count; i++) {
        const struct param *p = &model->params[i];
        if ((p->kind == PARAM_WEIGHT || p->kind == PARAM_BIAS) && p->storage == i)
            count += p->count;
    }
    return count;
}
