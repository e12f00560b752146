#include "training/training.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "data/class_weights.h"
#include "training/measure.h"
#include "training/old_network.h"
#include "training/training_parts.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVALUATION_BATCH = 100, AHEAD = 8 }; // steps before an evaluation that it is read ahead

void training_data_close(struct training_data *data) {
    dataset_close(data->train);
    dataset_close(data->validation);
    dataset_close(data->test);
    dataset_close(data->source);
    old_network_close(data->source_old);
    *data = (struct training_data){0};
}

double tally_loss(const struct tally *t) {
    return t->samples ? t->loss / (double)t->samples : 0;
}

double tally_accuracy(const struct tally *t) {
    return t->samples ? (double)t->correct / (double)t->samples : 0;
}

double tally_perplexity(const struct tally *t) {
    return exp(tally_loss(t));
}

void tally_add(struct tally *t, const struct pass *pass) {
    const bool language = model_is_language(pass->plan->model);
    const int count = language ? pass->targets : pass->batch->n;
    t->loss += pass->loss * count;
    t->correct += pass->correct;
    t->samples += count;
    t->tokens += language ? count : 0;
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
        .l2_sp = e->optim.l2_sp,
        .decay_all = e->optim.decay_all,
        .clip = e->optim.clip,
        .keep = strcmp(e->optim.on_thaw, "keep") == 0,
    };
}

static struct lr_settings lr_settings_of(const struct experiment *e) {
    static const char *const names[] = {"constant", "step", "cosine", "one-cycle",
                                        "slanted-triangular"};
    struct lr_settings s = {
        .peak = e->optim.lr,
        .warmup = e->schedule.warmup,
        .gamma = e->schedule.gamma,
        .floor = e->schedule.floor,
        .start_div = e->schedule.start_div,
        .end_div = e->schedule.end_div,
        .rise = e->schedule.rise,
    };
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        if (strcmp(e->schedule.name, names[i]) == 0)
            s.shape = (enum lr_shape)i;
    int most = (int)(sizeof s.milestones / sizeof s.milestones[0]);
    s.milestone_count = e->schedule.milestones.count < most ? e->schedule.milestones.count : most;
    for (int i = 0; i < s.milestone_count; i++)
        s.milestones[i] = e->schedule.milestones.item[i];
    return s;
}

struct loader_settings training_loader_settings(const struct training *t, int channels) {
    const struct experiment *e = t->experiment;
    struct loader_settings s = {
        .batch = (int)e->train.batch,
        .seed = (uint64_t)e->seed,
        .shuffle = true,
        .threads = pool_threads(t->pool),
        .masks = model_is_masked(t->model),
        .masking = {.vocabulary = t->data.train->vocabulary,
                    .marks = t->data.train->marks,
                    .seed = (uint64_t)e->seed},
    };
    for (int c = 0; c < channels && c < LOADER_CHANNELS; c++) {
        s.mean[c] = (float)e->data.mean.item[e->data.mean.count > 1 ? c : 0];
        s.std[c] = (float)e->data.std.item[e->data.std.count > 1 ? c : 0];
    }
    return s;
}

struct loader *training_loader(const struct dataset *data, const struct loader_settings *s,
                               struct error *error) {
    size_t need = loader_bytes(data, s), have = arena_available();
    char need_text[32], have_text[32];
    if (need <= have)
        return loader_open(data, s);
    error_run(error,
              "not enough memory for the batches: need %s, have %s; a smaller train.batch or "
              "data.size needs less",
              text_bytes((double)need, need_text), text_bytes((double)have, have_text));
    return NULL;
}

bool training_forward(struct training *t, struct loader *loader, const struct dataset *data,
                      int64_t step, bool *cached, struct error *error) {
    const struct batch *batch = loader_batch_spared(loader, step);
    if (batch && !cache_fetch(&t->cache, batch, data)) {
        batch = loader_batch(loader, step);
        if (batch)
            cache_fetch(&t->cache, batch, data);
    }
    if (!batch)
        return loader_error(loader, error);
    *cached = cache_forward(&t->cache, &t->pass, batch, (uint32_t)step);
    return true;
}

static bool check_channels(const struct experiment *e, int channels, struct error *error) {
    if (channels > LOADER_CHANNELS)
        return error_set(error, "images have %d channels; at most %d are possible", channels,
                         LOADER_CHANNELS);
    int given[2] = {e->data.mean.count, e->data.std.count};
    for (int i = 0; i < 2; i++)
        if (given[i] != 1 && given[i] != channels)
            return error_set(error, "data.%s: %d numbers for images with %d channel%s; give 1%s",
                             i ? "std" : "mean", given[i], channels, channels == 1 ? "" : "s",
                             channels == 1 ? "" : ", or one for each channel");
    return true;
}

