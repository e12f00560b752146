#include "training.h"
#include "base/xalloc.h"
#include "model.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVALUATION_BATCH = 100 };

void training_data_close(struct training_data *data) {
    dataset_close(data->train);
    dataset_close(data->validation);
    dataset_close(data->test);
    *data = (struct training_data){0};
}

double tally_loss(const struct tally *t) {
    return t->samples ? t->loss / (double)t->samples : 0;
}

double tally_accuracy(const struct tally *t) {
    return t->samples ? (double)t->correct / (double)t->samples : 0;
}

static void tally_add(struct tally *t, const struct pass *pass) {
    t->loss += pass->loss * pass->batch->n;
    t->correct += pass->correct;
    t->samples += pass->batch->n;
}

static struct optim_settings optim_settings_of(const struct experiment *e) {
    enum optim_kind kind = OPTIM_SGD;
    if (strcmp(e->optim.name, "adam") == 0)
        kind = OPTIM_ADAM;
    if (strcmp(e->optim.name, "adamw") == 0)
        kind = OPTIM_ADAMW;
    return (struct optim_settings){
        .kind = kind,
        .momentum = e->optim.momentum,
        .nesterov = e->optim.nesterov,
        .beta1 = e->optim.beta1,
        .beta2 = e->optim.beta2,
        .eps = e->optim.eps,
        .weight_decay = e->optim.weight_decay,
        .decay_all = e->optim.decay_all,
        .clip = e->optim.clip,
        .keep = strcmp(e->optim.on_thaw, "keep") == 0,
    };
}

static struct lr_settings lr_settings_of(const struct experiment *e) {
    static const char *const names[] = {"constant", "step", "cosine", "one-cycle"};
    struct lr_settings s = {
        .peak = e->optim.lr,
        .warmup = e->schedule.warmup,
        .gamma = e->schedule.gamma,
        .floor = e->schedule.floor,
        .start_div = e->schedule.start_div,
        .end_div = e->schedule.end_div,
        .rise = e->schedule.rise,
    };
    for (int i = 0; i < 4; i++)
        if (strcmp(e->schedule.name, names[i]) == 0)
            s.shape = (enum lr_shape)i;
    int most = (int)(sizeof s.milestones / sizeof s.milestones[0]);
    s.milestone_count = e->schedule.milestones.count < most ? e->schedule.milestones.count : most;
    for (int i = 0; i < s.milestone_count; i++)
        s.milestones[i] = e->schedule.milestones.item[i];
    return s;
}

static struct loader_settings loader_settings_of(const struct experiment *e, int channels) {
    struct loader_settings s = {
        .batch = (int)e->train.batch,
        .seed = (uint64_t)e->seed,
        .shuffle = true,
    };
    for (int c = 0; c < channels && c < LOADER_CHANNELS; c++) {
        s.mean[c] = (float)e->data.mean.item[e->data.mean.count > 1 ? c : 0];
        s.std[c] = (float)e->data.std.item[e->data.std.count > 1 ? c : 0];
    }
    return s;
}

// "flip", "crop 2"
static bool set_augmentation(struct loader_settings *s, const struct text_list *list,
                             struct error *error) {
    for (int i = 0; i < list->count; i++) {
        const char *text = list->item[i];
        int64_t pixels = 0;
        if (strcmp(text, "flip") == 0)
            s->flip = true;
        else if (strncmp(text, "crop ", 5) == 0 && text_to_int(text + 5, &pixels) && pixels > 0 &&
                 pixels <= 64)
            s->crop = (int)pixels;
        else
            return error_set(error,
                             "data.augment: '%s' is not known; write 'flip' or 'crop N' (1 to 64 "
                             "pixels of padding)",
                             text);
    }
    return true;
}

