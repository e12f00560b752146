// The schedule's changes, made between two steps.
#include "base/xalloc.h"
#include "session/trainer_parts.h"
#include "strategy/rates.h"
#include <inttypes.h>
#include <stdlib.h>

// `again`: it was told and logged when it happened first.
static bool change(struct trainer *t, const char *who, const char *text, bool again) {
    struct error error;
    if (!training_apply(t->training, text, &error)) {
        error_prefix(&error, "the %s's '%s' at step %" PRId64 ": ", who, text, t->training->step);
        return trainer_fail(t, &error);
    }
    if (again)
        return true;
    publish_settings(&t->publisher, training_settings(t->training));
    return trainer_event(t, who, text);
}

static bool begin(struct trainer *t, const struct phase *phase, bool again) {
    for (int i = 0; i < phase->actions.count; i++)
        if (!change(t, "schedule", phase->actions.item[i], again))
            return false;
    return true;
}

static bool end_early(struct trainer *t, bool again) {
    char *text = xprintf("epochs %" PRId64, t->training->step / t->training->epoch_steps);
    bool ok = change(t, "schedule", text, again);
    free(text);
    return ok;
}

// Rates that are found anew at the beginning of an epoch, with what is thawed then.
static bool follow_rates(struct trainer *t, bool again) {
    struct text text = {0};
    struct error error;
    if (!rates_due(t->training))
        return true;
    if (!rates_find(t->training, &text, &error))
        return trainer_fail(t, &error);
    bool ok = !text.data || change(t, "strategy", text.data, again);
    text_free(&text);
    return ok;
}

bool trainer_follow_schedule(struct trainer *t, const struct tally *validation, bool again) {
    struct training *training = t->training;
    if (validation)
        training_observe(training, validation);
    bool changed = false;
    for (const struct phase *phase; (phase = training_phase(training)); changed = true)
        if (!begin(t, phase, again))
            return false;
    if (training_ends(training) && !end_early(t, again))
        return false;
    if (!follow_rates(t, again))
        return false;
    if (changed && !again && t->interactive)
        trainer_keep_point(t, true);
    return true;
}
