#include "training/profile.h"
#include "base/clock.h"
#include <stdlib.h>

enum { STEPS = 20, ROUNDS = 2 };       // timed at most in a round; rounds of both masks in turns
static const double SECONDS = 1.5;     // for a round's steps; two are timed in any case
static const double KEPT_SECONDS = 20; // for an epoch that fills the cache

// A step; whether its batch was a whole one.
static bool step(struct training *t, struct profile_step *out, bool *whole, struct error *error) {
    struct step_result result;
    if (t->step == t->total)
        return error_set(error, "the run is too short to profile");
    const int threads = pool_threads(t->pool);
    const double start = clock_seconds(), work = clock_work_seconds(threads);
    if (!training_step(t, &result, error))
        return false;
    *out = (struct profile_step){.work = clock_work_seconds(threads) - work,
                                 .all = clock_seconds() - start,
                                 .wait = t->wait_seconds,
                                 .forward = t->pass.forward_seconds,
                                 .backward = t->pass.backward_seconds,
                                 .update = t->update_seconds};
    const int64_t batch = t->experiment->train.batch, count = t->data.train->count;
    *whole = result.batch >= (batch < count ? batch : count);
    return true;
}

static void keep_quickest(struct profile_step *best, const struct profile_step *now) {
    const int count = best->count + 1;
    if (best->count == 0 || now->work < best->work)
        *best = *now;
    best->count = count;
}

// Times steps, after one to warm up; *best is the quickest, of earlier rounds too.
static bool time_round(struct training *t, struct profile_step *best, struct error *error) {
    const int most = best->count + STEPS;
    struct profile_step now;
    double spent = 0;
    bool whole = false, warm = false;
    for (int done = 0; best->count < most && (done < 2 || spent < SECONDS);) {
        if (!step(t, &now, &whole, error))
            return false;
        if (warm && whole)
            keep_quickest(best, &now);
        done += warm && whole;
        spent += now.all;
        warm = true;
    }
    return true;
}

// Both masks in turns, so that what else the machine does hits both.
static bool time_masks(struct profile *p, struct training *t, struct error *error) {
    for (int round = 0; round < ROUNDS; round++)
        if (!time_round(t, &p->step, error) || !training_apply(t, "thaw all", error) ||
            !time_round(t, &p->full, error) || !training_apply(t, "undo", error))
            return false;
    return true;
}

// Steps behind the cache, when it is full soon enough.
static bool time_kept(struct profile *p, struct training *t, struct error *error) {
    const double end = clock_seconds() + KEPT_SECONDS;
    struct profile_step now;
    bool whole = false;
    t->cached = false;
    while (!t->cached && t->plan->cut.forward > 0 && clock_seconds() < end)
        if (!step(t, &now, &whole, error))
            return false;
    return !t->cached || time_round(t, &p->kept, error);
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
