// What a run's files and the scene come to: the numbers of a row.
#include "ui/workbench/runs_entry.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { FRESH = 10 }; // seconds since a run that is under way wrote something

const struct curves *runs_entry_curves(const struct runs_entry *e, const struct scene *s, int at) {
    static const struct curves none;
    const struct curves *own =
        e->path ? &e->branches[at].curves : scene_branch(s, e->branches[at].number);
    return own ? own : &none;
}

int64_t runs_entry_reached(const struct runs_entry *e, const struct scene *s, int at) {
    int64_t last = series_last(&runs_entry_curves(e, s, at)->loss);
    return last > e->branches[at].forked ? last : e->branches[at].forked;
}

// Of the steps that the path takes of each branch.
double runs_entry_best(const struct runs_entry *e, const struct scene *s, int at) {
    double best = NAN;
    int64_t until = INT64_MAX;
    for (int k = 0; at >= 0 && k < e->branch_count; k++) {
        float low, high;
        const struct series *values = &runs_entry_curves(e, s, at)->validation_accuracy;
        if (series_range(values, 0, until, &low, &high))
            best = fmax(best, (double)high);
        until = e->branches[at].forked < until ? e->branches[at].forked : until;
        at = runs_entry_find(e, e->branches[at].parent);
    }
    return best;
}

// Accuracy on the old task; of a branch that was not looked at yet, where it left its parent.
double runs_entry_source(const struct runs_entry *e, const struct scene *s, int at) {
    int64_t until = INT64_MAX;
    for (int k = 0; at >= 0 && k < e->branch_count; k++) {
        const struct series *values = &runs_entry_curves(e, s, at)->source_accuracy;
        for (int i = values->count - 1; i >= 0; i--)
            if (values->buckets[i].last <= until)
                return values->buckets[i].mean;
        until = e->branches[at].forked < until ? e->branches[at].forked : until;
        at = runs_entry_find(e, e->branches[at].parent);
    }
    return NAN;
}

static int64_t epoch_steps(const struct runs_entry *e, const struct scene *s) {
    if (e->path)
        return e->epoch_steps;
    return s->now.epochs > 0 ? s->now.total / s->now.epochs : 0;
}

int64_t runs_entry_epochs(const struct runs_entry *e, const struct scene *s, int at, bool asked) {
    const struct runs_masks *masks = &e->branches[at].masks;
    if (asked)
        return masks->count ? masks->epochs : e->experiment.train.epochs;
    int64_t steps = epoch_steps(e, s);
    return steps > 0 ? runs_entry_reached(e, s, at) / steps : 0;
}

static bool done(const struct runs_entry *e, const struct scene *s, int at) {
    return runs_entry_epochs(e, s, at, false) >= runs_entry_epochs(e, s, at, true);
}

static bool fresh(const struct runs_entry *e) {
    int64_t age = (int64_t)time(NULL) - e->stamps[RUNS_METRICS].seconds;
    return age < FRESH;
}

static bool holds_latest(const struct runs_entry *e, int at) {
    return at == e->branch_count - 1;
}

static const char *session_word(const struct scene *s) {
    static const char *const words[] = {
        [SESSION_RUNNING] = "running", [SESSION_PAUSED] = "paused", [SESSION_FINISHED] = "finished",
        [SESSION_STOPPED] = "stopped", [SESSION_FAILED] = "failed",
    };
    return words[s->now.state];
}

// A branch that was left is over, though it did not come to its end.
const char *runs_entry_state(const struct runs_entry *e, const struct scene *s, int at) {
    if (!e->path && e->branches[at].number == s->now.branch)
        return session_word(s);
    if (e->unread)
        return "reading";
    if (e->path && (e->place.damaged > 0 || e->stamps[RUNS_METRICS].size < 0))
        return "damaged";
    if (done(e, s, at))
        return "finished";
    bool latest = e->path && holds_latest(e, at);
    return latest && fresh(e) ? "running" : e->path ? "stopped" : "left";
}

const char *runs_entry_damage(const struct runs_entry *e, char out[96]) {
    out[0] = '\0';
    if (!e->path || e->unreadable)
        return out;
    if (e->stamps[RUNS_METRICS].size < 0)
        snprintf(out, 96, "metrics.jsonl is missing");
    else if (e->place.damaged > 0)
        snprintf(out, 96, "%" PRId64 " line%s of metrics.jsonl cannot be read", e->place.damaged,
                 e->place.damaged == 1 ? "" : "s");
    else if (e->place.cut && !fresh(e) && !e->unread)
        snprintf(out, 96, "the last line of metrics.jsonl is cut off");
    return out;
}
