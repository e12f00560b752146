#include "ui/workbench/runs_model.h"
#include "base/xalloc.h"
#include "models/models.h"
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10 }; // of a network whose data are not looked at

static bool same_texts(const struct text_list *a, const struct text_list *b) {
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = strcmp(a->item[i], b->item[i]) == 0;
    return same;
}

// Shifts may drop or join classes.
static bool same_data(const struct experiment *a, const struct experiment *b) {
    return strcmp(a->data.name, b->data.name) == 0 && strcmp(a->data.path, b->data.path) == 0 &&
           a->data.size == b->data.size && same_texts(&a->data.shift, &b->data.shift);
}

static bool same_network(const struct experiment *a, const struct experiment *b) {
    return strcmp(a->model.name, b->model.name) == 0 &&
           strcmp(a->model.shortcut, b->model.shortcut) == 0;
}

static char shortcut_of(const struct experiment *e) {
    return e->model.shortcut[0] && !e->model.shortcut[1] ? e->model.shortcut[0] : '\0';
}

static struct model *build(struct runs_models *models, const struct experiment *e,
                           struct error *error) {
    const struct arch *arch = arch_find(e->model.name, error);
    if (!arch)
        return NULL;
    struct arch_options options = {.classes = CLASSES, .shortcut = shortcut_of(e)};
    struct model *model = arch_build(arch, &options, error);
    if (!model)
        return NULL;
    models->items = xrealloc(models->items, ((size_t)models->count + 1) * sizeof *models->items);
    models->items[models->count++] =
        (struct runs_model){xstrdup(e->model.name), shortcut_of(e), model};
    return model;
}

const struct model *runs_model(struct runs_models *models, const struct scene *s,
                               const struct experiment *e, bool *exact, struct error *error) {
    *exact = s->model && same_network(e, s->experiment) && same_data(e, s->experiment);
    if (s->model && same_network(e, s->experiment))
        return s->model;
    for (int i = 0; i < models->count; i++)
        if (strcmp(models->items[i].name, e->model.name) == 0 &&
            models->items[i].shortcut == shortcut_of(e))
            return models->items[i].model;
    return build(models, e, error);
}

void runs_models_close(struct runs_models *models) {
    for (int i = 0; i < models->count; i++) {
        free(models->items[i].name);
        model_close(models->items[i].model);
    }
    free(models->items);
    *models = (struct runs_models){0};
}
