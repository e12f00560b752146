#include "base/xalloc.h"
#include "model/freeze.h"
#include <stdlib.h>
#include <string.h>

static size_t flags_bytes(const struct model *model) {
    return (size_t)model->param_count * sizeof(bool);
}

struct flags flags_open(const struct model *model) {
    return (struct flags){model, xcalloc((size_t)model->param_count, sizeof(bool))};
}

struct flags flags_copy(const struct flags *f) {
    return (struct flags){f->model, xmemdup(f->thawed, flags_bytes(f->model))};
}

void flags_close(struct flags *f) {
    free(f->thawed);
    *f = (struct flags){0};
}

bool flags_equal(const struct flags *a, const struct flags *b) {
    return a->model == b->model && !memcmp(a->thawed, b->thawed, flags_bytes(a->model));
}
