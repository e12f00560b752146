// Whether a schedule fits a model and the length of a run.
#include "base/xalloc.h"
#include "training/schedule.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct check {
    const struct schedule_length *length;
    struct settings settings; // as the phases so far leave them
    double earliest, latest;  // steps at which the phase before can begin
};

static double steps_of(const struct check *c, const struct moment *m) {
    return (double)moment_steps(m, c->length->epoch_steps, c->length->total);
}

// When a trigger can be met.
static void range_of(const struct check *c, const struct trigger *t, double *first, double *last) {
    switch (t->kind) {
    case TRIGGER_AT:
        *first = *last = steps_of(c, &t->moment);
        return;
    case TRIGGER_AFTER:
        *first = c->earliest + steps_of(c, &t->moment);
        *last = c->latest + steps_of(c, &t->moment);
        return;
    default: // a plateau; the first evaluation sets what has to be surpassed
        *first = c->earliest +
                 (double)((t->patience + 1) * c->length->evaluate_every * c->length->epoch_steps);
        *last = INFINITY;
    }
}

static bool check_order(const struct check *c, const struct trigger *t, struct error *error) {
    if (t->kind != TRIGGER_AT || steps_of(c, &t->moment) >= c->earliest)
        return true;
    return error_set(error,
                     "it comes at step %.0f, but the phase before it begins at step %.0f at the "
                     "earliest; put them in order",
                     steps_of(c, &t->moment), c->earliest);
}

static bool check_time(struct check *c, const struct phase *phase, struct error *error) {
    double earliest = INFINITY, latest = INFINITY;
    for (int i = 0; i < phase->trigger_count; i++) {
        const struct trigger *t = &phase->triggers[i];
        double first, last;
        if (t->kind == TRIGGER_PLATEAU && !c->length->validated)
            return error_set(error, "there are no validation samples to see a plateau by; set "
                                    "data.validation");
        if (!check_order(c, t, error))
            return false;
        range_of(c, t, &first, &last);
        earliest = fmin(earliest, first);
        latest = fmin(latest, last);
    }
    if (earliest >= (double)c->length->total)
        return error_set(error,
                         "it begins at step %.0f at the earliest, but the run ends after %" PRId64
                         " steps (%" PRId64 " epochs of %" PRId64 ")",
                         earliest, c->length->total, c->length->total / c->length->epoch_steps,
                         c->length->epoch_steps);
    c->earliest = fmax(c->earliest, earliest);
    c->latest = fmax(c->latest, latest);
    return true;
}

// Whether words set flags.
static bool sets_flags(const char *text) {
    static const char *const words[] = {"thaw ", "freeze ", "only ", "bn "};
    for (size_t i = 0; i < sizeof words / sizeof words[0] && !settings_is_act(text); i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static bool check_actions(struct check *c, const struct phase *phase, struct error *error) {
    struct settings before = settings_copy(&c->settings);
    int flags_set = 0;
    bool ok = true;
    for (int i = 0; ok && i < phase->actions.count; i++) {
        const char *text = phase->actions.item[i];
        flags_set += sets_flags(text);
        ok = settings_apply(&c->settings, text, error);
        if (ok && strcmp(text, "restore best") == 0 && !c->length->validated)
            ok = error_set(error, "there are no validation samples to tell what is best; set "
                                  "data.validation");
    }
    if (ok && flags_set > 0 && before.bn == c->settings.bn &&
        flags_equal(&before.flags, &c->settings.flags))
        ok = error_set(error, "it freezes and thaws nothing that is not so already");
    settings_close(&before);
    return ok;
}

static bool check_phase(struct check *c, const struct phase *phase, struct error *error) {
    return check_time(c, phase, error) && check_actions(c, phase, error);
}

bool schedule_check(const struct schedule *s, const struct experiment *e,
                    const struct settings *first, const struct schedule_length *length,
                    struct error *error) {
    struct check c = {.length = length, .settings = settings_copy(first)};
    bool ok = true;
    for (int i = 0; ok && i < s->count; i++)
        ok = check_phase(&c, &s->phases[i], error) ||
             experiment_item_error(e, "schedule.phases", &e->schedule.phases, i, error);
    if (ok && s->count > 0 && freeze_thawed_count(&c.settings.flags) == 0)
        ok = error_set(error, "schedule.phases: nothing is thawed in the end; thaw something");
    settings_close(&c.settings);
    struct check whole = {.length = length};
    return ok && (s->stop.trigger_count == 0 || check_time(&whole, &s->stop, error) ||
                  error_prefix(error, "schedule.stop: "));
}