static void open_cache(struct training *t, const struct loader_settings *train) {
    const struct experiment *e = t->experiment;
    struct loader_settings plain = training_loader_settings(t, t->data.train->shape.c);
    plain.masking.fixed = true;
    struct cache_budget budget = {
        .memory = (size_t)e->train.cache << 20,
        .disk = (uint64_t)e->train.cache_disk << 20,
        .half = strcmp(e->train.features, "bfloat16") == 0,
    };
    cache_open(&t->cache, t->model, budget);
    cache_add(&t->cache, t->data.train, train, false);
    cache_add(&t->cache, t->data.validation, &plain, false);
    cache_add(&t->cache, t->data.source_old ? NULL : t->data.source, &plain, false);
    cache_add(&t->cache, t->data.test, &plain, true);
}

static bool open_loader(struct training *t, struct error *error) {
    const struct experiment *e = t->experiment;
    int channels = t->data.train->shape.c;
    if (!check_channels(e, channels, error))
        return false;
    struct loader_settings s = training_loader_settings(t, channels);
    for (int i = 0; i < e->data.augment.count; i++)
        if (!augment_parse(&s.augment, e->data.augment.item[i], error))
            return false;
    s.views = (int)e->data.views;
    open_cache(t, &s);
    cache_tell(&t->cache, t->data.train, &s);
    t->loader = training_loader(t->data.train, &s, error);
    t->epoch_steps = t->loader ? loader_steps(t->loader) : 0;
    return t->loader != NULL;
}

struct plan_options training_plan_options(const struct training *t, enum plan_purpose purpose) {
    const struct experiment *e = t->experiment;
    int batch = (int)e->train.batch;
    return (struct plan_options){
        .purpose = purpose,
        .n = purpose == PLAN_TRAIN || batch > EVALUATION_BATCH ? batch : EVALUATION_BATCH,
        .pool = t->pool,
        .smoothing = purpose == PLAN_TRAIN ? (float)e->train.label_smoothing : 0,
        .class_weight = purpose == PLAN_TRAIN ? t->class_weight : NULL,
        .prefix_dropout = e->train.prefix_dropout,
        .precise = e->train.precise,
    };
}

// Makes the plan for settings and the pass use it; the old plan stays when the new one does not fit
// in memory.
static bool use_plan(struct training *t, const struct settings *s, struct error *error) {
    struct plan_options options = training_plan_options(t, PLAN_TRAIN);
    struct plan *plan = plan_make(&s->flags, &options);
    if (!pass_use(&t->pass, plan, error)) {
        plan_close(plan);
        return false;
    }
    plan_close(t->plan);
    t->plan = plan;
    t->cached = false;
    return true;
}

static void use_numbers(struct training *t, const struct settings *s) {
    t->optim.settings.weight_decay = s->weight_decay;
    t->total = s->epochs * t->epoch_steps;
}

// Notes what is frozen from now on; `before` NULL: at the start.
static void note_frozen(struct training *t, const struct flags *before, const struct flags *now) {
    for (int p = 0; p < t->model->param_count; p++) {
        if (now->thawed[p] || (before && !before->thawed[p]))
            continue;
        t->frozen[p] = weights_hash(&t->weights, p);
        optim_freeze(&t->optim, p);
    }
}

static bool first_settings(struct training *t, struct error *error) {
    struct settings s;
    if (!settings_open(&s, t->model, t->experiment, error))
        return false;
    settings_history_open(&t->history, s);
    if (!use_plan(t, &s, error))
        return false;
    use_numbers(t, &s);
    note_frozen(t, NULL, &s.flags);
    return true;
}

const struct settings *training_settings(const struct training *t) {
    return settings_now(&t->history);
}

bool training_restore(struct training *t, struct settings_history history, struct error *error) {
    if (!use_plan(t, settings_now(&history), error)) {
        settings_history_close(&history);
        return false;
    }
    settings_history_close(&t->history);
    t->history = history;
    use_numbers(t, settings_now(&history));
    return true;
}

static bool check_epochs(const struct training *t, const struct settings *s, struct error *error) {
    int64_t least = (t->step + t->epoch_steps - 1) / t->epoch_steps;
    least = least > 0 ? least : 1;
    if (s->epochs == training_settings(t)->epochs || s->epochs >= least)
        return true;
    return error_set(error, "'epochs %lld' is past already; write %lld or more",
                     (long long)s->epochs, (long long)least);
}

