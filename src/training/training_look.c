// Looking at a training without changing it: evaluation, and the probe.
#include "training/measure.h"
#include "training/old_network.h"
#include "training/training_parts.h"
#include <math.h>
#include <stdlib.h>

static struct loader *evaluation_loader(struct training *t, const struct dataset *data,
                                        struct error *error) {
    struct loader_settings s = training_loader_settings(t, data->shape.c);
    s.batch = t->evaluation->options.n;
    s.shuffle = false;
    cache_tell(&t->cache, data, &s);
    s.masking.fixed = true;
    return training_loader(data, &s, error);
}

void training_expect_evaluation(struct training *t) {
    if (t->expected)
        return;
    t->expected = evaluation_loader(t, t->data.validation, NULL);
    if (t->expected)
        loader_begin(t->expected, 0);
}

// The one that was opened ahead, if it is for this data.
static struct loader *take_loader(struct training *t, const struct dataset *data,
                                  struct error *error) {
    struct loader *expected = t->expected;
    if (!expected || data != t->data.validation)
        return evaluation_loader(t, data, error);
    t->expected = NULL;
    return expected;
}

bool training_evaluate(struct training *t, const struct dataset *data, struct tally *out,
                       struct predictions *predictions, struct error *error) {
    *out = (struct tally){0};
    cache_use(&t->cache, t->plan, t->frozen);
    struct loader *loader = take_loader(t, data, error);
    if (!loader)
        return false;
    if (!pass_use(&t->pass, t->evaluation, error)) {
        loader_close(loader);
        return false;
    }
    bool ok = !predictions || predictions_open(predictions, t->model, data->count, error);
    for (int i = 0; ok && i < loader_steps(loader); i++) {
        bool cached;
        ok = training_forward(t, loader, data, i, &cached, error);
        if (!ok)
            break;
        tally_add(out, &t->pass);
        if (predictions)
            predictions_add(predictions, &t->pass);
    }
    loader_close(loader);
    if (!ok && predictions)
        predictions_close(predictions);
    // The first error is the one to tell.
    return pass_use(&t->pass, t->plan, ok ? error : NULL) && ok;
}

// Its own pass and buffers, which last as long as the look: the training's stay as they are.
static bool evaluate_old(struct training *t, struct loader *loader, const struct plan *plan,
                         struct tally *out, struct error *error) {
    struct pass pass = {.weights = &t->data.source_old->weights};
    bool ok = pass_use(&pass, plan, error);
    for (int i = 0; ok && i < loader_steps(loader); i++) {
        const struct batch *batch = loader_batch(loader, i);
        ok = batch || loader_error(loader, error);
        if (!ok)
            break;
        pass_forward(&pass, batch, 0);
        tally_add(out, &pass);
    }
    pass_close(&pass);
    return ok;
}

bool training_evaluate_source(struct training *t, struct tally *out, struct error *error) {
    struct old_network *old = t->data.source_old;
    if (!old)
        return training_evaluate(t, t->data.source, out, NULL, error);
    *out = (struct tally){0};
    struct loader *loader = evaluation_loader(t, t->data.source, error);
    if (!loader)
        return false;
    old_network_take(old, &t->weights);
    struct flags flags = flags_open(old->model);
    struct plan *plan = plan_make(&flags, &t->evaluation->options);
    bool ok = evaluate_old(t, loader, plan, out, error);
    plan_close(plan);
    flags_close(&flags);
    loader_close(loader);
    return ok;
}

bool training_finite(const struct training *t, struct error *error) {
    for (int p = 0; p < t->model->param_count; p++) {
        const struct param *param = &t->model->params[p];
        const float *value = weights_at(&t->weights, p);
        if (param->kind == PARAM_COUNTER)
            continue;
        for (size_t i = 0; i < param->count; i++)
            if (!isfinite(value[i]))
                return error_run(error,
                                 "%s is not finite after step %lld; lower optim.lr, or clip the "
                                 "gradient with optim.clip",
                                 param->name, (long long)t->step);
    }
    return true;
}

struct plan *training_unpruned_plan(const struct training *t) {
    struct plan_options options = training_plan_options(t, PLAN_TRAIN);
    options.unpruned = true;
    return plan_make(&training_settings(t)->flags, &options);
}

bool training_unpruned_pass(struct training *t, int64_t step, struct error *error) {
    const struct batch *batch = loader_batch(t->loader, step);
    if (!batch)
        return loader_error(t->loader, error);
    cache_use(&t->cache, t->plan, t->frozen);
    cache_pass(&t->cache, &t->pass, batch, (uint32_t)step);
    pass_backward(&t->pass);
    return true;
}

bool training_probe(struct training *t, struct error *error) {
    struct plan *plan = training_unpruned_plan(t);
    bool ok = pass_use(&t->pass, plan, error);
    if (ok && t->measure) {
        training_note_statistics(t);
        ok = training_unpruned_pass(t, t->step, error);
        if (ok)
            measure_probe(t->measure, &t->pass, &training_settings(t)->flags);
        training_put_back_statistics(t);
    }
    ok = pass_use(&t->pass, t->plan, ok ? error : NULL) && ok;
    plan_close(plan);
    return ok;
}
