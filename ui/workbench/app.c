#include "ui/workbench/app.h"
#include "ui/report/metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum raster_kind raster_kind(const struct app *a) {
    const char *terminal = getenv("TERM");
    if (a->options.ascii || a->preferences.ascii)
        return RASTER_ASCII;
    // The Linux console has blocks but no braille.
    return terminal && strcmp(terminal, "linux") == 0 ? RASTER_BLOCK : RASTER_BRAILLE;
}

void app_theme(const struct app *a) {
    theme_use(&(struct theme_options){
        .name = a->projector ? THEME_PROJECTOR : a->preferences.theme,
        .colour = a->options.colour,
        .ascii = a->options.ascii || a->preferences.ascii,
        .colour_blind = a->options.colour_blind || a->preferences.colour_blind,
    });
}

void app_open(struct app *a, const struct app_options *options, const char *title) {
    *a = (struct app){.options = *options, .preferences = preferences_default(), .version = -1};
    a->scene.title = title;
    a->scene.point = -1;
    tree_open(&a->tree, NULL);
    panels_open(&a->panels);
    a->panels.raster = raster_kind(a);
}

static void add_past(void *context, const struct record *r) {
    scene_record(context, r);
}

static int branch_of(const struct event_list *events, int64_t id) {
    for (int i = 0; i < events->count; i++)
        if (events->items[i].id == id)
            return (int)events->items[i].branch;
    return 0;
}

static void add_past_events(struct scene *s, const struct event_list *events) {
    for (int i = 0; i < events->count; i++) {
        const struct event *e = &events->items[i];
        struct record r = {.kind = RECORD_EVENT, .step = e->step, .branch = (int)e->branch};
        snprintf(r.text, sizeof r.text, "%s: %s", e->who, e->text);
        s->last_branch = branch_of(events, e->parent); // where a new branch comes from
        scene_record(s, &r);
    }
}

void app_attach(struct app *a, const struct app_session *s) {
    a->session = s->session;
    a->pool = s->pool;
    a->scene.replay = s->replay;
    a->scene.directory = s->directory;
    scene_open(&a->scene, s->experiment, s->model, s->validation, s->pool);
    if (s->events)
        add_past_events(&a->scene, s->events);
    if (s->metrics)
        metrics_read(s->metrics, add_past, &a->scene, NULL);
    a->scene.message[0] = '\0';
    if (s->note)
        scene_say(&a->scene, false, "%s", s->note);
    tree_open(&a->tree, s->model);
    a->tree.wide = a->view == VIEW_LAYERS;
    app_update(a);
    tree_rebuild(&a->tree, &a->scene);
}

void app_close(struct app *a) {
    tree_close(&a->tree);
    prompt_close(&a->prompt);
    runs_view_close(&a->runs);
    scene_close(&a->scene);
    free(a->next);
    *a = (struct app){0};
}

void app_resize(struct app *a, int rows, int columns) {
    a->rows = rows;
    a->columns = columns;
}

static bool over(const struct app *a) {
    enum session_state state = a->scene.now.state;
    return state != SESSION_RUNNING && state != SESSION_PAUSED;
}

bool app_update(struct app *a) {
    if (!a->session)
        return false;
    int64_t before = a->version;
    a->session->wait(a->session, &a->version, 0);
    bool fresh = a->version != before;
    if (fresh) {
        a->panels.raster = raster_kind(a);
        scene_update(&a->scene, a->session, &a->cursor);
        what_if_watch(&a->what_if, &a->scene);
        if (a->state == APP_STOPPING && over(a))
            a->state = APP_ENDED;
    }
    // Runs elsewhere go on when nothing happens here.
    fresh |= a->view == VIEW_RUNS && runs_view_update(&a->runs, &a->scene);
    return fresh;
}

int app_page(const struct app *a) {
    const struct screen_layout *l = &a->layout;
    int rows = a->view == VIEW_TRAIN ? l->tree.h : l->body.h;
    if (a->view == VIEW_TRAIN || a->view == VIEW_LAYERS || a->view == VIEW_LOG)
        rows--; // the header
    return rows > 1 ? rows : 1;
}
