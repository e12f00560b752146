#include "training/optim.h"
#include "base/kernels.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>

enum {
    PIECE = 8192,    // elements that a thread takes at a time
    ALONE = 1 << 15, // elements for which waking a thread does not pay
};

// Some elements of one parameter.
struct optim_piece {
    int param;
    size_t first, count;
    double square; // of their gradient
};

static size_t most_pieces(const struct model *model) {
    size_t pieces = 0;
    for (int p = 0; p < model->param_count; p++)
        pieces += (model->params[p].count + PIECE - 1) / PIECE;
    return pieces;
}

struct optim optim_open(const struct model *model, const struct optim_settings *settings) {
    struct optim o = {.model = model, .settings = *settings};
    o.states = xcalloc((size_t)model->param_count, sizeof *o.states);
    o.square = xcalloc((size_t)model->param_count, sizeof *o.square);
    o.pieces = xcalloc(most_pieces(model) + 1, sizeof *o.pieces);
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
    free(o->pieces);
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
           step->gradient[param].value;
}

// What an update works on.
struct job {
    struct optim *o;
    struct weights *w;
    const struct optim_step *step;
    int pieces;
    size_t elements;
};

static struct job cut(struct optim *o, struct weights *w, const struct optim_step *step) {
    struct job job = {.o = o, .w = w, .step = step};
    for (int p = 0; p < o->model->param_count; p++) {
        const size_t count = is_updated(o, step, p) ? o->model->params[p].count : 0;
        for (size_t first = 0; first < count; first += PIECE)
            o->pieces[job.pieces++] = (struct optim_piece){
                .param = p, .first = first, .count = count - first < PIECE ? count - first : PIECE};
        job.elements += count;
    }
    return job;
}

static void share(struct job *job, pool_work *work) {
    if (job->o->pool && job->elements > ALONE)
        pool_run(job->o->pool, job->pieces, work, job);
    else
        for (int i = 0; i < job->pieces; i++)
            work(job, i, 0);
}

static void square_piece(void *context, int index, int worker) {
    (void)worker;
    const struct job *job = context;
    struct optim_piece *piece = &job->o->pieces[index];
    piece->square = gradient_square(&job->step->gradient[piece->param], piece->first, piece->count);
}

// Of each parameter its pieces' sum, in order.
static double gradient_norm(struct job *job) {
    struct optim *o = job->o;
    double sum = 0;
    share(job, square_piece);
    for (int i = 0; i < job->pieces; i++) {
        const struct optim_piece *piece = &o->pieces[i];
        o->square[piece->param] = (piece->first ? o->square[piece->param] : 0) + piece->square;
        sum += piece->square;
    }
    return sqrt(sum);
}

static double clip_scale(double clip, double norm) {
    double scale = clip > 0 ? clip / (norm + 1e-6) : 1;
    return scale > 1 ? 1 : scale;
}

// What an update sees of a piece.
struct target {
    size_t n;
    float *w;
    const float *g;
    double lr, decay;
    int64_t steps;         // this one counted
    float *first, *second; // moments
};

static void update_sgd(const struct optim_settings *s, const struct target *t) {
    kernels()->sgd(t->n, t->w, t->g, t->first, (float)t->lr, (float)t->decay, (float)s->momentum,
                   s->nesterov, t->steps == 1);
}

static void update_adam(const struct optim_settings *s, const struct target *t) {
    double correction1 = 1 - pow(s->beta1, (double)t->steps);
    double correction2 = 1 - pow(s->beta2, (double)t->steps);
    bool decoupled = s->kind == OPTIM_ADAMW;
    kernels()->adam(t->n, t->w, t->g, t->first, t->second, (float)(t->lr / correction1), s->beta1,
                    s->beta2, (float)sqrt(correction2), (float)s->eps,
                    decoupled ? 0 : (float)t->decay, decoupled ? (float)(t->lr * t->decay) : 0);
}

// Adds the pull to the gradient, by way of `scratch`, or moves the weights by it where the decay is
// decoupled.
static void pull(const struct optim_settings *s, struct target *t, const float *anchor,
                 float *scratch) {
    float strength = (float)s->l2_sp;
    if (s->kind == OPTIM_ADAMW) {
        strength = (float)(t->lr * s->l2_sp);
        for (size_t i = 0; i < t->n; i++)
            t->w[i] -= strength * (t->w[i] - anchor[i]);
        return;
    }
    for (size_t i = 0; i < t->n; i++)
        scratch[i] = t->g[i] + strength * (t->w[i] - anchor[i]);
    t->g = scratch;
}

