// What a few batches say of each part.
#include "base/kernels.h"
#include "base/xalloc.h"
#include "strategy/gradients.h"
#include "strategy/suggest_parts.h"
#include "training/training_parts.h"
#include <math.h>
#include <stdlib.h>

enum { PART = 4096 }; // elements that are looked at at a time

struct probe {
    const struct model *model;
    struct gradients gradients;
    float *mean, *moved; // [weight_floats]: of the gradient, and the sum of its squared deviations
    struct tally tally;
};

static bool probe_open(struct probe *p, const struct scratch *s, const struct parts *parts,
                       struct error *error) {
    const struct model *model = s->training->model;
    size_t need = 2 * model->weight_floats * sizeof(float), have = arena_available();
    char need_text[32], have_text[32];
    if (need > have)
        return error_run(error,
                         "not enough memory for the gradients' mean and variance: need %s, "
                         "have %s",
                         text_bytes((double)need, need_text), text_bytes((double)have, have_text));
    *p = (struct probe){
        .model = model,
        .gradients = gradients_open(parts, &s->weights),
        .mean = xcalloc(model->weight_floats + 1, sizeof *p->mean),
        .moved = xcalloc(model->weight_floats + 1, sizeof *p->moved),
    };
    return true;
}

static void probe_close(struct probe *p) {
    gradients_close(&p->gradients);
    free(p->mean);
    free(p->moved);
}

// Welford's update of mean and deviations, `count` batches being in them with this one.
static void add_part(float *mean, float *moved, const float *gradient, size_t n, int count) {
    for (size_t i = 0; i < n; i++) {
        float off = gradient[i] - mean[i];
        mean[i] += off / (float)count;
        moved[i] += off * (gradient[i] - mean[i]);
    }
}

static void add_tensor(struct probe *p, int param, const struct gradient *gradient) {
    const struct param *a = &p->model->params[param];
    float scratch[PART];
    for (size_t first = 0; first < a->count; first += PART) {
        const size_t n = a->count - first < PART ? a->count - first : PART;
        add_part(p->mean + a->at + first, p->moved + a->at + first,
                 gradient_all(gradient, first, n, scratch), n, p->gradients.count);
    }
}

static void add_batch(struct probe *p, const struct pass *pass) {
    gradients_add(&p->gradients, pass);
    for (int i = 0; i < p->model->param_count; i++) {
        const struct gradient gradient = pass_gradient(pass, i);
        if (p->gradients.part[i] >= 0 && gradient.value)
            add_tensor(p, i, &gradient);
    }
    tally_add(&p->tally, pass);
}

// Sums over a parameter's elements of mean^2 / variance, and how many vary at all.
static void signal(const struct probe *p, int param, double *sum, double *varying) {
    const struct param *a = &p->model->params[param];
    const float *mean = p->mean + a->at, *moved = p->moved + a->at;
    for (size_t i = 0; i < a->count; i++) {
        double variance = (double)moved[i] / (p->gradients.count - 1);
        if (!(variance > 0))
            continue;
        *sum += (double)mean[i] * mean[i] / variance;
        ++*varying;
    }
}

// Of all pairs of batches; `mean`: |mean g|^2. |sum of g|^2 is the sum of |g|^2 and of the products
// of all pairs.
static double alignment(const struct probe *p, double mean, double square) {
    double count = p->gradients.count;
    double pairs = (count * count * mean - square) / (count * (count - 1));
    return square > 0 ? pairs / (square / count) : 0;
}

// Returns |mean g|^2.
static double conclude_part(const struct probe *p, int part, struct suggest_row *row) {
    const struct gradients *g = &p->gradients;
    double sum = 0, varying = 0, mean = 0;
    for (int i = 0; i < p->model->param_count; i++) {
        const struct param *param = &p->model->params[i];
        if (g->part[i] != part)
            continue;
        signal(p, i, &sum, &varying);
        mean += kernels()->square_sum(param->count, p->mean + param->at);
    }
    row->gradient = g->norm[part] / g->count;
    row->relative = gradients_relative(g, part);
    row->snr = varying > 0 ? sum / varying : 0;
    row->alignment = alignment(p, mean, g->square[part]);
    return mean;
}

static void conclude(const struct probe *p, struct suggestion *out) {
    double mean = 0, square = 0;
    for (int i = 0; i < p->gradients.parts; i++) {
        double of_part = conclude_part(p, i, &out->rows[i]);
        if (out->parts.items[i].head)
            continue;
        mean += of_part;
        square += p->gradients.square[i];
    }
    out->alignment = alignment(p, mean, square);
    out->loss = tally_loss(&p->tally);
    out->accuracy = tally_accuracy(&p->tally);
}

static bool probe_batch(struct probe *p, struct scratch *s, int64_t step, struct error *error) {
    struct training *t = s->training;
    if (!training_unpruned_pass(t, step, error))
        return false;
    if (!isfinite(t->pass.loss))
        return error_run(error, "the loss of these weights is not finite, so no gradient says "
                                "anything");
    add_batch(p, &t->pass);
    return true;
}

bool suggest_probe(struct scratch *s, struct suggestion *out, struct error *error) {
    struct training *t = s->training;
    struct probe p;
    if (!probe_open(&p, s, &out->parts, error))
        return false;
    struct plan *plan = training_unpruned_plan(t);
    bool ok = pass_use(&t->pass, plan, error);
    for (int i = 0; ok && i < s->options->batches; i++)
        ok = suggest_goes_on(s, error) && probe_batch(&p, s, t->step + i, error);
    if (ok)
        conclude(&p, out);
    plan_close(plan);
    probe_close(&p);
    return ok;
}
