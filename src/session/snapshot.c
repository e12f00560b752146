#include "session/snapshot.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>

struct layers_snapshot layers_open(const struct model *model) {
    struct layers_snapshot l = {
        .step = -1, .param_count = model->param_count, .module_count = model->module_count};
    l.params = xcalloc((size_t)l.param_count + 1, sizeof *l.params);
    l.seconds = xcalloc((size_t)l.module_count + 1, sizeof *l.seconds);
    for (int p = 0; p < l.param_count; p++)
        l.params[p] = (struct layer_values){NAN, NAN, NAN, NAN, NAN, NAN};
    return l;
}

void layers_close(struct layers_snapshot *l) {
    free(l->params);
    free(l->seconds);
    *l = (struct layers_snapshot){0};
}
