#include "strategy/lr_find.h"
#include "base/xalloc.h"
#include "session/points.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const double PAST = 0.98, TOO_FAR = 4;

void lr_find_close(struct lr_find *f) {
    free(f->lr);
    free(f->loss);
    free(f->smoothed);
    *f = (struct lr_find){0};
}

struct lr_find lr_find_copy(const struct lr_find *f) {
    struct lr_find copy = *f;
    size_t bytes = (size_t)f->count * sizeof(double);
    copy.lr = xmemdup(f->lr, bytes);
    copy.loss = xmemdup(f->loss, bytes);
    copy.smoothed = xmemdup(f->smoothed, bytes);
    return copy;
}

static void note(struct lr_find *f, double lr, double loss) {
    int i = f->count++;
    // Undoes the bias of the mean before, and corrects the new one (Kingma and Ba 2015, section 3).
    double before = i ? f->smoothed[i - 1] * (1 - pow(PAST, i)) : 0;
    f->lr[i] = lr;
    f->loss[i] = loss;
    f->smoothed[i] = (PAST * before + (1 - PAST) * loss) / (1 - pow(PAST, i + 1));
}

static bool rise(struct training *t, const struct lr_find_options *o, struct lr_find *f,
                 struct error *error) {
    double least = INFINITY, factor = training_settings(t)->lr_factor;
    t->lr = (struct lr_settings){.shape = LR_CONSTANT};
    for (int i = 0; i < o->steps && !f->ended_early; i++) {
        struct step_result result;
        if (o->give_up && o->give_up(o->context))
            return error_run(error, "given up on request");
        double lr = o->from * pow(o->to / o->from, (double)i / (o->steps - 1));
        t->lr.peak = lr / factor;
        if (!training_step(t, &result, error)) {
            if (!result.diverged)
                return false;
            f->ended_early = true;
            break;
        }
        note(f, lr, tally_loss(&result.tally));
        least = fmin(least, f->smoothed[f->count - 1]);
        f->ended_early = f->smoothed[f->count - 1] > TOO_FAR * least;
    }
    return true;
}

// Of the loss over the logarithm of the rate, by least squares over steps first .. end - 1.
static double slope(const struct lr_find *f, int first, int end) {
    double x = 0, y = 0, xx = 0, xy = 0, n = end - first;
    for (int i = first; i < end; i++) {
        x += log(f->lr[i]) / n;
        y += f->loss[i] / n;
    }
    for (int i = first; i < end; i++) {
        xx += (log(f->lr[i]) - x) * (log(f->lr[i]) - x);
        xy += (log(f->lr[i]) - x) * (f->loss[i] - y);
    }
    return xy / xx;
}

static int least_of(const struct lr_find *f, int first) {
    int least = -1;
    for (int i = first; i < f->count; i++)
        if (least < 0 || f->smoothed[i] < f->smoothed[least])
            least = i;
    return least;
}

// What comes after the least is no longer training.
static void suggest_rates(struct lr_find *f, int steps) {
    int window = steps / LR_FIND_WINDOW, least = least_of(f, window);
    double steepest = 0;
    f->steepest = f->tenth = NAN;
    for (int i = 0; i + window <= least + 1; i++) {
        double here = slope(f, i, i + window);
        if (here < steepest) {
            steepest = here;
            f->steepest = sqrt(f->lr[i] * f->lr[i + window - 1]);
        }
    }
    if (steepest < 0)
        f->tenth = f->lr[least] / 10;
    f->falling = steepest < 0 && least == steps - 1;
}

// Puts back what a point of the training does not hold.
static bool test(struct training *t, const struct lr_find_options *o, struct lr_find *f,
                 struct error *error) {
    struct lr_settings lr = t->lr;
    struct measure *measure = t->measure;
    int64_t total = t->total;
    t->measure = NULL;
    if (t->total < t->step + o->steps)
        t->total = t->step + o->steps;
    bool ok = rise(t, o, f, error);
    t->lr = lr;
    t->measure = measure;
    t->total = total;
    return ok;
}

bool lr_find(struct training *t, const struct lr_find_options *o, struct lr_find *f,
             struct error *error) {
    struct points points;
    struct point_view here = {.step = t->step, .kept = true};
    size_t steps = (size_t)o->steps;
    assert(o->from > 0 && o->to > o->from && o->steps >= LR_FIND_STEPS_LEAST);
    *f = (struct lr_find){0};
    if (!t->plan->trains)
        return error_set(error, "nothing is thawed, so no rate trains anything; add a rule to "
                                "freeze.rules, such as 'thaw head'");
    *f = (struct lr_find){.lr = xcalloc(steps, sizeof(double)),
                          .loss = xcalloc(steps, sizeof(double)),
                          .smoothed = xcalloc(steps, sizeof(double))};
    points_open(&points, SIZE_MAX);
    points_keep(&points, t, &here, 0);
    bool ok = test(t, o, f, error);
    ok = points_restore(&points.items[0], t, ok ? error : NULL) && ok;
    points_close(&points);
    if (ok)
        suggest_rates(f, o->steps);
    else
        lr_find_close(f);
    return ok;
}
