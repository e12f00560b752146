#include "ui/workbench/scene.h"
#include "base/xalloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan_cost full_cost(const struct experiment *e, const struct settings *settings,
                                  struct pool *pool) {
    struct flags flags = flags_copy(&settings->flags);
    freeze_apply(&flags, settings->bn, "thaw all", NULL);
    struct plan_options options = {.purpose = PLAN_TRAIN,
                                   .n = (int)e->train.batch,
                                   .pool = pool,
                                   .smoothing = (float)e->train.label_smoothing,
                                   .prefix_dropout = e->train.prefix_dropout,
                                   .precise = e->train.precise};
    struct plan *plan = plan_make(&flags, &options);
    struct plan_cost cost = plan->cost;
    plan_close(plan);
    flags_close(&flags);
    return cost;
}

void scene_open(struct scene *s, const struct experiment *experiment, const struct model *model,
                const struct dataset *validation, struct pool *pool) {
    s->experiment = experiment;
    s->model = model;
    s->validation = validation;
    s->point = -1;
    s->layers = layers_open(model);
    s->block_gradient = xcalloc((size_t)model->module_count, sizeof *s->block_gradient);
    struct error error;
    if (settings_open(&s->settings, model, experiment, &error)) {
        s->wanted = settings_copy(&s->settings);
        s->full = full_cost(experiment, &s->settings, pool);
    }
}

void scene_close(struct scene *s) {
    for (int i = 0; i < s->curve_count; i++)
        curves_close(&s->curves[i]);
    for (int i = 0; i < s->mark_count; i++)
        free(s->marks[i].text);
    for (int i = 0; i < s->log_count; i++)
        free(s->log[i].text);
    for (int m = 0; s->block_gradient && m < s->model->module_count; m++)
        series_close(&s->block_gradient[m]);
    free(s->curves);
    free(s->marks);
    free(s->log);
    free(s->block_gradient);
    layers_close(&s->layers);
    settings_close(&s->settings);
    settings_close(&s->wanted);
    predictions_close(&s->predictions);
    suggestion_close(&s->suggestion);
    lr_find_close(&s->lr_find);
    figures_close(&s->figures);
    *s = (struct scene){0};
}

void scene_say(struct scene *s, bool error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(s->message, sizeof s->message, format, args);
    va_end(args);
    s->message_is_error = error;
}

void scene_log(struct scene *s, int64_t step, int kind, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvprintf(format, args);
    va_end(args);
    if (s->log_count == SCENE_LOG) {
        free(s->log[0].text);
        memmove(s->log, s->log + 1, (size_t)--s->log_count * sizeof *s->log);
    }
    if (!s->log)
        s->log = xcalloc(SCENE_LOG, sizeof *s->log);
    s->log[s->log_count++] = (struct log_line){.step = step, .kind = kind, .text = text};
}

const struct curves *scene_branch(const struct scene *s, int branch) {
    for (int i = 0; i < s->curve_count; i++)
        if (s->curves[i].branch == branch)
            return &s->curves[i];
    return NULL;
}

bool scene_leads_to(const struct scene *s, int branch, int64_t step, int to) {
    for (const struct curves *c; to != branch && (c = scene_branch(s, to)); to = c->parent)
        if (step > c->forked || c->parent < 0)
            return false;
    return to == branch;
}

bool scene_on_path(const struct scene *s, int branch, int64_t step) {
    return scene_leads_to(s, branch, step, s->now.branch);
}

// `undo` and `redo` depend on a history that only the trainer has.
static bool try_text(struct scene *s, const char *text, struct error *error) {
    if (strcmp(text, "undo") == 0 || strcmp(text, "redo") == 0)
        return true;
    struct settings tried = settings_copy(&s->wanted);
    bool ok = settings_apply(&tried, text, error);
    settings_close(ok ? &s->wanted : &tried);
    if (ok)
        s->wanted = tried;
    return ok;
}

bool scene_send(struct scene *s, struct session *session, const struct command *c) {
    struct error error;
    if (c->kind == COMMAND_APPLY && !try_text(s, c->text, &error)) {
        scene_say(s, true, "%s", error.text);
        return false;
    }
    bool room = s->text_count < COMMAND_QUEUE;
    if (!room || !session->send(session, c)) {
        scene_say(s, true, "too many commands at once; the trainer is still at the first ones");
        return false;
    }
    s->sent++;
    s->pending = true;
    s->last_sent = c->kind;
    if (c->kind == COMMAND_APPLY) {
        struct sent_text *text = &s->texts[s->text_count++];
        text->number = s->sent;
        memcpy(text->text, c->text, sizeof text->text);
    }
    return true;
}
