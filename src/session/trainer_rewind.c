// Going back in time, and the branches that grow from there.
#include "base/xalloc.h"
#include "session/trainer_parts.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void tell_points(struct trainer *t) {
    int count = t->points.count;
    struct point_view *views = xcalloc((size_t)count + 1, sizeof *views);
    for (int i = 0; i < count; i++)
        views[i] = t->points.items[i].view;
    publish_points(&t->publisher, views, count);
    free(views);
}

static void keep_point(struct trainer *t, const struct training *training, int branch, bool kept,
                       int64_t last_event) {
    struct point_view view = {
        .step = training->step,
        .branch = branch,
        .kept = kept,
        .validation_loss = t->validation_loss,
    };
    points_keep(&t->points, training, &view, last_event);
    tell_points(t);
}

void trainer_keep_point(struct trainer *t, bool kept) {
    keep_point(t, t->training, t->run.branch, kept, t->run.last_event);
}

void trainer_keep_first(struct trainer *t) {
    if (t->training->step > 0) {
        struct training start = training_start(t->training);
        keep_point(t, &start, 0, true, 0);
        training_start_close(&start);
    }
    trainer_keep_point(t, true);
}

static bool was_there(const struct trainer *t, int64_t step, int branch, struct error *error) {
    const struct run *run = &t->run;
    if (branch < 0 || branch >= run->branches)
        return error_set(error, "there is no branch %d; the branches are 0 to %d", branch,
                         run->branches - 1);
    if (step >= 0 && step <= run->reached[branch])
        return true;
    return error_set(error,
                     "branch %d has no step %" PRId64 " to go back to; it went to step %" PRId64,
                     branch, step, run->reached[branch]);
}

// The latest point on the way to a place.
static const struct point *nearest(const struct trainer *t, int64_t step, int branch) {
    const struct point *best = NULL;
    for (int i = 0; i < t->points.count; i++) {
        const struct point *p = &t->points.items[i];
        if (event_leads_to(&t->run.log, p->view.branch, p->view.step, branch, step) &&
            (!best || p->view.step >= best->view.step))
            best = p;
    }
    return best;
}

static bool evaluate_again(struct training *t, struct tally *validation, struct error *error) {
    struct predictions predictions;
    struct figures figures;
    if (!figures_evaluate(t, t->data.validation, validation, &predictions, &figures, error))
        return false;
    predictions_close(&predictions);
    figures_close(&figures);
    return true;
}

// The schedule's changes after a step that was done again.
static bool follow_again(struct trainer *t) {
    struct training *training = t->training;
    struct tally validation;
    bool evaluates = training->step % training->epoch_steps == 0 && training->step > 0 &&
                     training_watches(training) && training_evaluation_due(training);
    if (evaluates && !evaluate_again(training, &validation, &t->error))
        return false;
    return trainer_follow_schedule(t, evaluates ? &validation : NULL, true);
}

// Does again what was done between a point and a step.
static bool go_again(struct trainer *t, int64_t step, const struct event_list *settings) {
    struct training *training = t->training;
    if (training->step == 0 && !follow_again(t))
        return false;
    for (int i = 0;;) {
        for (; i < settings->count && settings->items[i].step <= training->step; i++)
            if (!training_apply(training, settings->items[i].text, &t->error))
                return false;
        if (training->step >= step || training->step >= training->total ||
            atomic_load(&t->abandon) || command_interrupts(&t->commands))
            return true;
        if (!training_step(training, &t->last, &t->error) || !follow_again(t))
            return false;
        trainer_publish(t);
    }
}

static void arrive(struct trainer *t, int branch) {
    int parent;
    int64_t step = t->training->step, forked;
    while ((forked = event_fork(&t->run.log, branch, &parent)) > step)
        branch = parent;
    const struct event *last = event_before(&t->run.log, branch, step);
    t->run.branch = branch;
    t->run.last_event = last ? last->id : 0;
    t->forks = step < t->run.reached[branch];
    t->epoch_seconds = 0;
    t->state = SESSION_PAUSED;
    publish_settings(&t->publisher, training_settings(t->training));
}

void trainer_rewind(struct trainer *t, int64_t step, int branch) {
    struct error error = {0};
    const struct point *from = was_there(t, step, branch, &error) ? nearest(t, step, branch) : NULL;
    if (!from || !points_restore(from, t->training, &error)) {
        t->error = error;
        return;
    }
    t->error = (struct error){0};
    t->last = (struct step_result){0};
    t->validation_loss = from->view.validation_loss;
    t->state = SESSION_RUNNING;
    t->run.branch = branch;
    struct event_list settings = event_way(&t->run.log, branch, step);
    event_keep_user(&settings, from->last_event);
    bool ok = go_again(t, step, &settings);
    event_list_close(&settings);
    arrive(t, branch);
    if (ok)
        trainer_note(t, "back at step %" PRId64 " of branch %d%s", t->training->step, t->run.branch,
                     t->forks ? "; what happens from here is a new branch" : "");
}

bool trainer_leave_past(struct trainer *t) {
    if (!t->forks)
        return true;
    t->forks = false;
    t->run.scripted = t->run.script.count; // a script was the old branch's
    run_fork(&t->run);
    run_reach(&t->run, t->training->step);
    return trainer_event(t, "user", "rewind") && trainer_save(t);
}
