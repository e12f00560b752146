#include "strategy/gradients.h"
#include "base/kernels.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>

struct gradients gradients_open(const struct parts *parts, const struct weights *weights) {
    const struct model *model = weights->model;
    size_t count = (size_t)parts->count + 1;
    struct gradients g = {
        .model = model,
        .part = xcalloc((size_t)model->param_count + 1, sizeof *g.part),
        .parts = parts->count,
        .norm = xcalloc(count, sizeof *g.norm),
        .square = xcalloc(count, sizeof *g.square),
        .weight = xcalloc(count, sizeof *g.weight),
    };
    for (int p = 0; p < model->param_count; p++) {
        const struct param *param = &model->params[p];
        bool counts = param->storage == p && !freeze_is_statistic(param);
        g.part[p] = counts ? parts_find(parts, model, p) : -1;
        if (g.part[p] >= 0)
            g.weight[g.part[p]] += kernels()->square_sum(param->count, weights_at(weights, p));
    }
    for (int i = 0; i < g.parts; i++)
        g.weight[i] = sqrt(g.weight[i]);
    return g;
}

void gradients_close(struct gradients *g) {
    free(g->part);
    free(g->norm);
    free(g->square);
    free(g->weight);
    *g = (struct gradients){0};
}

void gradients_add(struct gradients *g, const struct pass *pass) {
    double *square = xcalloc((size_t)g->parts + 1, sizeof *square);
    g->count++;
    for (int p = 0; p < g->model->param_count; p++) {
        const struct gradient gradient = pass_gradient(pass, p);
        if (g->part[p] >= 0 && gradient.value)
            square[g->part[p]] += gradient_square(&gradient, 0, g->model->params[p].count);
    }
    for (int i = 0; i < g->parts; i++) {
        g->square[i] += square[i];
        g->norm[i] += sqrt(square[i]);
    }
    free(square);
}

double gradients_relative(const struct gradients *g, int part) {
    return g->weight[part] > 0 ? g->norm[part] / g->count / g->weight[part] : 0;
}
