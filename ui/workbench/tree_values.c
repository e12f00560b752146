// The figures of rows: sums over subtrees, and what a step would do.
#include "base/pool.h"
#include "base/xalloc.h"
#include "ui/workbench/tree_parts.h"
#include <math.h>
#include <stdlib.h>

void tree_plan_close(struct tree_plan *plan) {
    flags_close(&plan->flags);
    free(plan->live);
    free(plan->flops);
    free(plan->drop);
    *plan = (struct tree_plan){0};
}

// Children stand behind their parents.
static void spread_upwards(const struct model *model, struct tree_plan *plan) {
    for (int m = model->module_count - 1; m > 0; m--) {
        plan->live[model->modules[m].parent] |= plan->live[m];
        plan->flops[model->modules[m].parent] += plan->flops[m];
    }
}

void tree_plan_update(struct tree *t, const struct scene *s) {
    const struct model *model = s->model;
    const struct flags *flags = &s->wanted.flags;
    struct tree_plan *kept = &t->plan;
    if (!model || !flags->model || (kept->flags.model && flags_equal(&kept->flags, flags)))
        return;
    tree_plan_close(kept);
    kept->flags = flags_copy(flags);
    kept->live = xcalloc((size_t)model->module_count, sizeof *kept->live);
    kept->flops = xcalloc((size_t)model->module_count, sizeof *kept->flops);
    kept->drop = xcalloc((size_t)model->module_count, sizeof *kept->drop);
    // None of this depends on the batch or the threads.
    struct pool *pool = pool_open(1);
    struct plan_options options = {
        .purpose = PLAN_TRAIN,
        .n = 1,
        .pool = pool,
        .prefix_dropout = s->experiment && s->experiment->train.prefix_dropout,
    };
    struct plan *plan = plan_make(flags, &options);
    for (int i = 1; i < model->node_count; i++) {
        struct op_flops flops = plan_flops(plan, i);
        kept->live[model->nodes[i].module] |= i != model_loss(model) && plan->nodes[i].wanted;
        kept->flops[model->nodes[i].module] += flops.forward + flops.data + flops.weight;
    }
    for (int m = 0; m < model->module_count; m++)
        kept->drop[m] = plan_drop(plan, m);
    spread_upwards(model, kept);
    plan_close(plan);
    pool_close(pool);
}

static bool in_row(const struct model *model, const struct tree_row *row, int param) {
    if (row->param < 0)
        return tree_inside(model, row->module, param);
    const struct param *own = &model->params[row->param], *other = &model->params[param];
    return row->param == param ||
           (own->module == other->module && freeze_is_statistic(own) && freeze_is_statistic(other));
}

// Whether the row has met the storage in an earlier parameter.
static bool met(const struct model *model, const struct tree_row *row, int param) {
    int storage = model->params[param].storage;
    for (int p = storage; p < param; p++)
        if (model->params[p].storage == storage && in_row(model, row, p))
            return true;
    return false;
}

static bool is_tied(const struct model *model, int param) {
    for (int p = 0; p < model->param_count; p++)
        if (p != param && model->params[p].storage == model->params[param].storage)
            return true;
    return false;
}

static void count_param(struct tree_figures *f, const struct scene *s, const struct tree_row *row,
                        int p) {
    const struct param *param = &s->model->params[p];
    bool alone = row->param >= 0, statistic = freeze_is_statistic(param);
    f->pending |=
        s->settings.flags.model && s->settings.flags.thawed[p] != s->wanted.flags.thawed[p];
    if ((!statistic || alone) && param->kind != PARAM_COUNTER && !met(s->model, row, p))
        f->params += param->count;
}

// Squared norms add up.
struct sums {
    double gradient, update, before, drift, start; // NAN: none
};

static void add_square(double *sum, float norm) {
    if (isfinite(norm))
        *sum = (isnan(*sum) ? 0 : *sum) + (double)norm * (double)norm;
}

static double ratio(double part, double whole) {
    return part > 0 && whole > 0 ? sqrt(part / whole) : NAN;
}

static bool values_known(const struct scene *s) {
    return s->layers.params && s->layers.step >= 0 && s->settings.flags.model &&
           s->layers.param_count == s->model->param_count;
}

// Statistics speak for their own row alone.
static void add_values(struct tree_figures *f, struct sums *sums, const struct scene *s,
                       const struct tree_row *row, int p) {
    const struct param *param = &s->model->params[p];
    const struct layer_values *v = &s->layers.params[p];
    bool thawed = s->settings.flags.thawed[p], statistic = freeze_is_statistic(param);
    if ((statistic && row->param != p) || met(s->model, row, p))
        return;
    add_square(&sums->drift, v->drift);
    add_square(&sums->start, v->start);
    if (statistic)
        return;
    if (thawed || s->now.probe > 0)
        add_square(&sums->gradient, v->gradient_norm);
    if (!thawed)
        return;
    add_square(&sums->update, v->update);
    add_square(&sums->before, v->before);
    f->lr_varies |= isfinite(f->lr) && f->lr != (double)v->lr;
    f->lr = (double)v->lr;
}

static double share(const struct scene *s, int module) {
    double own = 0, all = 0;
    for (int m = 0; m < s->model->module_count; m++) {
        double seconds = isfinite(s->layers.seconds[m]) ? (double)s->layers.seconds[m] : 0;
        all += seconds;
        own += m >= module && m < s->model->modules[module].end ? seconds : 0;
    }
    return all > 0 ? own / all : NAN;
}

static enum freeze_state row_state(const struct flags *flags, const struct tree_row *row) {
    if (row->param < 0)
        return freeze_state(flags, row->module);
    return flags->thawed[row->param] ? STATE_THAWED : STATE_FROZEN;
}

struct tree_figures tree_figures_of(const struct tree *t, const struct scene *s,
                                    const struct tree_row *row) {
    struct sums sums = {NAN, NAN, NAN, NAN, NAN};
    bool known = values_known(s);
    struct tree_figures f = {.lr = NAN, .share = NAN, .flops = NAN};
    f.state = row_state(&s->wanted.flags, row);
    f.tied = row->param >= 0 && is_tied(s->model, row->param);
    for (int p = 0; p < s->model->param_count; p++) {
        if (!in_row(s->model, row, p))
            continue;
        count_param(&f, s, row, p);
        if (known)
            add_values(&f, &sums, s, row, p);
    }
    f.gradient = sqrt(sums.gradient);
    f.update = ratio(sums.update, sums.before);
    f.drift = ratio(sums.drift, sums.start);
    if (row->param < 0 && known && s->layers.seconds)
        f.share = share(s, row->module);
    if (row->param < 0 && t->plan.flops && t->plan.flops[row->module] > 0)
        f.flops = t->plan.flops[row->module];
    return f;
}

double tree_figure(const struct tree_figures *f, enum tree_column column) {
    switch (column) {
    case TREE_PARAMS:
        return (double)f->params;
    case TREE_FLOPS:
        return f->flops;
    case TREE_TIME:
        return f->share;
    case TREE_GRADIENT:
        return f->gradient;
    case TREE_UPDATE:
        return f->update;
    case TREE_DRIFT:
        return f->drift;
    case TREE_LR:
        return f->lr;
    default:
        return NAN;
    }
}
