// Parameters to a safetensors file, as PyTorch's state_dict has them.
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include <stdlib.h>
#include <string.h>

// The value in PyTorch's order; a copy goes to *copy, for the caller to free.
static const void *value(const struct weights *w, int i, float **copy) {
    const struct param *p = &w->model->params[i];
    if (p->kind == PARAM_COUNTER)
        return weights_counter(w, i);
    if (p->layout == LAYOUT_PLAIN)
        return weights_at(w, i);
    *copy = xmalloc(p->count * sizeof **copy);
    layout_to_torch(p, weights_at(w, i), *copy);
    return *copy;
}

// Readers in Python ask for the format before they trust the names.
static const char **with_format(const char *const *metadata, int pairs) {
    const char **all = xcalloc((size_t)pairs + 1, 2 * sizeof *all);
    all[0] = "format";
    all[1] = "pt";
    for (int i = 0; i < 2 * pairs; i++)
        all[2 + i] = metadata[i];
    return all;
}

bool save_weights(const struct weights *w, const char *path, const char *const *metadata,
                  int metadata_pairs, struct error *error) {
    int params = w->model->param_count, count = 0;
    struct tensor_out *tensors = xcalloc((size_t)params, sizeof *tensors);
    float **copies = xcalloc((size_t)params, sizeof *copies);
    for (int i = 0; i < params; i++) {
        const struct param *p = &w->model->params[i];
        if (p->storage != i)
            continue;
        enum dtype dtype = p->kind == PARAM_COUNTER ? DTYPE_I64 : DTYPE_F32;
        tensors[count++] = (struct tensor_out){p->name, dtype, p->dims, value(w, i, &copies[i])};
    }
    const char **all = with_format(metadata, metadata_pairs);
    bool good = safetensors_write(path, tensors, count, all, metadata_pairs + 1, error);
    for (int i = 0; i < params; i++)
        free(copies[i]);
    free(copies);
    free(tensors);
    free(all);
    return good;
}
