// What one pass forward and backward makes, in copies of its own.
#ifndef THAW_TESTS_OUTCOME_H
#define THAW_TESTS_OUTCOME_H

#include "base/xalloc.h"
#include "gradient_copy.h"
#include "plan/pass.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

struct outcome {
    const struct model *model;
    double loss;
    int correct, targets;
    float *logits; // of all samples
    size_t logit_bytes;
    float **gradient;     // [param_count], NULL where none is wanted
    struct weights after; // running statistics may have moved
};

// Runs the plan, and closes it, on a copy of the weights. `check`: every value must be finite; no
// operation is done in passing then.
static inline struct outcome outcome_open(struct plan *plan, const struct weights *weights,
                                          const struct batch *batch, bool check) {
    const struct model *m = plan->model;
    const size_t logits = shape_count(m->nodes[model_logits(m)].shape);
    struct outcome o = {.model = m,
                        .logit_bytes = (size_t)batch->n * logits * sizeof(float),
                        .gradient = xcalloc((size_t)m->param_count, sizeof *o.gradient),
                        .after = weights_open(m)};
    memcpy(o.after.data, weights->data, m->weight_floats * sizeof(float));
    struct pass pass = {.weights = &o.after, .seed = 9, .check = check};
    struct error error;
    assert_true(pass_use(&pass, plan, &error));
    memset(pass.arena.base, 0xff, plan->floats * sizeof(float)); // nothing is read before it is set
    pass_forward(&pass, batch, 4);
    pass_backward(&pass);
    assert_int_equal(pass.bad_node, -1);
    o.loss = pass.loss;
    o.correct = pass.correct;
    o.targets = pass.targets;
    o.logits = xmemdup(pass_logits(&pass), o.logit_bytes);
    for (int p = 0; p < m->param_count; p++)
        o.gradient[p] = gradient_copy(&pass, p);
    pass_close(&pass);
    plan_close(plan);
    return o;
}

static inline void outcome_close(struct outcome *o) {
    for (int p = 0; p < o->model->param_count; p++)
        free(o->gradient[p]);
    free(o->gradient);
    free(o->logits);
    weights_close(&o->after);
}

// The gradients that `some` has are, bit for bit, those of `all`.
static inline void outcome_same_gradients(const struct outcome *some, const struct outcome *all) {
    for (int p = 0; p < some->model->param_count; p++)
        if (some->gradient[p])
            assert_memory_equal(some->gradient[p], all->gradient[p],
                                some->model->params[p].count * sizeof(float));
}

#endif
