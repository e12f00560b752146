// What a few batches say of each part.
#include "base/kernels.h"
#include "base/xalloc.h"
#include "strategy/suggest_parts.h"
#include "training_parts.h"
#include <math.h>
#include <stdlib.h>

// Sums over the batches so far.
struct probe {
    const struct model *model;
    int *part;           // [param_count], or -1
    int count, parts;    // batches, parts
    float *mean, *moved; // [weight_floats]: of the gradient, and the sum of its squared deviations
    double *gradient;    // [parts]: sum of |g|
    double *square;      // [parts]: sum of |g|^2
    double *weight;      // [parts]: |w|
    struct tally tally;
};

static bool probe_open(struct probe *p, const struct scratch *s, const struct parts *parts,
                       struct error *error) {
    const struct model *model = s->training->model;
    size_t need = 2 * model->weight_floats * sizeof(float), have = arena_available();
    char need_text[32], have_text[32];
    *p = (struct probe){.model = model, .parts = parts->count};
    if (need > have)
        return error_run(error,
                         "not enough memory for the gradients' mean and variance: need %s, "
                         "have %s",
                         text_bytes((double)need, need_text), text_bytes((double)have, have_text));
    p->part = xcalloc((size_t)model->param_count + 1, sizeof *p->part);
    p->mean = xcalloc(model->weight_floats + 1, sizeof *p->mean);
    p->moved = xcalloc(model->weight_floats + 1, sizeof *p->moved);
    p->gradient = xcalloc((size_t)parts->count + 1, sizeof *p->gradient);
    p->square = xcalloc((size_t)parts->count + 1, sizeof *p->square);
    p->weight = xcalloc((size_t)parts->count + 1, sizeof *p->weight);
    for (int i = 0; i < model->param_count; i++)
        p->part[i] = parts_find(parts, model, i);
    return true;
}

static void probe_close(struct probe *p) {
    free(p->part);
    free(p->mean);
    free(p->moved);
    free(p->gradient);
    free(p->square);
    free(p->weight);
}

// Whether a parameter counts: a weight or bias, each storage once.
static bool counts(const struct probe *p, int param) {
    const struct param *a = &p->model->params[param];
    return p->part[param] >= 0 && a->storage == param && !freeze_is_statistic(a);
}

static void weigh(struct probe *p, const struct weights *w) {
    for (int i = 0; i < p->model->param_count; i++)
        if (counts(p, i))
            p->weight[p->part[i]] +=
                kernels()->square_sum(p->model->params[i].count, weights_at(w, i));
    for (int b = 0; b < p->parts; b++)
        p->weight[b] = sqrt(p->weight[b]);
}

// Welford's update of mean and deviations, p->count batches being in them with this one.
static void add_tensor(struct probe *p, int param, const float *gradient) {
    const struct param *a = &p->model->params[param];
    float *mean = p->mean + a->at, *moved = p->moved + a->at;
    for (size_t i = 0; i < a->count; i++) {
        float off = gradient[i] - mean[i];
        mean[i] += off / (float)p->count;
        moved[i] += off * (gradient[i] - mean[i]);
    }
}

static void add_batch(struct probe *p, const struct pass *pass) {
    double *square = xcalloc((size_t)p->parts + 1, sizeof *square);
    p->count++;
    for (int i = 0; i < p->model->param_count; i++) {
        const float *gradient = counts(p, i) ? pass_gradient(pass, i) : NULL;
        if (!gradient)
            continue;
        square[p->part[i]] += kernels()->square_sum(p->model->params[i].count, gradient);
        add_tensor(p, i, gradient);
    }
    for (int b = 0; b < p->parts; b++) {
        p->square[b] += square[b];
        p->gradient[b] += sqrt(square[b]);
    }
    tally_add(&p->tally, pass);
    free(square);
}

// Sums over a part's parameters of mean^2 / variance, and how many vary at all.
static void signal(const struct probe *p, int param, double *sum, double *varying) {
    const struct param *a = &p->model->params[param];
    const float *mean = p->mean + a->at, *moved = p->moved + a->at;
    for (size_t i = 0; i < a->count; i++) {
        double variance = (double)moved[i] / (p->count - 1);
        if (!(variance > 0))
            continue;
        *sum += (double)mean[i] * mean[i] / variance;
        ++*varying;
    }
}

// Of all pairs of batches; `mean`: |mean g|^2. |sum of g|^2 is the sum of |g|^2 and of the products
// of all pairs.
static double alignment(const struct probe *p, double mean, double square) {
    double count = p->count;
    double pairs = (count * count * mean - square) / (count * (count - 1));
    return square > 0 ? pairs / (square / count) : 0;
}

// Returns |mean g|^2.
static double conclude_part(const struct probe *p, int part, struct suggest_row *row) {
    double sum = 0, varying = 0, mean = 0;
    for (int i = 0; i < p->model->param_count; i++) {
        const struct param *param = &p->model->params[i];
        if (!counts(p, i) || p->part[i] != part)
            continue;
        signal(p, i, &sum, &varying);
        mean += kernels()->square_sum(param->count, p->mean + param->at);
    }
    row->gradient = p->gradient[part] / p->count;
    row->relative = p->weight[part] > 0 ? row->gradient / p->weight[part] : 0;
    row->snr = varying > 0 ? sum / varying : 0;
    row->alignment = alignment(p, mean, p->square[part]);
    return mean;
}

static void conclude(const struct probe *p, struct suggestion *out) {
    double mean = 0, square = 0;
    for (int b = 0; b < p->parts; b++) {
        double of_part = conclude_part(p, b, &out->rows[b]);
        if (out->parts.items[b].head)
            continue;
        mean += of_part;
        square += p->square[b];
    }
    out->alignment = alignment(p, mean, square);
    out->loss = tally_loss(&p->tally);
    out->accuracy = tally_accuracy(&p->tally);
}

static bool probe_batch(struct probe *p, struct scratch *s, int64_t step, struct error *error) {
    struct pass *pass = &s->training->pass;
    const struct batch *batch = loader_batch(s->training->loader, step);
    if (!batch)
        return loader_error(s->training->loader, error);
    pass_forward(pass, batch, (uint32_t)step);
    if (!isfinite(pass->loss))
        return error_run(error, "the loss of these weights is not finite, so no gradient says "
                                "anything");
    pass_backward(pass);
    add_batch(p, pass);
    return true;
}

bool suggest_probe(struct scratch *s, struct suggestion *out, struct error *error) {
    struct training *t = s->training;
    struct probe p;
    if (!probe_open(&p, s, &out->parts, error))
        return false;
    struct plan_options options = training_plan_options(t, PLAN_TRAIN);
    options.unpruned = true;
    struct plan *plan = plan_make(&training_settings(t)->flags, &options);
    weigh(&p, &s->weights);
    bool ok = pass_use(&t->pass, plan, error);
    for (int i = 0; ok && i < s->options->batches; i++)
        ok = suggest_goes_on(s, error) && probe_batch(&p, s, t->step + i, error);
    if (ok)
        conclude(&p, out);
    plan_close(plan);
    probe_close(&p);
    return ok;
}
