// Folding what a session tells into the scene.
#include "base/xalloc.h"
#include "ui/workbench/scene.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Branches stand before the curves of other runs.
static struct curves *curves_of(struct scene *s, int branch, int64_t forked) {
    int branches = 0;
    for (int i = 0; i < s->curve_count; i++) {
        if (s->curves[i].branch == branch)
            return &s->curves[i];
        branches += s->curves[i].branch >= 0;
    }
    s->curves = xrealloc(s->curves, ((size_t)s->curve_count + 1) * sizeof *s->curves);
    struct curves *c = &s->curves[branches];
    memmove(c + 1, c, (size_t)(s->curve_count++ - branches) * sizeof *c);
    *c = (struct curves){.branch = branch, .forked = forked, .name = xprintf("branch %d", branch)};
    c->parent = branch > 0 ? s->last_branch : -1;
    return c;
}

// Runs of before there were scores have none.
static void log_scores(struct scene *s, int64_t step, const struct tally *t) {
    char text[SCORES_TEXT];
    if (t->samples > 0 && !isnan(t->scores.balanced_accuracy))
        scene_log(s, step, LOG_NOTE, "%s", scores_text(&t->scores, text));
}

static void log_epoch(struct scene *s, const struct record *r) {
    scene_log(s, r->step, LOG_NOTE, "epoch %" PRId64 ": loss %.4f, accuracy %.1f %%", r->epoch,
              tally_loss(&r->train), 100 * tally_accuracy(&r->train));
    if (r->validation.samples > 0)
        scene_log(s, r->step, LOG_NOTE, "validation: loss %.4f, accuracy %.1f %%%s",
                  tally_loss(&r->validation), 100 * tally_accuracy(&r->validation),
                  r->best ? ", the best so far" : "");
    log_scores(s, r->step, &r->validation);
    if (r->source.samples > 0)
        scene_log(s, r->step, LOG_NOTE, "old task: loss %.4f, accuracy %.1f %%",
                  tally_loss(&r->source), 100 * tally_accuracy(&r->source));
}

// The text is "who: what".
static void add_event(struct scene *s, const struct record *r) {
    scene_log(s, r->step, LOG_EVENT, "%s", r->text);
    const char *colon = strstr(r->text, ": ");
    if (!colon || strncmp(r->text, "thaw: ", 6) == 0)
        return;
    curves_of(s, r->branch, r->step);
    s->marks = xrealloc(s->marks, ((size_t)s->mark_count + 1) * sizeof *s->marks);
    struct event_mark *mark = &s->marks[s->mark_count++];
    *mark = (struct event_mark){.step = r->step, .branch = r->branch, .text = xstrdup(colon + 2)};
    snprintf(mark->who, sizeof mark->who, "%.*s", (int)(colon - r->text), r->text);
}

void scene_record(struct scene *s, const struct record *r) {
    if (r->kind == RECORD_STEP || r->kind == RECORD_EPOCH)
        curves_add(curves_of(s, r->branch, r->step - (r->kind == RECORD_STEP)), r);
    if (r->kind == RECORD_EPOCH)
        log_epoch(s, r);
    if (r->kind == RECORD_EVENT)
        add_event(s, r);
    if (r->kind == RECORD_TEST) {
        scene_say(s, false, "test: loss %.4f, accuracy %.1f %%", tally_loss(&r->test),
                  100 * tally_accuracy(&r->test));
        scene_log(s, r->step, LOG_NOTE, "%s", s->message);
        log_scores(s, r->step, &r->test);
    }
    if (r->kind == RECORD_NOTE) {
        scene_say(s, false, "%s", r->text);
        scene_log(s, r->step, LOG_NOTE, "%s", r->text);
    }
    s->last_branch = r->branch;
}

// Returns whether the model was evaluated.
static bool read_records(struct scene *s, struct session *session, int64_t *cursor) {
    struct record records[64];
    bool evaluated = false;
    for (int count; (count = session->read(session, cursor, records, 64)) > 0;)
        for (int i = 0; i < count; i++) {
            scene_record(s, &records[i]);
            evaluated |= records[i].kind == RECORD_EPOCH;
        }
    return evaluated;
}

// The rest of what a session tells

static float module_gradient(const struct scene *s, int module) {
    const struct module *modules = s->model->modules;
    double sum = 0;
    bool known = false;
    for (int m = module; m < modules[module].end; m++)
        for (int p = modules[m].first_param; p < modules[m].first_param + modules[m].param_count;
             p++) {
            double norm = s->layers.params[p].gradient_norm;
            known |= isfinite(norm);
            sum += isfinite(norm) ? norm * norm : 0;
        }
    return known ? (float)sqrt(sum) : NAN;
}

