// A new head is trained before the probe, in the copy of the weights.
#include "base/xalloc.h"
#include "strategy/suggest_parts.h"
#include "training/training_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool suggest_is_new(struct scratch *s, const struct parts *parts, bool head) {
    const struct training *t = s->training;
    bool found = false, same = true;
    for (int p = 0; p < t->model->param_count; p++) {
        int part = parts_find(parts, t->model, p);
        if (part < 0 || parts->items[part].head != head ||
            freeze_is_statistic(&t->model->params[p]))
            continue;
        found = true;
        weights_init_param(&s->weights, p, (uint64_t)t->experiment->seed);
        same = same && weights_hash(&s->weights, p) == weights_hash(&t->weights, p);
        memcpy(weights_at(&s->weights, p), weights_at(&t->weights, p),
               param_bytes(&t->model->params[p]));
    }
    return found && same;
}

// What the head's training needs beside the scratch copy.
struct fit {
    struct flags flags;
    struct plan *plan;
    struct optim optim;
    struct lr_settings lr;
    uint64_t *frozen; // [param_count]: hashes
    struct gradient *gradient;
    double *step_lr;
};

static void fit_open(struct fit *f, const struct scratch *s) {
    static const char *const rules[] = {"thaw head"};
    const struct training *t = s->training;
    size_t params = (size_t)t->model->param_count + 1;
    *f = (struct fit){
        .flags = flags_open(t->model),
        .lr = {.shape = LR_COSINE, .peak = 0.01},
        .frozen = xcalloc(params, sizeof *f->frozen),
        .gradient = xcalloc(params, sizeof *f->gradient),
        .step_lr = xcalloc(params, sizeof *f->step_lr),
    };
    freeze_apply_all(&f->flags, training_settings(t)->bn, rules, 1, NULL);
    struct plan_options options = training_plan_options(t, PLAN_TRAIN);
    f->plan = plan_make(&f->flags, &options);
    f->optim = optim_open(t->model, &(struct optim_settings){
                                        .kind = OPTIM_ADAM,
                                        .beta1 = 0.9,
                                        .beta2 = 0.999,
                                        .eps = 1e-8,
                                    });
    for (int p = 0; p < t->model->param_count; p++)
        f->frozen[p] = weights_hash(&s->weights, p);
}

static void fit_close(struct fit *f) {
    flags_close(&f->flags);
    plan_close(f->plan);
    optim_close(&f->optim);
    free(f->frozen);
    free(f->gradient);
    free(f->step_lr);
}

static bool fit_step(struct fit *f, struct scratch *s, int64_t step, int64_t total,
                     struct error *error) {
    struct training *t = s->training;
    bool cached;
    cache_use(&t->cache, f->plan, f->frozen);
    if (!training_forward(t, t->loader, t->data.train, step, &cached, error))
        return false;
    pass_backward(&t->pass);
    for (int p = 0; p < t->model->param_count; p++) {
        f->gradient[p] = pass_gradient(&t->pass, p);
        f->step_lr[p] = lr_at(&f->lr, step, total);
    }
    struct optim_step o = {.flags = &f->flags, .gradient = f->gradient, .lr = f->step_lr};
    optim_update(&f->optim, &s->weights, &o);
    if (isfinite(t->pass.loss) && isfinite(o.gradient_norm))
        return true;
    return error_run(error, "the loss is not finite while the new head is trained; leave that out "
                            "with 0 epochs for the head");
}

bool suggest_fit_head(struct scratch *s, int epochs, struct error *error) {
    struct fit f;
    fit_open(&f, s);
    int64_t total = (int64_t)epochs * s->training->epoch_steps;
    bool ok = pass_use(&s->training->pass, f.plan, error);
    for (int64_t step = 0; ok && step < total; step++)
        ok = suggest_goes_on(s, error) && fit_step(&f, s, step, total, error);
    fit_close(&f);
    return ok;
}
