#include "ui/workbench/runs_model.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/network.h"
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

// What an experiment's network is built by, as one text that the caller frees.
static char *network_of(const struct experiment *e) {
    struct text t = {0};
    text_add(&t, "%s\n%s\n%s\n%s\n%s", e->model.name, e->model.shortcut, e->model.file,
             e->model.config, e->model.pool);
    for (int i = 0; i < e->model.head.count; i++)
        text_add(&t, "\n%s", e->model.head.item[i]);
    return t.data;
}

// A network of one's own has no size of its own: the session's.
static struct model *build(struct runs_models *models, const struct scene *s,
                           const struct experiment *e, char *network, struct error *error) {
    struct shape input = {0};
    if (*e->model.file && s->model)
        input = s->model->nodes[0].shape;
    struct model *model = network_build(e, input, CLASSES, 0, error);
    if (!model) {
        free(network);
        return NULL;
    }
    models->items = xrealloc(models->items, ((size_t)models->count + 1) * sizeof *models->items);
    models->items[models->count++] = (struct runs_model){network, model};
    return model;
}

static const struct model *find(const struct runs_models *models, const char *network) {
    for (int i = 0; i < models->count; i++)
        if (strcmp(models->items[i].network, network) == 0)
            return models->items[i].model;
    return NULL;
}

const struct model *runs_model(struct runs_models *models, const struct scene *s,
                               const struct experiment *e, bool *exact, struct error *error) {
    char *network = network_of(e), *ours = s->model ? network_of(s->experiment) : NULL;
    bool same = ours && strcmp(network, ours) == 0;
    const struct model *known = same ? s->model : find(models, network);
    *exact = same && same_data(e, s->experiment);
    free(ours);
    if (!known)
        return build(models, s, e, network, error);
    free(network);
    return known;
}

void runs_models_close(struct runs_models *models) {
    for (int i = 0; i < models->count; i++) {
        free(models->items[i].network);
        model_close(models->items[i].model);
    }
    free(models->items);
    *models = (struct runs_models){0};
}
