#include "training/measure.h"
#include "base/clock.h"
#include "base/kernels.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double EVERY = 0.1; // seconds

void measure_open(struct measure *m, const struct weights *start) {
    size_t bytes = start->model->weight_floats * sizeof(float);
    *m = (struct measure){
        .model = start->model,
        .values = layers_open(start->model),
        .start = xmemdup(start->data, bytes),
        .before = xmalloc(bytes),
    };
}

void measure_close(struct measure *m) {
    layers_close(&m->values);
    free(m->start);
    free(m->before);
    *m = (struct measure){0};
}

void measure_before(struct measure *m, const struct weights *w) {
    double now = clock_seconds();
    m->due = now >= m->next;
    if (!m->due)
        return;
    m->next = now + EVERY;
    memcpy(m->before, w->data, m->model->weight_floats * sizeof(float));
}

static double norm(const float *x, size_t n) {
    return sqrt(kernels()->square_sum(n, x));
}

static double distance(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)(x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(sum);
}

// A tied parameter shows its storage's values under its own name.
static void measure_weights(struct measure *m, const struct weights *w, int p) {
    const struct param *param = &m->model->params[m->model->params[p].storage];
    if (param->kind == PARAM_COUNTER)
        return;
    const float *now = weights_at(w, p), *start = m->start + param->at,
                *before = m->before + param->at;
    struct layer_values *v = &m->values.params[p];
    v->update = (float)distance(now, before, param->count);
    v->before = (float)norm(before, param->count);
    v->drift = (float)distance(now, start, param->count);
    v->start = (float)norm(start, param->count);
}

static void measure_times(struct measure *m, const struct pass *pass) {
    for (int i = 0; i < m->model->module_count; i++)
        m->values.seconds[i] = 0;
    for (int i = 1; pass->node_seconds && i < m->model->node_count; i++)
        m->values.seconds[m->model->nodes[i].module] += (float)pass->node_seconds[i];
}

void measure_after(struct measure *m, const struct weights *w, const struct optim *o,
                   const struct optim_step *step, const struct pass *pass) {
    m->values.step = pass->step + 1;
    for (int p = 0; p < m->model->param_count; p++) {
        int storage = m->model->params[p].storage;
        struct layer_values *v = &m->values.params[p];
        bool updated = step->gradient[storage].value && step->flags->thawed[p];
        if (updated)
            v->gradient_norm = (float)sqrt(o->square[storage]);
        else if (!m->probing)
            v->gradient_norm = NAN;
        v->lr = updated ? (float)step->lr[storage] : 0;
        if (m->due)
            measure_weights(m, w, p);
    }
    measure_times(m, pass);
}

void measure_probe(struct measure *m, const struct pass *pass, const struct flags *flags) {
    for (int p = 0; p < m->model->param_count; p++) {
        const struct gradient g = pass_gradient(pass, p);
        if (g.value && !flags->thawed[p])
            m->values.params[p].gradient_norm =
                (float)sqrt(gradient_square(&g, 0, m->model->params[p].count));
    }
}
