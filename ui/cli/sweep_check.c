// Whether the runs of a sweep could begin, before the first one does: what would only show after
// hours is said at once.
#include "ui/cli/sweeping.h"
#include "ui/setup.h"

// All that a run does before its first step, but for measuring statistics on the data.
static bool opens(struct experiment *e, struct error *error) {
    struct setup setup;
    if (!experiment_set(e, "freeze.reestimate_bn=false", error) || !setup_open(&setup, e, 1, error))
        return false;
    struct training *training = setup_training(&setup, error);
    bool ok = training && setup_check_thawed(training, error);
    training_close(training);
    setup_close(&setup);
    return ok;
}

// Runs that differ in rate or seed alone open alike.
static bool is_first_of_variant(const struct sweep *s, int arm) {
    return arm == 0 || s->arms[arm - 1].variant != s->arms[arm].variant;
}

static bool check_arm(const struct sweeping *s, int arm, struct error *error) {
    int64_t epochs = sweeping_epochs(s, &s->sweep.arms[arm]);
    struct sweep_run run = {.arm = arm,
                            .seed = s->sweep.seed_count ? s->sweep.seeds[0] : s->base.seed,
                            .epochs = sweep_round_epochs(&s->sweep, 0, epochs)};
    struct experiment e;
    if (s->sweep.factor && epochs != s->base.train.epochs)
        return error_set(error, "with halving all runs have the same train.epochs; give them below "
                                "'set:'");
    if (!sweeping_experiment(s, &run, &e, error))
        return false;
    bool ok = !is_first_of_variant(&s->sweep, arm) || opens(&e, error);
    if (!ok && run.epochs < epochs)
        error_prefix(error, "halving begins with train.epochs: %lld: ", (long long)run.epochs);
    experiment_close(&e);
    return ok;
}

bool sweeping_check(const struct sweeping *s, const char *path, struct error *error) {
    for (int i = 0; i < s->sweep.arm_count; i++) {
        const struct sweep_arm *arm = &s->sweep.arms[i];
        if (!check_arm(s, i, error))
            return error_prefix(error, "%s:%d:%d: %s: ", path, arm->line, arm->column, arm->name);
    }
    return true;
}