static bool check_channels(const struct experiment *e, int channels, struct error *error) {
    if (channels > LOADER_CHANNELS)
        return error_set(error, "images have %d channels; at most %d are possible", channels,
                         LOADER_CHANNELS);
    int given[2] = {e->data.mean.count, e->data.std.count};
    for (int i = 0; i < 2; i++)
        if (given[i] != 1 && given[i] != channels)
            return error_set(
                error, "data.%s: %d numbers for images with %d channel%s; give 1 or %d",
                i ? "std" : "mean", given[i], channels, channels == 1 ? "" : "s", channels);
    return true;
}

static bool open_loader(struct training *t, struct error *error) {
    const struct experiment *e = t->experiment;
    int channels = t->data.train->shape.c;
    if (!check_channels(e, channels, error))
        return false;
    struct loader_settings s = loader_settings_of(e, channels);
    if (!set_augmentation(&s, &e->data.augment, error))
        return false;
    t->loader = loader_open(t->data.train, &s);
    t->epoch_steps = loader_steps(t->loader);
    t->total = e->train.epochs * t->epoch_steps;
    return true;
}

static struct plan_options plan_options_of(const struct training *t, enum plan_purpose purpose) {
    const struct experiment *e = t->experiment;
    int batch = (int)e->train.batch;
    return (struct plan_options){
        .purpose = purpose,
        .n = purpose == PLAN_TRAIN || batch > EVALUATION_BATCH ? batch : EVALUATION_BATCH,
        .pool = t->pool,
        .smoothing = purpose == PLAN_TRAIN ? (float)e->train.label_smoothing : 0,
        .prefix_dropout = e->train.prefix_dropout,
    };
}

// Takes ownership of flags, on failure too; the old ones stay when their plan does not fit in
// memory.
static bool put_flags(struct training *t, struct flags *flags, struct error *error) {
    struct plan_options options = plan_options_of(t, PLAN_TRAIN);
    struct plan *plan = plan_make(flags, &options);
    if (!pass_use(&t->pass, plan, error)) {
        plan_close(plan);
        flags_close(flags);
        return false;
    }
    plan_close(t->plan);
    flags_close(&t->flags);
    t->plan = plan;
    t->flags = *flags;
    return true;
}

// The same, and notes what is frozen from now on.
static bool use_flags(struct training *t, struct flags *flags, struct error *error) {
    bool first = t->plan == NULL;
    bool *was = xcalloc((size_t)t->model->param_count + 1, sizeof *was);
    for (int p = 0; p < t->model->param_count; p++)
        was[p] = first || t->flags.thawed[p];
    bool ok = put_flags(t, flags, error);
    for (int p = 0; ok && p < t->model->param_count; p++) {
        if (!was[p] || t->flags.thawed[p])
            continue;
        t->frozen[p] = weights_hash(&t->weights, p);
        optim_freeze(&t->optim, p);
    }
    free(was);
    return ok;
}

bool training_restore_flags(struct training *t, struct flags *flags, struct error *error) {
    return put_flags(t, flags, error);
}

static bool first_flags(struct training *t, struct error *error) {
    const struct experiment *e = t->experiment;
    static const enum bn_policy policies[] = {BN_FROZEN, BN_BATCH, BN_TORCH};
    for (int i = 0; i < 3; i++)
        if (strcmp(e->freeze.bn, bn_policy_name(policies[i])) == 0)
            t->bn = policies[i];
    struct flags flags = flags_open(t->model);
    if (!freeze_apply_all(&flags, t->bn, (const char *const *)e->freeze.rules.item,
                          e->freeze.rules.count, error)) {
        flags_close(&flags);
        return error_prefix(error, "freeze.rules: ");
    }
    return use_flags(t, &flags, error);
}

static bool set_scale(struct training *t, const char *pattern, double factor, bool multiply,
                      struct error *error) {
    int count = t->model->param_count;
    bool *hit = xcalloc((size_t)count + 1, sizeof *hit);
    bool ok = freeze_match(t->model, pattern, hit, error);
    for (int p = 0; ok && p < count; p++)
        if (hit[p])
            t->lr_scale[p] = multiply ? t->lr_scale[p] * factor : factor;
    free(hit);
    return ok;
}