bool training_apply(struct training *t, const char *text, struct error *error) {
    struct settings next;
    t->history.step = t->step;
    if (!settings_history_try(&t->history, text, &next, error))
        return false;
    const struct flags *now = &training_settings(t)->flags;
    bool ok = check_epochs(t, &next, error) &&
              (!settings_is_act(text) || training_act(t, text, error)) &&
              (flags_equal(now, &next.flags) || use_plan(t, &next, error));
    if (ok) {
        use_numbers(t, &next);
        note_frozen(t, now, &next.flags);
        settings_history_apply(&t->history, text, error);
    }
    settings_close(&next);
    return ok;
}

// Before the first step, where the experiment asks for it.
static bool first_statistics(struct training *t, struct error *error) {
    if (!t->experiment->freeze.reestimate_bn)
        return true;
    if (!freeze_has_statistics(t->model))
        return error_set(error, "freeze.reestimate_bn: this model has no BatchNorm; leave it out");
    return training_reestimate(t, error);
}

// A language model takes any texts, but nothing that is about classes.
static bool check_language(const struct training *t, struct error *error) {
    const struct experiment *e = t->experiment;
    const struct dataset *d = t->data.train;
    const char *arch = t->model->arch, *best = e->train.best;
    if (model_is_masked(t->model) && d->marks.mask < 0)
        return error_set(error,
                         "data.tokenizer: %s predicts what stands behind [MASK], and the "
                         "vocabulary has no [MASK]",
                         arch);
    if (e->train.class_weights.count > 0)
        return error_set(error,
                         "train.class_weights: %s predicts tokens, not classes; leave the "
                         "key out",
                         arch);
    if (strcmp(best, "accuracy") != 0 && strcmp(best, "loss") != 0)
        return error_set(error,
                         "train.best: %s predicts tokens and has no %s; loss and accuracy "
                         "are possible",
                         arch, best);
    return true;
}

static bool check_classes(const struct training *t, struct error *error) {
    const struct dataset *d = t->data.train;
    if (d->count == 0)
        return error_set(error, "%s has no training samples", d->name);
    if (model_is_language(t->model))
        return check_language(t, error);
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
    t->frozen = xcalloc(params, sizeof *t->frozen);
    t->gradient = xcalloc(params, sizeof *t->gradient);
    t->step_lr = xcalloc(params, sizeof *t->step_lr);
    t->statistics = xcalloc(1, training_statistics_bytes(model));
    t->lr = lr_settings_of(experiment);
    struct optim_settings optim = optim_settings_of(experiment);
    t->optim = optim_open(model, &optim);
    t->optim.pool = pool;
    t->pass = (struct pass){.weights = &t->weights, .seed = (uint64_t)experiment->seed};
    if (!check_classes(t, error) ||
        !class_weights_open(&t->class_weight, experiment, data.train, error) ||
        !open_loader(t, error) || !first_settings(t, error) || !training_open_schedule(t, error) ||
        !training_open_anchor(t, error) || !first_statistics(t, error)) {
        training_close(t);
        return NULL;
    }
    struct plan_options evaluation = training_plan_options(t, PLAN_EVALUATE);
    t->evaluation = plan_make(&training_settings(t)->flags, &evaluation);
    return t;
}

void training_close(struct training *t) {
    if (!t)
        return;
    loader_close(t->loader);
    loader_close(t->expected);
    pass_close(&t->pass);
    cache_close(&t->cache);
    plan_close(t->plan);
    plan_close(t->evaluation);
    optim_close(&t->optim);
    settings_history_close(&t->history);
    weights_close(&t->weights);
    training_data_close(&t->data);
    free(t->frozen);
    free(t->gradient);
    free(t->step_lr);
    free(t->class_weight);
    free(t->statistics);
    free(t->start);
    free(t->best_weights);
    schedule_close(&t->schedule);
    free(t);
}

struct training training_start(const struct training *t) {
    size_t params = (size_t)t->model->param_count + 1;
    struct training start = *t;
    start.step = 0;
    start.epoch = (struct tally){0};
    start.scheduled = (struct schedule_state){0};
    start.best_weights = NULL;
    start.weights.data = t->start ? t->start : t->weights.data;
    start.history = settings_history_prefix(&t->history, 0);
    start.optim.states = xcalloc(params, sizeof *start.optim.states);
    start.frozen = xcalloc(params, sizeof *start.frozen);
    note_frozen(&start, NULL, &training_settings(&start)->flags);
    return start;
}

