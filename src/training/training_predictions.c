// What the model says of the samples of an evaluation.
#include "base/text.h"
#include "base/xalloc.h"
#include "training/training_parts.h"
#include <math.h>
#include <stdlib.h>

void predictions_close(struct predictions *p) {
    free(p->sample);
    free(p->label);
    free(p->predicted);
    free(p->probability);
    free(p->place);
    *p = (struct predictions){0};
}

static bool open_classes(struct predictions *p, int count, int classes, struct error *error) {
    size_t n = (size_t)count + 1;
    size_t need = n * (size_t)classes * sizeof *p->probability, have = arena_available();
    char need_text[32], have_text[32];
    *p = (struct predictions){.classes = classes};
    if (need > have)
        return error_run(
            error,
            "not enough memory for the probabilities of %d samples in %d classes: need "
            "%s, have %s",
            count, classes, text_bytes((double)need, need_text),
            text_bytes((double)have, have_text));
    p->sample = xcalloc(n, sizeof *p->sample);
    p->label = xcalloc(n, sizeof *p->label);
    p->predicted = xcalloc(n, sizeof *p->predicted);
    p->probability = xcalloc(n * (size_t)classes, sizeof *p->probability);
    return true;
}

int predictions_softmax(const float *logits, int classes, float *out) {
    int best = 0;
    double sum = 0;
    for (int c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    for (int c = 0; c < classes; c++)
        sum += exp((double)logits[c] - logits[best]);
    for (int c = 0; c < classes; c++)
        out[c] = (float)(exp((double)logits[c] - logits[best]) / sum);
    return best;
}

static void add_classes(struct predictions *p, const struct pass *pass) {
    const float *logits = pass_logits(pass);
    for (int i = 0; i < pass->batch->n; i++, p->count++) {
        size_t classes = (size_t)p->classes;
        p->sample[p->count] = (int)pass->batch->sample[i];
        p->label[p->count] = pass->batch->label[i];
        p->predicted[p->count] = predictions_softmax(logits + (size_t)i * classes, p->classes,
                                                     p->probability + (size_t)p->count * classes);
    }
}

static void open_tokens(struct predictions *p) {
    *p = (struct predictions){.classes = 1};
    p->sample = xcalloc(PREDICTIONS_TOKENS, sizeof *p->sample);
    p->label = xcalloc(PREDICTIONS_TOKENS, sizeof *p->label);
    p->predicted = xcalloc(PREDICTIONS_TOKENS, sizeof *p->predicted);
    p->place = xcalloc(PREDICTIONS_TOKENS, sizeof *p->place);
    p->probability = xcalloc(PREDICTIONS_TOKENS, sizeof *p->probability);
}

// The probability of the id `best`.
static float share(const float *logits, int ids, int best) {
    double sum = 0;
    for (int j = 0; j < ids; j++)
        sum += exp((double)logits[j] - logits[best]);
    return (float)(1 / sum);
}

// Row `row` of the logits of the batch's text `text`, which are for its token at `place`.
static void add_token(struct predictions *p, const struct pass *pass, int text, int row,
                      int place) {
    const struct model *m = pass->plan->model;
    const size_t rows = (size_t)m->nodes[model_logits(m)].shape.h;
    const size_t at = (size_t)text * rows + (size_t)row;
    const float *logits = pass_logits(pass) + at * (size_t)m->classes;
    if (p->count == PREDICTIONS_TOKENS)
        return;
    p->sample[p->count] = (int)pass->batch->sample[text];
    p->label[p->count] = pass->row_label[at];
    p->predicted[p->count] = pass_highest(logits, m->classes);
    p->place[p->count] = place;
    p->probability[p->count] = share(logits, m->classes, p->predicted[p->count]);
    p->count++;
}

// Of a masked model the rows are the hidden tokens; of a causal one each row is for the token that
// follows.
static void add_tokens(struct predictions *p, const struct pass *pass) {
    const struct model *m = pass->plan->model;
    const bool masked = model_is_masked(m);
    const int tokens = m->nodes[0].shape.h;
    for (int s = 0; s < pass->batch->n; s++)
        for (int i = 0, row = 0; i < pass->length[s]; i++)
            if (!masked && i > 0)
                add_token(p, pass, s, i - 1, i);
            else if (masked && pass->batch->target[s * tokens + i] >= 0)
                add_token(p, pass, s, row++, i);
}

bool predictions_open(struct predictions *p, const struct model *model, int count,
                      struct error *error) {
    if (!model_is_language(model))
        return open_classes(p, count, model->classes, error);
    open_tokens(p);
    return true;
}

void predictions_add(struct predictions *p, const struct pass *pass) {
    if (p->place)
        add_tokens(p, pass);
    else
        add_classes(p, pass);
}
