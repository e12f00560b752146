#include "training/optim.h"
#include "base/kernels.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>

static size_t largest_param(const struct model *model) {
    size_t largest = 0;
    for (int p = 0; p < model->param_count; p++)
        if (model->params[p].count > largest)
            largest = model->params[p].count;
    return largest;
}

struct optim optim_open(const struct model *model, const struct optim_settings *settings) {
    struct optim o = {.model = model, .settings = *settings};
    o.states = xcalloc((size_t)model->param_count, sizeof *o.states);
    o.square = xcalloc((size_t)model->param_count, sizeof *o.square);
    if (settings->clip > 0 || settings->l2_sp > 0)
        o.scratch = xcalloc(largest_param(model), sizeof(float));
    return o;
}

static void forget(struct optim_state *state) {
    free(state->first);
    free(state->second);
    *state = (struct optim_state){0};
}

void optim_close(struct optim *o) {
    for (int p = 0; o->states && p < o->model->param_count; p++)
        forget(&o->states[p]);
    free(o->states);
    for (int p = 0; o->anchor && p < o->model->param_count; p++)
        free(o->anchor[p]);
    free(o->anchor);
    free(o->square);
    free(o->scratch);
    *o = (struct optim){0};
}

void optim_forget(struct optim *o, int param) {
    forget(&o->states[o->model->params[param].storage]);
}

void optim_freeze(struct optim *o, int param) {
    if (!o->settings.keep)
        optim_forget(o, param);
}

static bool is_spared(const struct optim *o, int storage) {
    const struct param *p = &o->model->params[storage];
    return (p->kind != PARAM_WEIGHT || p->norm) && !o->settings.decay_all;
}

void optim_anchor(struct optim *o, const struct weights *start, const bool *fresh) {
    o->anchor = xcalloc((size_t)o->model->param_count, sizeof *o->anchor);
    for (int p = 0; p < o->model->param_count; p++) {
        const struct param *param = &o->model->params[p];
        if (param->storage == p && !freeze_is_statistic(param) && !is_spared(o, p) && !fresh[p])
            o->anchor[p] = xmemdup(weights_at(start, p), param_bytes(param));
    }
}

double optim_decay(const struct optim *o, int param) {
    int storage = o->model->params[param].storage;
    bool pulled = o->anchor && o->anchor[storage];
    return pulled || is_spared(o, storage) ? 0 : o->settings.weight_decay;
}

static bool is_updated(const struct optim *o, const struct optim_step *step, int param) {
    const struct param *p = &o->model->params[param];
    return p->storage == param && !freeze_is_statistic(p) && step->flags->thawed[param] &&
           step->gradient[param];
}

static double gradient_norm(const struct optim *o, const struct optim_step *step) {
    double sum = 0;
    for (int p = 0; p < o->model->param_count; p++)
        if (is_updated(o, step, p))
            sum += o->square[p] =
                kernels()->square_sum(o->model->params[p].count, step->gradient[p]);
    return sqrt(sum);
}

static double clip_scale(double clip, double norm) {
    double scale = clip > 0 ? clip / (norm + 1e-6) : 1;
    return scale > 1 ? 1 : scale;
}

// What an update sees of one parameter.
struct target {
    size_t n;
    float *w;
    const float *g;
    double lr, decay;
    struct optim_state *state;
};

static void update_sgd(const struct optim_settings *s, const struct target *t) {
    struct optim_state *state = t->state;
    if (!state->first && s->momentum != 0)
        state->first = xcalloc(t->n, sizeof(float));
    kernels()->sgd(t->n, t->w, t->g, state->first, (float)t->lr, (float)t->decay,
                   (float)s->momentum, s->nesterov, state->steps == 0);
    state->steps++;
}

static void update_adam(const struct optim_settings *s, const struct target *t) {
    struct optim_state *state = t->state;
    if (!state->first) {
        state->first = xcalloc(t->n, sizeof(float));
        state->second = xcalloc(t->n, sizeof(float));
    }
    state->steps++;
    double correction1 = 1 - pow(s->beta1, (double)state->steps);
    double correction2 = 1 - pow(s->beta2, (double)state->steps);
    bool decoupled = s->kind == OPTIM_ADAMW;
    kernels()->adam(t->n, t->w, t->g, state->first, state->second, (float)(t->lr / correction1),
                    s->beta1, s->beta2, (float)sqrt(correction2), (float)s->eps,
                    decoupled ? 0 : (float)t->decay, decoupled ? (float)(t->lr * t->decay) : 0);
}

// Adds the pull to the gradient, or moves the weights by it where the decay is decoupled.
static void pull(struct optim *o, struct target *t, const float *anchor) {
    float strength = (float)o->settings.l2_sp;
    if (o->settings.kind == OPTIM_ADAMW) {
        strength = (float)(t->lr * o->settings.l2_sp);
        for (size_t i = 0; i < t->n; i++)
            t->w[i] -= strength * (t->w[i] - anchor[i]);
        return;
    }
    for (size_t i = 0; i < t->n; i++)
        o->scratch[i] = t->g[i] + strength * (t->w[i] - anchor[i]);
    t->g = o->scratch;
}

static void update(struct optim *o, struct weights *w, const struct optim_step *step, int param) {
    struct target t = {.n = o->model->params[param].count,
                       .w = weights_at(w, param),
                       .g = step->gradient[param],
                       .lr = step->lr[param],
                       .decay = optim_decay(o, param),
                       .state = &o->states[param]};
    if (step->clip_scale != 1) {
        kernels()->scale(t.n, t.g, (float)step->clip_scale, o->scratch, false);
        t.g = o->scratch;
    }
    if (o->anchor && o->anchor[param])
        pull(o, &t, o->anchor[param]);
    if (o->settings.kind == OPTIM_SGD)
        update_sgd(&o->settings, &t);
    else
        update_adam(&o->settings, &t);
}

void optim_update(struct optim *o, struct weights *w, struct optim_step *step) {
    step->gradient_norm = gradient_norm(o, step);
    step->clip_scale = clip_scale(o->settings.clip, step->gradient_norm);
    for (int p = 0; p < o->model->param_count && isfinite(step->gradient_norm); p++)
        if (is_updated(o, step, p))
            update(o, w, step, p);
}
