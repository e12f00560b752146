#include "ui/timing.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "session/trainer.h"
#include "ui/setup.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 9, EPOCHS_MOST = 100000 }; // timed, at most; as train.epochs allows
static const double SECONDS = 0.5;        // for timed steps; one is timed in any case
static const double MARGIN = 0.95;        // for saving, and for what else the machine does

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool timing_step(struct training *t, double *seconds, struct error *error) {
    int64_t batch = t->experiment->train.batch, count = t->data.train->count;
    int64_t whole = batch < count ? batch : count;
    double times[STEPS], spent = 0;
    struct step_result result;
    for (int done = -1; done < 1 || (done < STEPS && spent < SECONDS);) {
        double start = clock_seconds();
        if (!training_step(t, &result, error))
            return false;
        double taken = clock_seconds() - start;
        if (result.batch < whole)
            continue; // an epoch's last batch may be smaller
        if (done >= 0) {
            times[done] = taken;
            spent += taken;
        }
        done++;
        if (done > 0) {
            qsort(times, (size_t)done, sizeof times[0], rising);
            *seconds = times[done / 2];
        }
    }
    return true;
}

bool timing_parse(const char *text, double *seconds) {
    size_t n = strlen(text);
    double unit = n > 1 && text[n - 1] == 'm' ? 60 : 1;
    if (n < 2 || !strchr("sm", text[n - 1]))
        return false;
    char *number = xstrndup(text, n - 1);
    bool ok = text_to_real(number, seconds) && *seconds > 0 && *seconds <= 1e6;
    free(number);
    *seconds *= unit;
    return ok;
}

// Of one evaluation; the one before it fills the cache.
static bool time_evaluation(struct training *t, const struct dataset *data, double *seconds,
                            struct error *error) {
    struct tally tally;
    *seconds = 0;
    for (int i = 0; data && i < 2; i++) {
        double start = clock_seconds();
        if (!training_evaluate(t, data, &tally, NULL, error))
            return false;
        *seconds = clock_seconds() - start;
    }
    return true;
}

// Of an epoch's steps; short ones are measured whole, behind one that fills the cache.
static bool time_epoch(struct training *t, double *seconds, struct error *error) {
    struct step_result result;
    double start = 0, step;
    if (!timing_step(t, &step, error))
        return false;
    *seconds = step * (double)t->epoch_steps;
    int64_t first = (t->step / t->epoch_steps + 2) * t->epoch_steps, steps = 0;
    while (*seconds < SECONDS && (t->step < first || clock_seconds() - start < SECONDS)) {
        if (t->step == first)
            start = clock_seconds();
        steps += t->step >= first;
        if (t->step == t->total || !training_step(t, &result, error))
            return t->step == t->total;
    }
    if (steps > 0)
        *seconds = (clock_seconds() - start) / (double)steps * (double)t->epoch_steps;
    return true;
}

// Of saving a state, into a directory that goes away again.
static bool time_saving(const struct training *t, double *seconds, struct error *error) {
    char *path = xprintf("%s/thaw-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    struct run run = {0};
    bool ok = mkdtemp(path) != NULL;
    if (!ok)
        error_run(error, "%s: cannot make a directory to time saving in", path);
    ok = ok && run_create(&run, path, t->experiment, error);
    for (int i = 0; ok && i < 2; i++) {
        double start = clock_seconds();
        ok = run_save_state(&run, t, error);
        *seconds = clock_seconds() - start;
    }
    run_close(&run);
    files_remove(path);
    free(path);
    return ok;
}

static bool measure(struct training *t, const char *setting, double *epoch, double *end,
                    struct error *error) {
    const struct experiment *e = t->experiment;
    double validation, save;
    if (setting && !training_apply(t, setting, error))
        return false;
    if (!t->plan->trains)
        return error_set(error, "nothing is thawed, so there is no step to size the run by");
    if (!time_epoch(t, epoch, error) ||
        !time_evaluation(t, t->data.validation, &validation, error) ||
        !time_evaluation(t, t->data.test, end, error) || !time_saving(t, &save, error))
        return false;
    *epoch += validation / (double)e->train.evaluate_every;
    double saves = e->train.save_every ? (double)t->epoch_steps / (double)e->train.save_every
                                       : fmin(*epoch / TRAINER_SAVE_SECONDS, 1);
    *epoch += saves * save;
    return true;
}

bool timing_budget(struct experiment *e, double budget, int threads, const char *setting,
                   struct error *error) {
    int64_t asked = e->train.epochs;
    double epoch = 0, end = 0;
    struct setup setup;
    if (!setup_open(&setup, e, threads, error))
        return false;
    e->train.epochs = EPOCHS_MOST; // room for the steps to measure
    struct training *t = setup_training(&setup, error);
    bool ok = t && measure(t, setting, &epoch, &end, error);
    training_close(t);
    setup_close(&setup);
    double room = floor((MARGIN * budget - end) / epoch);
    e->train.epochs = ok ? (int64_t)fmin(fmax(room, 1), EPOCHS_MOST) : asked;
    return ok;
}
