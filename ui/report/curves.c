#include "ui/report/curves.h"
#include <stdlib.h>

void curves_append(struct series *s, int64_t step, double value) {
    if (s->count == 0 || step > series_last(s))
        series_add(s, step, value);
}

void curves_add(struct curves *c, const struct record *r) {
    if (r->kind == RECORD_STEP) {
        curves_append(&c->loss, r->step, tally_loss(&r->result.tally));
        curves_append(&c->accuracy, r->step, tally_accuracy(&r->result.tally));
        curves_append(&c->gradient, r->step, r->result.gradient_norm);
        curves_append(&c->lr, r->step, r->result.lr);
    }
    if (r->kind == RECORD_EPOCH && r->source.samples > 0) {
        if (r->branch == 0 && r->source_before.samples > 0)
            curves_append(&c->source_accuracy, 0, tally_accuracy(&r->source_before));
        curves_append(&c->source_accuracy, r->step, tally_accuracy(&r->source));
    }
    if (r->kind == RECORD_EPOCH && r->validation.samples > 0) {
        curves_append(&c->validation_loss, r->step, tally_loss(&r->validation));
        curves_append(&c->validation_accuracy, r->step, tally_accuracy(&r->validation));
    }
}

void curves_close(struct curves *c) {
    struct series *const all[] = {
        &c->loss,     &c->accuracy,        &c->gradient, &c->lr,
        &c->images,   &c->validation_loss, &c->forward,  &c->validation_accuracy,
        &c->backward, &c->source_accuracy};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        series_close(all[i]);
    free(c->name);
}
