// What a language model says of a text that is given.
#include "base/xalloc.h"
#include "training/training_parts.h"
#include <assert.h>
#include <stdlib.h>

int training_most_said(const struct training *t) {
    const struct model *m = t->model;
    return model_is_masked(m) ? m->nodes[model_logits(m)].shape.h : 1;
}

// The softmax of the logits of `said->places` rows, from row `first` on.
static void take(struct said *said, const struct pass *pass, int first) {
    const size_t ids = (size_t)said->ids;
    said->probability = xmalloc((size_t)said->places * ids * sizeof *said->probability);
    for (int i = 0; i < said->places; i++)
        predictions_softmax(pass_logits(pass) + (size_t)(first + i) * ids, said->ids,
                            said->probability + (size_t)i * ids);
}

bool training_say(struct training *t, const int *id, int count, int mask, struct said *out,
                  struct error *error) {
    const bool masked = model_is_masked(t->model);
    const int room = t->model->nodes[0].shape.h;
    float *x = xmalloc((size_t)room * sizeof *x);
    int *target = xmalloc((size_t)room * sizeof *target), label = -1, masks = 0;
    uint32_t sample = 0;
    assert(count >= 1 && count <= room);
    for (int i = 0; i < room; i++) {
        const bool hidden = masked && i < count && id[i] == mask;
        x[i] = i < count ? (float)id[i] : -1;
        target[i] = hidden ? mask : -1;
        masks += hidden;
    }
    const struct batch batch = {
        .n = 1, .x = x, .label = &label, .sample = &sample, .target = target};
    *out = (struct said){.places = masked ? masks : 1, .ids = t->model->classes};
    assert(out->places >= 1 && out->places <= training_most_said(t));
    bool ok = pass_use(&t->pass, t->evaluation, error);
    if (ok) {
        pass_forward(&t->pass, &batch, 0);
        take(out, &t->pass, masked ? 0 : count - 1);
    }
    free(x);
    free(target);
    // The first error is the one to tell.
    return pass_use(&t->pass, t->plan, ok ? error : NULL) && ok;
}

void said_close(struct said *said) {
    free(said->probability);
    *said = (struct said){0};
}
