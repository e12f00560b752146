#include "training/profile.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, ROUNDS = 2 };       // timed at most in a round; rounds of both masks in turns
static const double SECONDS = 1.5;     // for a round's steps; two are timed in any case
static const double KEPT_SECONDS = 20; // for an epoch that fills the cache

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The parts of a step, one row each.
enum { ALL, WAIT, FORWARD, BACKWARD, UPDATE, PARTS };

struct times {
    double part[PARTS][ROUNDS * STEPS];
    int count;
};

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, rising);
    return count ? values[count / 2] : 0;
}

static struct profile_step medians(struct times *t) {
    return (struct profile_step){.all = median(t->part[ALL], t->count),
                                 .wait = median(t->part[WAIT], t->count),
                                 .forward = median(t->part[FORWARD], t->count),
                                 .backward = median(t->part[BACKWARD], t->count),
                                 .update = median(t->part[UPDATE], t->count),
                                 .count = t->count};
}

// A step; whether its batch was a whole one.
static bool step(struct training *t, double part[PARTS], bool *whole, struct error *error) {
    struct step_result result;
    if (t->step == t->total)
        return error_set(error, "the run is too short to profile");
    const double start = clock_seconds();
    if (!training_step(t, &result, error))
        return false;
    part[ALL] = clock_seconds() - start;
    part[WAIT] = t->wait_seconds;
    part[FORWARD] = t->pass.forward_seconds;
    part[BACKWARD] = t->pass.backward_seconds;
    part[UPDATE] = t->update_seconds;
    const int64_t batch = t->experiment->train.batch, count = t->data.train->count;
    *whole = result.batch >= (batch < count ? batch : count);
    return true;
}

// Times steps, after one to warm up.
static bool time_round(struct training *t, struct times *times, struct error *error) {
    const int most = times->count + STEPS;
    double part[PARTS] = {0}, spent = 0;
    bool whole = false, warm = false;
    for (int done = 0; times->count < most && (done < 2 || spent < SECONDS);) {
        if (!step(t, part, &whole, error))
            return false;
        for (int k = 0; warm && whole && k < PARTS; k++)
            times->part[k][times->count] = part[k];
        times->count += warm && whole;
        done += warm && whole;
        spent += part[ALL];
        warm = true;
    }
    return true;
}

// Both masks in turns, so that what else the machine does hits both.
static bool time_masks(struct profile *p, struct training *t, struct error *error) {
    struct times *own = xcalloc(2, sizeof *own), *full = own + 1;
    bool ok = true;
    for (int round = 0; ok && round < ROUNDS; round++)
        ok = time_round(t, own, error) && training_apply(t, "thaw all", error) &&
             time_round(t, full, error) && training_apply(t, "undo", error);
    p->step = medians(own);
    p->full = medians(full);
    free(own);
    return ok;
}

// Steps behind the cache, when it is full soon enough.
static bool time_kept(struct profile *p, struct training *t, struct error *error) {
    struct times *times = xcalloc(1, sizeof *times);
    const double end = clock_seconds() + KEPT_SECONDS;
    double part[PARTS] = {0};
    bool whole = false, ok = true;
    t->cached = false;
    while (ok && !t->cached && t->plan->cut.forward > 0 && clock_seconds() < end)
        ok = step(t, part, &whole, error);
    ok = ok && (!t->cached || time_round(t, times, error));
    if (ok && t->cached)
        p->kept = medians(times);
    free(times);
    return ok;
}

static double frozen_share(const struct plan *plan) {
    double all = 0, frozen = 0;
    for (int i = 1; i < plan->model->node_count; i++) {
        const double flops = plan_flops(plan, i).forward;
        all += flops;
        frozen += plan->nodes[i].wanted ? 0 : flops;
    }
    return frozen / all;
}

static bool measure_full(struct profile *p, const struct training *t, const struct batch *batch,
                         struct error *error) {
    static const char *const rules[] = {"thaw all"};
    struct flags flags = flags_open(t->model);
    freeze_apply_all(&flags, training_settings(t)->bn, rules, 1, error);
    struct plan *plan = plan_make(&flags, &t->plan->options);
    struct node_times *nodes = node_times_measure(&t->pass, plan, batch, error);
    if (nodes)
        p->full_sum = node_times_sum(nodes, t->model, NULL);
    plan_close(plan);
    flags_close(&flags);
    const bool ok = nodes != NULL;
    free(nodes);
    return ok;
}

static bool measure_nodes(struct profile *p, const struct training *t, struct error *error) {
    // The first one of an epoch is whole.
    const struct batch *batch = loader_batch(t->loader, t->step - t->step % t->epoch_steps);
    if (!batch)
        return loader_error(t->loader, error);
    p->batch = batch->n;
    p->nodes = node_times_measure(&t->pass, t->plan, batch, error);
    if (!p->nodes || !measure_full(p, t, batch, error))
        return false;
    p->nodes_sum = p->kept_sum = node_times_sum(p->nodes, t->model, NULL);
    const struct plan_cut *cut = &t->plan->cut;
    for (int i = 1; cut->count > 0 && i <= cut->nodes[cut->count - 1]; i++)
        p->kept_sum -= p->nodes[i].forward;
    p->frozen = frozen_share(t->plan);
    return true;
}

static bool time_evaluation(struct profile *p, struct training *t, struct error *error) {
    struct tally tally;
    const double start = clock_seconds();
    if (!t->data.validation)
        return true;
    if (!training_evaluate(t, t->data.validation, &tally, NULL, error))
        return false;
    p->evaluation = clock_seconds() - start;
    return true;
}

bool profile_measure(struct profile *p, struct training *t, struct error *error) {
    const size_t room = t->cache.budget.memory;
    *p = (struct profile){0};
    if (!t->plan->trains)
        return error_set(error, "nothing is thawed, so there is no step to profile");
    cache_limit(&t->cache, 0); // at first everything is computed
    bool ok = time_masks(p, t, error) && measure_nodes(p, t, error) && time_evaluation(p, t, error);
    cache_limit(&t->cache, room);
    ok = ok && time_kept(p, t, error);
    if (!ok)
        profile_close(p);
    return ok;
}

void profile_close(struct profile *p) {
    free(p->nodes);
    *p = (struct profile){0};
}