void training_start_close(struct training *start) {
    settings_history_close(&start->history);
    free(start->optim.states);
    free(start->frozen);
}

bool training_thaws(const struct training *t) {
    return t->plan->trains || t->scheduled.next < t->schedule.count;
}

double training_lr(const struct training *t) {
    const struct settings *s = training_settings(t);
    int64_t length = moment_steps(&s->cycle.to, t->epoch_steps, t->total);
    int64_t left = t->total - s->cycle.from, step = t->step - s->cycle.from;
    length = length > 0 ? length : left > 0 ? left : 1;
    return s->lr_factor * lr_at(&t->lr, step < length ? step : length - 1, length);
}

// A rate that is annealed follows its own way from the peak, not the schedule's.
static double parameter_lr(const struct training *t, int param, double lr) {
    const struct settings *s = training_settings(t);
    const struct settings_span *span = &s->anneal[param];
    if (span->to.unit == MOMENT_NONE)
        return lr * s->lr_scale[param];
    int64_t until = moment_steps(&span->to, t->epoch_steps, t->total);
    return s->peak * s->lr_factor * s->lr_scale[param] * lr_annealed(t->step, span->from, until);
}

// Runs the forward pass again, looking for the first bad value.
static bool report_divergence(struct training *t, struct error *error) {
    training_put_back_statistics(t);
    const struct batch *batch = loader_batch(t->loader, t->step);
    if (!batch)
        return loader_error(t->loader, error);
    t->pass.check = true;
    cache_pass(&t->cache, &t->pass, batch, (uint32_t)t->step);
    t->pass.check = false;
    training_put_back_statistics(t);
    int bad = t->pass.bad_node;
    const char *where = bad > 0 ? t->model->modules[t->model->nodes[bad].module].name : "";
    return error_run(error,
                     "the loss is not finite at step %lld: the first bad value is in %s; lower "
                     "optim.lr, or clip the gradient with optim.clip",
                     (long long)t->step + 1, *where ? where : "the loss");
}

static bool update(struct training *t, struct step_result *result) {
    const struct settings *s = training_settings(t);
    for (int p = 0; p < t->model->param_count; p++) {
        t->gradient[p] = pass_gradient(&t->pass, p);
        t->step_lr[p] = parameter_lr(t, p, result->lr);
    }
    struct optim_step step = {.flags = &s->flags, .gradient = t->gradient, .lr = t->step_lr};
    if (t->measure)
        measure_before(t->measure, &t->weights);
    optim_update(&t->optim, &t->weights, &step);
    if (t->measure)
        measure_after(t->measure, &t->weights, &t->optim, &step, &t->pass);
    result->gradient_norm = step.gradient_norm;
    result->clip_scale = step.clip_scale;
    return isfinite(step.gradient_norm);
}

bool training_step(struct training *t, struct step_result *result, struct error *error) {
    assert(t->step < t->total);
    if (t->step % t->epoch_steps == 0)
        t->epoch = (struct tally){0};
    *result = (struct step_result){.lr = training_lr(t)};
    training_note_statistics(t);
    cache_use(&t->cache, t->plan, t->frozen);
    if (training_evaluation_nears(t, AHEAD))
        training_expect_evaluation(t);
    double start = clock_seconds();
    if (!training_forward(t, t->loader, t->data.train, t->step, &t->cached, error))
        return false;
    t->wait_seconds = clock_seconds() - start - t->pass.forward_seconds;
    result->batch = t->pass.batch->n;
    result->diverged = !isfinite(t->pass.loss);
    if (result->diverged)
        return report_divergence(t, error);
    pass_backward(&t->pass);
    start = clock_work_seconds(pool_threads(t->pool));
    result->diverged = !update(t, result);
    t->update_seconds = clock_work_seconds(pool_threads(t->pool)) - start;
    if (result->diverged) {
        training_put_back_statistics(t);
        return error_run(error,
                         "the gradient is not finite at step %lld; lower optim.lr, or clip the "
                         "gradient with optim.clip",
                         (long long)t->step + 1);
    }
    tally_add(&result->tally, &t->pass);
    tally_add(&t->epoch, &t->pass);
    t->step++;
    return true;
}

bool training_verify(const struct training *t, struct error *error) {
    const bool *thawed = training_settings(t)->flags.thawed;
    for (int p = 0; p < t->model->param_count; p++)
        if (!thawed[p] && weights_hash(&t->weights, p) != t->frozen[p])
            return error_run(error, "%s is frozen but its bytes changed", t->model->params[p].name);
    return true;
}
