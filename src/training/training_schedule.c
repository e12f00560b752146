// What a schedule asks of the training, and the changes of it that are no settings.
#include "base/xalloc.h"
#include "training/training_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool training_open_schedule(struct training *t, struct error *error) {
    struct schedule_length length = {
        .epoch_steps = t->epoch_steps,
        .total = t->total,
        .evaluate_every = t->experiment->train.evaluate_every,
        .validated = t->data.validation != NULL,
    };
    return schedule_open(&t->schedule, t->experiment, error) &&
           schedule_check(&t->schedule, t->experiment, training_settings(t), &length, error);
}

// A figure of train.best or schedule_figure_names, larger being better; NAN: not defined.
static double merit(const struct tally *validation, const char *best) {
    const struct scores *s = &validation->scores;
    return strcmp(best, "loss") == 0                ? -tally_loss(validation)
           : strcmp(best, "balanced_accuracy") == 0 ? s->balanced_accuracy
           : strcmp(best, "macro_f1") == 0          ? s->macro_f1
           : strcmp(best, "auroc") == 0             ? s->auroc
                                                    : tally_accuracy(validation);
}

bool training_better(const struct training *t, const struct tally *a, const struct tally *b) {
    const char *best = t->experiment->train.best;
    double now = merit(a, best), before = merit(b, best);
    return isnan(before) ? !isnan(now) : now > before;
}

static int64_t evaluation_steps(const struct training *t) {
    return t->experiment->train.evaluate_every * t->epoch_steps;
}

static bool due(const struct training *t) {
    return t->step % evaluation_steps(t) == 0 || t->step == t->total;
}

bool training_evaluation_nears(const struct training *t, int64_t steps) {
    int64_t every = evaluation_steps(t), next = every - t->step % every;
    return t->data.validation && (next <= steps || t->total - t->step <= steps);
}

bool training_evaluation_due(const struct training *t) {
    return t->data.validation && due(t);
}

bool training_source_due(const struct training *t) {
    return t->data.source && due(t);
}

bool training_watches(const struct training *t) {
    return t->schedule.restores || schedule_watches(&t->schedule, &t->scheduled);
}

static void keep_best(struct training *t, const struct tally *validation) {
    size_t bytes = t->model->weight_floats * sizeof *t->best_weights;
    if (t->best_weights && !training_better(t, validation, &t->best))
        return;
    if (!t->best_weights)
        t->best_weights = xmalloc(bytes);
    memcpy(t->best_weights, t->weights.data, bytes);
    t->best = *validation;
}

void training_observe(struct training *t, const struct tally *validation) {
    struct schedule_figures figures;
    for (int i = 0; i < SCHEDULE_FIGURES; i++)
        figures.of[i] = merit(validation, schedule_figure_names[i]);
    schedule_observe(&t->schedule, &t->scheduled, &figures);
    if (t->schedule.restores)
        keep_best(t, validation);
}

const struct phase *training_phase(struct training *t) {
    return schedule_due(&t->schedule, &t->scheduled, t->step, t->epoch_steps, t->total);
}

bool training_ends(const struct training *t) {
    return t->step < t->total && t->step > 0 && t->step % t->epoch_steps == 0 &&
           schedule_ends(&t->schedule, &t->scheduled, t->step, t->epoch_steps, t->total);
}

static void reset_moments(struct training *t) {
    for (int p = 0; p < t->model->param_count; p++)
        optim_forget(&t->optim, p);
}

// What is frozen is so with the bytes that it has now.
static bool restore_best(struct training *t, struct error *error) {
    if (!t->best_weights)
        return error_set(error, "there is no evaluation yet whose weights could be restored");
    memcpy(t->weights.data, t->best_weights, t->model->weight_floats * sizeof *t->best_weights);
    for (int p = 0; p < t->model->param_count; p++)
        if (!training_settings(t)->flags.thawed[p])
            t->frozen[p] = weights_hash(&t->weights, p);
    reset_moments(t);
    return true;
}

bool training_act(struct training *t, const char *text, struct error *error) {
    if (strcmp(text, "bn reestimate") == 0)
        return training_reestimate(t, error);
    if (strcmp(text, "restore best") == 0)
        return restore_best(t, error);
    reset_moments(t);
    return true;
}