static void add_layers(struct scene *s, struct session *session) {
    int64_t before = s->layers.step;
    session->layers(session, &s->layers);
    int64_t step = s->layers.step;
    if (step < 0 || step == before)
        return;
    for (int m = 0; m < s->model->module_count; m++) {
        if (step < before)
            series_cut(&s->block_gradient[m], step - 1);
        curves_append(&s->block_gradient[m], step, module_gradient(s, m));
    }
}

static void add_times(struct scene *s, int64_t before) {
    if (s->now.step <= before || s->now.images_per_second <= 0)
        return;
    struct curves *c = curves_of(s, s->now.branch, s->now.step - 1);
    if (c->parent >= 0 && s->now.step <= c->forked)
        return; // of the branch before
    curves_append(&c->images, s->now.step, s->now.images_per_second);
    curves_append(&c->forward, s->now.step, s->now.forward_seconds);
    curves_append(&c->backward, s->now.step, s->now.backward_seconds);
}

static void want(struct scene *s) {
    int kept = 0;
    for (int i = 0; i < s->text_count; i++)
        if (s->texts[i].number > s->now.commands)
            s->texts[kept++] = s->texts[i];
    s->text_count = kept;
    settings_close(&s->wanted);
    s->wanted = settings_copy(&s->settings);
    for (int i = 0; i < kept; i++)
        settings_apply(&s->wanted, s->texts[i].text, NULL);
    s->pending = s->now.commands < s->sent;
}

static void update_settings(struct scene *s, struct session *session) {
    settings_close(&s->settings);
    session->settings(session, &s->settings);
    want(s);
}

static void update_predictions(struct scene *s, struct session *session) {
    struct predictions fresh;
    if (!s->validation || !session->predictions(session, EVALUATED_VALIDATION, &fresh))
        return;
    predictions_close(&s->predictions);
    figures_close(&s->figures);
    s->predictions = fresh;
    s->figures = (struct figures){0};
    if (!fresh.place)
        s->figures = figures_of(&s->predictions, s->validation->class_names);
}

static void update_suggestion(struct scene *s, struct session *session) {
    struct suggestion fresh;
    if (!session->suggestion(session, &fresh))
        return;
    suggestion_close(&s->suggestion);
    s->suggestion = fresh;
}

static void update_lr_find(struct scene *s, struct session *session) {
    struct lr_find fresh;
    if (!session->lr_find(session, &fresh))
        return;
    lr_find_close(&s->lr_find);
    s->lr_find = fresh;
}

static int nearest_point(const struct scene *s) {
    for (int i = s->point_count - 1; i >= 0; i--)
        if (scene_on_path(s, s->points[i].branch, s->points[i].step))
            return i;
    return -1;
}

// An error stands in the snapshot until a command that can fail replaces it.
static bool can_fail(enum command_kind kind) {
    return kind == COMMAND_APPLY || kind == COMMAND_RUN || kind == COMMAND_STEPS ||
           kind == COMMAND_VERIFY || kind == COMMAND_REWIND || kind == COMMAND_SUGGEST ||
           kind == COMMAND_LR_FIND;
}

// A refused command, or a loss that is not finite any more.
static void tell_error(struct scene *s, const struct snapshot *before) {
    const struct error *error = &s->now.error;
    bool fresh = s->now.commands != before->commands && can_fail(s->last_sent);
    if (error->kind == ERROR_NONE || (!fresh && strcmp(error->text, before->error.text) == 0))
        return;
    scene_log(s, s->now.step, LOG_ERROR, "%s", error->text);
    scene_say(s, true, "%s", error->text);
    if (error->kind != ERROR_RUN || s->now.state != SESSION_PAUSED)
        return;
    s->point = nearest_point(s);
    if (s->point >= 0)
        scene_say(s, true, "%.*s; Enter goes back to step %" PRId64, (int)strcspn(error->text, ";"),
                  error->text, s->points[s->point].step);
}

void scene_update(struct scene *s, struct session *session, int64_t *cursor) {
    struct snapshot before = s->now;
    // The records first: then a curve is a step ahead of the snapshot at most, or the run went
    // back.
    bool evaluated = read_records(s, session, cursor);
    session->look(session, &s->now);
    s->point_count = session->points(session, s->points, SCENE_POINTS);
    if (s->point >= s->point_count)
        s->point = s->point_count - 1;
    if (s->model) {
        add_layers(s, session);
        update_settings(s, session);
    }
    add_times(s, s->now.branch == before.branch ? before.step : s->now.step - 1);
    if (evaluated)
        update_predictions(s, session);
    if (s->now.suggestions != before.suggestions)
        update_suggestion(s, session);
    if (s->now.lr_finds != before.lr_finds)
        update_lr_find(s, session);
    tell_error(s, &before);
}
