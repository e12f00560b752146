// A forward pass moves running statistics: some passes must leave no trace, and some are made for
// it.
#include "training/training_parts.h"
#include <math.h>
#include <string.h>

size_t training_statistics_bytes(const struct model *model) {
    size_t bytes = 0;
    for (int p = 0; p < model->param_count; p++)
        if (freeze_is_statistic(&model->params[p]))
            bytes += param_bytes(&model->params[p]);
    return bytes;
}

static void each_statistic(struct training *t, bool note) {
    float *noted = t->statistics;
    for (int p = 0; p < t->model->param_count; p++) {
        const struct param *param = &t->model->params[p];
        if (!freeze_is_statistic(param) || param->storage != p)
            continue;
        float *value = weights_at(&t->weights, p);
        memcpy(note ? noted : value, note ? value : noted, param_bytes(param));
        noted += param_bytes(param) / sizeof *noted;
    }
}

void training_note_statistics(struct training *t) {
    each_statistic(t, true);
}

void training_put_back_statistics(struct training *t) {
    each_statistic(t, false);
}

static void clear_statistics(struct training *t) {
    for (int p = 0; p < t->model->param_count; p++)
        if (freeze_is_statistic(&t->model->params[p]))
            memset(weights_at(&t->weights, p), 0, param_bytes(&t->model->params[p]));
}

// Every statistic moves, and nothing is trained. The plan is the caller's to close.
static struct plan *plan_statistics(const struct training *t) {
    struct flags flags = flags_open(t->model);
    freeze_policy(&flags, BN_TORCH);
    struct plan_options options = training_plan_options(t, PLAN_TRAIN);
    options.prefix_dropout = true;
    struct plan *plan = plan_make(&flags, &options);
    flags_close(&flags);
    return plan;
}

static bool finite_statistics(const struct training *t, struct error *error) {
    for (int p = 0; p < t->model->param_count; p++) {
        const struct param *param = &t->model->params[p];
        const float *value = weights_at(&t->weights, p);
        for (size_t i = 0; param->kind == PARAM_STATISTIC && i < param->count; i++)
            if (!isfinite(value[i]))
                return error_run(error, "%s is not finite when it is measured anew", param->name);
    }
    return true;
}

static bool measure_statistics(struct training *t, struct error *error) {
    struct loader_settings s = training_loader_settings(t, t->data.train->shape.c);
    struct loader *loader = training_loader(t->data.train, &s, error);
    if (!loader)
        return false;
    clear_statistics(t);
    t->pass.cumulative = true;
    bool ok = true;
    for (int i = 0; ok && i < loader_steps(loader); i++) {
        const struct batch *batch = loader_batch(loader, i);
        ok = batch || loader_error(loader, error);
        if (ok)
            cache_pass(&t->cache, &t->pass, batch, (uint32_t)i);
    }
    t->pass.cumulative = false;
    loader_close(loader);
    return ok && finite_statistics(t, error);
}

bool training_reestimate(struct training *t, struct error *error) {
    struct plan *plan = plan_statistics(t);
    training_note_statistics(t);
    cache_use(&t->cache, t->plan, t->frozen);
    bool ok = pass_use(&t->pass, plan, error) && measure_statistics(t, error);
    ok = pass_use(&t->pass, t->plan, ok ? error : NULL) && ok;
    if (!ok)
        training_put_back_statistics(t);
    plan_close(plan);
    for (int p = 0; p < t->model->param_count; p++)
        if (freeze_is_statistic(&t->model->params[p]))
            t->frozen[p] = weights_hash(&t->weights, p);
    return ok;
}
