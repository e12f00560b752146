#include "ui/timing.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/setup.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 9, EPOCHS_MOST = 100000 }; // timed, at most; as train.epochs allows
static const double SECONDS = 0.5;        // for all timed steps; one is timed in any case
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
        if (result.tally.samples < whole)
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

static bool time_evaluation(struct training *t, const struct dataset *data, double *seconds,
                            struct error *error) {
    struct tally tally;
    double start = clock_seconds();
    *seconds = 0;
    if (!data)
        return true;
    if (!training_evaluate(t, data, &tally, NULL, error))
        return false;
    *seconds = clock_seconds() - start;
    return true;
}

static bool measure(struct training *t, double *epoch, double *end, struct error *error) {
    double step, validation;
    if (!timing_step(t, &step, error) ||
        !time_evaluation(t, t->data.validation, &validation, error) ||
        !time_evaluation(t, t->data.test, end, error))
        return false;
    double batches = (double)t->data.train->count / (double)t->experiment->train.batch;
    *epoch = fmax(batches, 1) * step + validation / (double)t->experiment->train.evaluate_every;
    return true;
}

bool timing_budget(struct experiment *e, double budget, int threads, struct error *error) {
    int64_t asked = e->train.epochs;
    double epoch = 0, end = 0;
    struct setup setup;
    if (!setup_open(&setup, e, threads, error))
        return false;
    e->train.epochs = EPOCHS_MOST; // room for the steps to measure
    struct training *t = setup_training(&setup, error);
    bool ok = t && t->plan->trains && measure(t, &epoch, &end, error);
    if (t && !t->plan->trains)
        error_set(error, "nothing is thawed, so there is no step to size the run by");
    training_close(t);
    setup_close(&setup);
    e->train.epochs = asked;
    if (ok)
        e->train.epochs =
            (int64_t)fmin(fmax(floor((MARGIN * budget - end) / epoch), 1), EPOCHS_MOST);
    return ok;
}
