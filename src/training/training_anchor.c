// What L2-SP pulls towards: the weights of before the first step, also in a run that is taken up
// again, as its state is read later.
#include "base/text.h"
#include "base/xalloc.h"
#include "training/training_parts.h"
#include <stdlib.h>

// What still has its initial random values; the caller frees. NULL with an error when there is no
// memory for that and for what is pulled towards.
static bool *fresh_params(const struct training *t, struct error *error) {
    size_t need = 2 * t->model->weight_floats * sizeof(float), have = arena_available();
    char need_text[32], have_text[32];
    if (need > have) {
        error_run(error,
                  "optim.l2_sp: not enough memory for the weights at the start: need %s, "
                  "have %s",
                  text_bytes((double)need, need_text), text_bytes((double)have, have_text));
        return NULL;
    }
    struct weights initial = weights_open(t->model);
    bool *fresh = xcalloc((size_t)t->model->param_count + 1, sizeof *fresh);
    weights_init(&initial, (uint64_t)t->experiment->seed);
    for (int p = 0; p < t->model->param_count; p++)
        fresh[p] = weights_hash(&initial, p) == weights_hash(&t->weights, p);
    weights_close(&initial);
    return fresh;
}

bool training_open_anchor(struct training *t, struct error *error) {
    if (!(t->experiment->optim.l2_sp > 0))
        return true;
    bool *fresh = fresh_params(t, error), any = false;
    if (!fresh)
        return false;
    optim_anchor(&t->optim, &t->weights, fresh);
    free(fresh);
    for (int p = 0; p < t->model->param_count; p++)
        any |= t->optim.anchor[p] != NULL;
    return any || error_set(error, "optim.l2_sp: nothing of this model is pretrained, so there is "
                                   "nothing to stay near; leave it out");
}
