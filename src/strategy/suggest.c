#include "strategy/suggest.h"
#include "base/xalloc.h"
#include "strategy/suggest_parts.h"
#include "training/training_parts.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool suggest_goes_on(const struct scratch *s, struct error *error) {
    const struct suggest_options *o = s->options;
    return !o->give_up || !o->give_up(o->context) || error_run(error, "given up on request");
}

static bool scratch_open(struct scratch *s, struct training *t,
                         const struct suggest_options *options, struct error *error) {
    size_t need = t->model->weight_floats * sizeof(float), have = arena_available();
    char need_text[32], have_text[32];
    *s = (struct scratch){.training = t, .options = options};
    if (need > have)
        return error_run(error, "not enough memory for a copy of the weights: need %s, have %s",
                         text_bytes((double)need, need_text), text_bytes((double)have, have_text));
    s->weights = weights_open(t->model);
    memcpy(s->weights.data, t->weights.data, need);
    t->pass.weights = &s->weights;
    return true;
}

// Gives the pass back to the training.
static bool scratch_close(struct scratch *s, struct error *error) {
    struct training *t = s->training;
    t->pass.weights = &t->weights;
    if (s->weights.data)
        weights_close(&s->weights);
    return pass_use(&t->pass, t->plan, error);
}

// The better of two goes of a plan, over the batch of the coming step.
static bool time_plan(struct scratch *s, const struct plan *plan, double *seconds,
                      struct error *error) {
    struct training *t = s->training;
    const struct batch *batch = loader_batch(t->loader, t->step);
    if (!batch)
        return loader_error(t->loader, error);
    if (!pass_use(&t->pass, plan, error))
        return false;
    for (int i = 0; i < 2; i++) {
        pass_forward(&t->pass, batch, (uint32_t)t->step);
        pass_backward(&t->pass);
        double took = t->pass.forward_seconds + t->pass.backward_seconds;
        *seconds = i == 0 || took < *seconds ? took : *seconds;
    }
    return suggest_goes_on(s, error);
}

// What a step costs under a change of the settings.
static bool cost_of(struct scratch *s, const char *text, struct suggest_row *row,
                    struct error *error) {
    const struct training *t = s->training;
    struct settings settings = settings_copy(training_settings(t));
    bool ok = settings_apply(&settings, text, error);
    if (ok) {
        struct plan_options options = training_plan_options(t, PLAN_TRAIN);
        struct plan *plan = plan_make(&settings.flags, &options);
        row->cost = plan->cost;
        row->spared = cache_would_keep(&t->cache) ? plan->cut.forward : 0;
        ok = !s->options->timed || time_plan(s, plan, &row->seconds, error);
        plan_close(plan);
    }
    settings_close(&settings);
    return ok;
}

static bool cost_all(struct scratch *s, struct suggestion *out, struct error *error) {
    struct suggest_row full = {0};
    bool ok = cost_of(s, "thaw all", &full, error);
    for (int i = 0; ok && i < out->parts.count; i++) {
        struct text text = {0};
        suggest_patterns(out, i, "only ", "; thaw ", &text);
        ok = cost_of(s, text.data, &out->rows[i], error);
        text_free(&text);
    }
    out->full = full.cost;
    out->full_seconds = full.seconds;
    return ok;
}

void suggest_patterns(const struct suggestion *s, int row, const char *first, const char *next,
                      struct text *out) {
    bool *chosen = xcalloc((size_t)s->parts.count + 1, sizeof *chosen);
    for (int i = 0; i < s->parts.count; i++)
        chosen[i] = row < 0 ? s->rows[i].chosen : i == row || s->parts.items[i].head;
    parts_name(&s->parts, s->model, chosen, first, next, out);
    free(chosen);
}

// Equals in the order of the model.
static void rank(struct suggestion *s) {
    for (int i = 0; i < s->parts.count; i++) {
        double mine = s->rows[i].relative;
        s->rows[i].rank = 1;
        for (int k = 0; k < s->parts.count; k++)
            s->rows[i].rank += s->rows[k].relative > mine || (s->rows[k].relative == mine && k < i);
    }
}

int suggest_ranked(const struct suggestion *s, int rank) {
    int row = 0;
    while (s->rows[row].rank != rank)
        row++;
    return row;
}

static void choose(struct suggestion *s) {
    double largest = 0;
    for (int i = 0; i < s->parts.count; i++)
        if (!s->parts.items[i].head && s->rows[i].relative > largest)
            largest = s->rows[i].relative;
    bool any = false;
    for (int i = 0; i < s->parts.count; i++) {
        bool near = s->rows[i].relative >= SUGGEST_NEAR * largest;
        s->rows[i].chosen =
            s->untrained || s->parts.items[i].head || (s->alignment >= SUGGEST_SHARED && near);
        any |= s->rows[i].chosen;
    }
    if (!any) // a head that is tied to another part
        s->rows[suggest_ranked(s, 1)].chosen = true;
}

// As many epochs as were asked for; for a new head on no word enough of them.
static int head_epochs(const struct training *t, const struct suggest_options *o, bool fit) {
    if (o->head_epochs >= 0)
        return o->head_epochs;
    return fit ? (SUGGEST_HEAD_STEPS + t->epoch_steps - 1) / t->epoch_steps : 0;
}

static bool look(struct scratch *s, struct suggestion *out, struct error *error) {
    out->new_head = suggest_is_new(s, &out->parts, true);
    out->untrained = suggest_is_new(s, &out->parts, false);
    bool fit = out->new_head && !out->untrained; // random features are nothing to fit to
    out->head_epochs = head_epochs(s->training, s->options, fit);
    if ((out->head_epochs > 0 && !suggest_fit_head(s, out->head_epochs, error)) ||
        !suggest_probe(s, out, error) || !cost_all(s, out, error))
        return false;
    rank(out);
    choose(out);
    return true;
}

bool suggest(struct training *t, const struct suggest_options *options, struct suggestion *out,
             struct error *error) {
    assert(options->batches >= SUGGEST_BATCHES_LEAST);
    struct scratch s;
    *out = (struct suggestion){
        .model = t->model, .parts = parts_of(t->model), .batches = options->batches};
    out->rows = xcalloc((size_t)out->parts.count + 1, sizeof *out->rows);
    bool ok = scratch_open(&s, t, options, error) && look(&s, out, error);
    ok = scratch_close(&s, ok ? error : NULL) && ok;
    if (!ok)
        suggestion_close(out);
    return ok;
}

struct suggestion suggestion_copy(const struct suggestion *s) {
    struct suggestion copy = *s;
    copy.parts = parts_copy(&s->parts);
    copy.rows = xmemdup(s->rows, ((size_t)s->parts.count + 1) * sizeof *s->rows);
    return copy;
}

void suggestion_close(struct suggestion *s) {
    parts_close(&s->parts);
    free(s->rows);
    *s = (struct suggestion){0};
}