// "PATTERN FACTOR"; an `x` may stand before the factor.
static bool scale_rule(struct training *t, const char *rule, bool multiply, struct error *error) {
    const char *space = strrchr(rule, ' ');
    double factor = 0;
    if (!space || !text_to_real(space + 1 + (space[1] == 'x'), &factor) || factor < 0)
        return error_set(error,
                         "'%s' is no multiplier; write a pattern and a factor, such as "
                         "'layer3 0.1'",
                         rule);
    char *pattern = xstrndup(rule, (size_t)(space - rule));
    bool ok = set_scale(t, pattern, factor, multiply, error);
    free(pattern);
    return ok;
}

static bool first_scales(struct training *t, struct error *error) {
    t->lr_factor = 1;
    for (int p = 0; p < t->model->param_count; p++)
        t->lr_scale[p] = 1;
    const struct text_list *list = &t->experiment->optim.lr_scale;
    for (int i = 0; i < list->count; i++)
        if (!scale_rule(t, list->item[i], false, error))
            return error_prefix(error, "optim.lr_scale: ");
    return true;
}

static bool check_classes(const struct training *t, struct error *error) {
    const struct dataset *d = t->data.train;
    if (d->count == 0)
        return error_set(error, "%s has no training samples", d->name);
    if (d->classes != t->model->classes)
        return error_set(error, "%s has %d classes, the model %d outputs", d->name, d->classes,
                         t->model->classes);
    return true;
}

struct training *training_open(const struct experiment *experiment, const struct model *model,
                               struct weights weights, struct training_data data, struct pool *pool,
                               struct error *error) {
    struct training *t = xcalloc(1, sizeof *t);
    size_t params = (size_t)model->param_count + 1;
    t->experiment = experiment;
    t->model = model;
    t->weights = weights;
    t->data = data;
    t->pool = pool;
    t->lr_scale = xcalloc(params, sizeof *t->lr_scale);
    t->frozen = xcalloc(params, sizeof *t->frozen);
    t->gradient = xcalloc(params, sizeof *t->gradient);
    t->step_lr = xcalloc(params, sizeof *t->step_lr);
    t->lr = lr_settings_of(experiment);
    struct optim_settings optim = optim_settings_of(experiment);
    t->optim = optim_open(model, &optim);
    t->pass = (struct pass){.weights = &t->weights, .seed = (uint64_t)experiment->seed};
    if (!check_classes(t, error) || !open_loader(t, error) || !first_scales(t, error) ||
        !first_flags(t, error)) {
        training_close(t);
        return NULL;
    }
    struct plan_options evaluation = plan_options_of(t, PLAN_EVALUATE);
    t->evaluation = plan_make(&t->flags, &evaluation);
    return t;
}

void training_close(struct training *t) {
    if (!t)
        return;
    loader_close(t->loader);
    pass_close(&t->pass);
    plan_close(t->plan);
    plan_close(t->evaluation);
    optim_close(&t->optim);
    flags_close(&t->flags);
    weights_close(&t->weights);
    training_data_close(&t->data);
    free(t->lr_scale);
    free(t->frozen);
    free(t->gradient);
    free(t->step_lr);
    free(t);
}

double training_lr(const struct training *t) {
    int64_t step = t->step < t->total ? t->step : t->total - 1;
    return t->lr_factor * lr_at(&t->lr, step, t->total);
}

// Runs the forward pass again, looking for the first bad value.
static bool report_divergence(struct training *t, const struct batch *batch, struct error *error) {
    t->pass.check = true;
    pass_forward(&t->pass, batch, (uint32_t)t->step);
    t->pass.check = false;
    int bad = t->pass.bad_node;
    const char *where = bad > 0 ? t->model->modules[t->model->nodes[bad].module].name : "";
    return error_run(error,
                     "the loss is not finite at step %lld: the first bad value is in %s; lower "
                     "optim.lr, or clip the gradient with optim.clip",
                     (long long)t->step + 1, *where ? where : "the loss");
}

