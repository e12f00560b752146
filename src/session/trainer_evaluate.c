// What the trainer finds out about the model on samples it does not learn from.
#include "session/trainer_parts.h"

// Evaluates and publishes what the model says. *figures is for the caller to close.
static bool evaluate_on(struct trainer *t, enum evaluated on, struct record *r,
                        struct figures *figures) {
    bool test = on == EVALUATED_TEST;
    const struct dataset *data = test ? t->training->data.test : t->training->data.validation;
    struct tally *tally = test ? &r->test : &r->validation;
    struct predictions predictions;
    struct error error;
    if (!figures_evaluate(t->training, data, tally, &predictions, figures, &error))
        return trainer_fail(t, &error);
    publish_predictions(&t->publisher, on, &predictions);
    return true;
}

static bool evaluate_source(struct trainer *t, struct record *r) {
    struct error error;
    r->source_before = t->training->source_before;
    return training_evaluate_source(t->training, &r->source, &error) || trainer_fail(t, &error);
}

bool trainer_look_at_source(struct trainer *t) {
    struct training *training = t->training;
    struct tally *before = &training->source_before;
    struct error error;
    if (!training->data.source || training->step > 0 || before->samples > 0)
        return true;
    if (!training_evaluate_source(training, before, &error))
        return trainer_fail(t, &error);
    trainer_note(t,
                 "old task (%s) before the first step: loss %.4f, accuracy %.2f %% of %lld samples",
                 training->data.source->name, tally_loss(before), 100 * tally_accuracy(before),
                 (long long)before->samples);
    return true;
}

bool trainer_validate(struct trainer *t, struct record *r, struct figures *figures) {
    struct training *training = t->training;
    struct error error;
    if (training_source_due(training) && !evaluate_source(t, r))
        return false;
    if (!training_evaluation_due(training))
        return true;
    if (!evaluate_on(t, EVALUATED_VALIDATION, r, figures))
        return false;
    t->validation_loss = tally_loss(&r->validation);
    if (trainer_keeps_files(t) && !run_best(&t->run, training, &r->validation, &r->best, &error))
        return trainer_fail(t, &error);
    return true;
}

bool trainer_test(struct trainer *t) {
    struct record r = {.kind = RECORD_TEST, .step = t->training->step};
    r.epoch = trainer_epoch(t->training, r.step);
    struct figures figures = {0};
    if (!t->training->data.test)
        return true;
    bool ok = evaluate_on(t, EVALUATED_TEST, &r, &figures) &&
              (!t->training->data.source || evaluate_source(t, &r)) &&
              trainer_record(t, &r, &figures);
    figures_close(&figures);
    return ok;
}
