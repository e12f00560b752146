// The gradient of a parameter, of all its elements: for the caller to free; NULL where it is not
// wanted.
#ifndef THAW_TESTS_GRADIENT_COPY_H
#define THAW_TESTS_GRADIENT_COPY_H

#include "base/xalloc.h"
#include "plan/pass.h"
#include <string.h>

static inline float *gradient_copy(const struct pass *pass, int param) {
    const struct gradient g = pass_gradient(pass, param);
    const size_t count = pass->plan->model->params[param].count;
    if (!g.value)
        return NULL;
    float *all = xcalloc(count, sizeof *all);
    const float *part = gradient_all(&g, 0, count, all);
    if (part != all)
        memcpy(all, part, count * sizeof *all);
    return all;
}

#endif