static bool update(struct training *t, struct step_result *result) {
    for (int p = 0; p < t->model->param_count; p++) {
        t->gradient[p] = pass_gradient(&t->pass, p);
        t->step_lr[p] = result->lr * t->lr_scale[p];
    }
    struct optim_step step = {.flags = &t->flags, .gradient = t->gradient, .lr = t->step_lr};
    optim_update(&t->optim, &t->weights, &step);
    result->gradient_norm = step.gradient_norm;
    result->clip_scale = step.clip_scale;
    return isfinite(step.gradient_norm);
}

bool training_step(struct training *t, struct step_result *result, struct error *error) {
    assert(t->step < t->total);
    if (t->step % t->epoch_steps == 0)
        t->epoch = (struct tally){0};
    const struct batch *batch = loader_batch(t->loader, t->step);
    *result = (struct step_result){.lr = training_lr(t)};
    pass_forward(&t->pass, batch, (uint32_t)t->step);
    if (!isfinite(t->pass.loss))
        return report_divergence(t, batch, error);
    pass_backward(&t->pass);
    if (!update(t, result))
        return error_run(error,
                         "the gradient is not finite at step %lld; lower optim.lr, or clip the "
                         "gradient with optim.clip",
                         (long long)t->step + 1);
    tally_add(&result->tally, &t->pass);
    tally_add(&t->epoch, &t->pass);
    t->step++;
    return true;
}

bool training_evaluate(struct training *t, const struct dataset *data, struct tally *out,
                       struct error *error) {
    *out = (struct tally){0};
    if (!pass_use(&t->pass, t->evaluation, error))
        return false;
    struct loader_settings s = loader_settings_of(t->experiment, data->shape.c);
    s.batch = t->evaluation->options.n;
    s.shuffle = false;
    struct loader *loader = loader_open(data, &s);
    for (int i = 0; i < loader_steps(loader); i++) {
        pass_forward(&t->pass, loader_batch(loader, i), 0);
        tally_add(out, &t->pass);
    }
    loader_close(loader);
    return pass_use(&t->pass, t->plan, error);
}

static bool apply_bn(struct training *t, const char *name, struct error *error) {
    static const enum bn_policy policies[] = {BN_FROZEN, BN_BATCH, BN_TORCH};
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, bn_policy_name(policies[i])) != 0)
            continue;
        struct flags flags = flags_copy(&t->flags);
        freeze_policy(&flags, policies[i]);
        if (!use_flags(t, &flags, error))
            return false;
        t->bn = policies[i];
        return true;
    }
    return error_set(error, "'bn %s' is not known; write 'bn frozen', 'bn batch' or 'bn torch'",
                     name);
}

static bool apply_lr(struct training *t, const char *text, struct error *error) {
    double factor = 0;
    if (strchr(text, ' '))
        return scale_rule(t, text, true, error);
    if (!text_to_real(text + (text[0] == 'x'), &factor) || factor < 0)
        return error_set(error, "'lr %s' is not known; write 'lr x0.5' or 'lr layer3 x0.1'", text);
    t->lr_factor *= factor;
    return true;
}

bool training_apply(struct training *t, const char *text, struct error *error) {
    if (strncmp(text, "bn ", 3) == 0)
        return apply_bn(t, text + 3, error);
    if (strncmp(text, "lr ", 3) == 0)
        return apply_lr(t, text + 3, error);
    struct flags flags = flags_copy(&t->flags);
    if (!freeze_apply(&flags, t->bn, text, error)) {
        flags_close(&flags);
        return false;
    }
    return use_flags(t, &flags, error);
}

bool training_verify(const struct training *t, struct error *error) {
    for (int p = 0; p < t->model->param_count; p++)
        if (!t->flags.thawed[p] && weights_hash(&t->weights, p) != t->frozen[p])
            return error_run(error, "%s is frozen but its bytes changed", t->model->params[p].name);
    return true;
}