static float *moment(float *values, size_t first) {
    return values ? values + first : NULL;
}

static bool is_zero(const float *values, const struct optim_piece *piece) {
    return !values || kernels()->square_sum(piece->count, values + piece->first) == 0;
}

// The update would change nothing: most of an embedding's rows, as long as their tokens do not
// occur and nothing decays. Reading the moments is quicker than writing them and the weights.
static bool is_still(const struct optim *o, const struct optim_piece *piece) {
    const struct optim_state *state = &o->states[piece->param];
    const bool divides = o->settings.kind != OPTIM_SGD && !(o->settings.eps > 0); // 0 by 0
    return piece->square == 0 && optim_decay(o, piece->param) == 0 && !divides &&
           !(o->anchor && o->anchor[piece->param]) && is_zero(state->first, piece) &&
           is_zero(state->second, piece);
}

// `g` are some elements of a parameter's gradient, at most PIECE.
static void update_part(const struct job *job, int param, const struct gradient_part *g) {
    const struct optim *o = job->o;
    const struct optim_state *state = &o->states[param];
    float scratch[PIECE];
    struct target t = {.n = g->count,
                       .w = weights_at(job->w, param) + g->first,
                       .g = g->value,
                       .lr = job->step->lr[param],
                       .decay = optim_decay(o, param),
                       .steps = state->steps,
                       .first = moment(state->first, g->first),
                       .second = moment(state->second, g->first)};
    if (job->step->clip_scale != 1) {
        kernels()->scale(t.n, t.g, (float)job->step->clip_scale, scratch, false);
        t.g = scratch;
    }
    if (o->anchor && o->anchor[param])
        pull(&o->settings, &t, o->anchor[param] + g->first, scratch);
    if (o->settings.kind == OPTIM_SGD)
        update_sgd(&o->settings, &t);
    else
        update_adam(&o->settings, &t);
}

// Whether only what has a gradient moves.
static bool only_gradient_moves(const struct optim *o, int param) {
    return o->settings.kind == OPTIM_SGD && !o->states[param].first && optim_decay(o, param) == 0 &&
           !(o->anchor && o->anchor[param]);
}

static void update_piece(void *context, int index, int worker) {
    (void)worker;
    const struct job *job = context;
    const struct optim_piece *piece = &job->o->pieces[index];
    const struct gradient *g = &job->step->gradient[piece->param];
    const size_t end = piece->first + piece->count;
    struct gradient_part part;
    float scratch[PIECE];
    if (is_still(job->o, piece))
        return;
    if (only_gradient_moves(job->o, piece->param)) {
        for (size_t at = piece->first; gradient_next(g, at, end, &part);
             at = part.first + part.count)
            update_part(job, piece->param, &part);
        return;
    }
    part = (struct gradient_part){piece->first, piece->count,
                                  gradient_all(g, piece->first, piece->count, scratch)};
    update_part(job, piece->param, &part);
}

// Counts the step of each parameter, and gives it moments at the first one.
static void count_step(struct optim *o, const struct job *job) {
    const bool adam = o->settings.kind != OPTIM_SGD;
    for (int i = 0; i < job->pieces; i++) {
        if (o->pieces[i].first > 0)
            continue;
        const size_t count = o->model->params[o->pieces[i].param].count;
        struct optim_state *state = &o->states[o->pieces[i].param];
        if (!state->first && (adam || o->settings.momentum != 0))
            state->first = xcalloc(count, sizeof(float));
        if (!state->second && adam)
            state->second = xcalloc(count, sizeof(float));
        state->steps++;
    }
}

void optim_update(struct optim *o, struct weights *w, struct optim_step *step) {
    struct job job = cut(o, w, step);
    step->gradient_norm = gradient_norm(&job);
    step->clip_scale = clip_scale(o->settings.clip, step->gradient_norm);
    if (!isfinite(step->gradient_norm))
        return;
    count_step(o, &job);
    share(&job, update_piece);
}
