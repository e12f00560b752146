#include "ui/workbench/act.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PROBE_EVERY = 10 };

static bool ready(struct app *a) {
    if (!a->session)
        scene_say(&a->scene, false, "still loading");
    return a->session != NULL;
}

static bool send_command(struct app *a, const struct command *c) {
    return ready(a) && scene_send(&a->scene, a->session, c);
}

bool act_send(struct app *a, enum command_kind kind, int64_t count) {
    return send_command(a, &(struct command){.kind = kind, .count = count});
}

bool act_apply(struct app *a, const char *text) {
    struct command c = {.kind = COMMAND_APPLY};
    if (strlen(text) >= sizeof c.text) {
        scene_say(&a->scene, true, "that is too long: at most %zu characters", sizeof c.text - 1);
        return false;
    }
    strcpy(c.text, text);
    return send_command(a, &c);
}

// What keeps a run from going on, said; false: nothing does.
static bool stuck(struct app *a) {
    struct scene *s = &a->scene;
    if (s->now.state == SESSION_FINISHED)
        scene_say(s, false,
                  "all %" PRId64 " epochs are done; `:epochs %" PRId64
                  "` adds some, [ goes back in time",
                  s->now.epochs, s->now.epochs + 5);
    else if (s->wanted.model && freeze_thawed_count(&s->wanted.flags) == 0)
        scene_say(s, true, "nothing is thawed, so there is nothing to train; space thaws a row");
    else
        return false;
    return true;
}

void act_run(struct app *a) {
    if (!ready(a))
        return;
    if (a->scene.now.state == SESSION_RUNNING)
        act_send(a, COMMAND_PAUSE, 0);
    else if (!stuck(a))
        act_send(a, COMMAND_RUN, 0);
}

static void steps(struct app *a, int64_t count) {
    if (ready(a) && !stuck(a))
        act_send(a, COMMAND_STEPS, count);
}

void act_epoch(struct app *a) {
    const struct snapshot *now = &a->scene.now;
    int64_t per = now->epochs > 0 ? now->total / now->epochs : 0;
    if (per > 0)
        steps(a, per - now->step % per);
}

static void probe(struct app *a) {
    bool on = a->scene.now.probe == 0;
    if (act_send(a, COMMAND_PROBE, on ? PROBE_EVERY : 0))
        scene_say(&a->scene, false,
                  on ? "the gradients of frozen layers are looked at every %d steps"
                     : "frozen layers are left alone again",
                  PROBE_EVERY);
}

void act_rewind(struct app *a, int64_t step, int branch) {
    struct command c = {.kind = COMMAND_REWIND, .count = step, .branch = branch};
    if (send_command(a, &c))
        a->scene.point = -1;
}

void act_restart(struct app *a) {
    act_rewind(a, 0, 0);
}

// The last point before the present, or the first one.
static int present_point(const struct scene *s) {
    for (int i = s->point_count - 1; i > 0; i--)
        if (s->points[i].step < s->now.step &&
            scene_on_path(s, s->points[i].branch, s->points[i].step))
            return i;
    return s->point_count > 0 ? 0 : -1;
}

static void choose_point(struct app *a, int by) {
    struct scene *s = &a->scene;
    if (s->point_count == 0) {
        scene_say(s, false, "there is no point to go back to yet");
        return;
    }
    if (s->point < 0)
        s->point = by < 0 ? present_point(s) : -1;
    else
        s->point += by;
    if (s->point >= s->point_count)
        s->point = -1;
    if (s->point < 0 && by < 0)
        s->point = 0;
    if (s->point < 0)
        return;
    const struct point_view *p = &s->points[s->point];
    scene_say(s, false, "step %" PRId64 " of branch %d: Enter goes back there, Esc stays here",
              p->step, p->branch);
}

void act_suggest(struct app *a, int64_t batches) {
    if (!act_send(a, COMMAND_SUGGEST, batches))
        return;
    a->overlay = OVERLAY_SUGGEST;
    a->suggest = (struct suggest_view){.command = a->scene.sent};
}

void act_lr_find(struct app *a, int64_t steps) {
    if (!act_send(a, COMMAND_LR_FIND, steps))
        return;
    a->overlay = OVERLAY_LR_FIND;
    a->lr_find = (struct lr_find_view){.command = a->scene.sent};
}

void act_quit(struct app *a) {
    enum session_state state = a->scene.now.state;
    bool live = a->session && !a->scene.replay &&
                (state == SESSION_RUNNING || (state == SESSION_PAUSED && a->scene.now.step > 0));
    if (live)
        a->overlay = OVERLAY_QUIT;
    else
        a->state = APP_ENDED;
}

static void set_view(struct app *a, enum view_id view) {
    a->view = view;
    a->tree.wide = view == VIEW_LAYERS;
    if (a->scene.model)
        tree_rebuild(&a->tree, &a->scene);
}

static void set_projector(struct app *a) {
    a->projector = !a->projector;
    app_theme(a);
}

static void start_prompt(struct app *a, char mark) {
    snprintf(a->filter_before, sizeof a->filter_before, "%s", a->tree.filter);
    prompt_start(&a->prompt, mark);
}

// What every view knows; false when the action is not among it.
static bool act_everywhere(struct app *a, enum action action, int key) {
    switch (action) {
    case ACTION_QUIT:
        act_quit(a);
        return true;
    case ACTION_HELP:
        a->overlay = OVERLAY_HELP;
        a->help_top = 0;
        return true;
    case ACTION_COMMAND:
        start_prompt(a, ':');
        return true;
    case ACTION_FILTER:
        start_prompt(a, '/');
        return true;
    case ACTION_VIEW:
        set_view(a, (enum view_id)(key - '1'));
        return true;
    case ACTION_PROJECTOR:
        set_projector(a);
        return true;
    case ACTION_REDRAW:
        term_redraw();
        return true;
    default:
        return false;
    }
}

static bool act_on_run(struct app *a, enum action action) {
    switch (action) {
    case ACTION_RUN_PAUSE:
        act_run(a);
        return true;
    case ACTION_STEP:
        steps(a, 1);
        return true;
    case ACTION_EPOCH:
        act_epoch(a);
        return true;
    case ACTION_LR_UP:
    case ACTION_LR_DOWN:
        act_apply(a, action == ACTION_LR_UP ? "lr x1.25" : "lr x0.8");
        return true;
    case ACTION_UNDO:
    case ACTION_REDO:
        act_apply(a, action == ACTION_UNDO ? "undo" : "redo");
        return true;
    case ACTION_SAVE:
        act_send(a, COMMAND_SAVE, 0);
        return true;
    case ACTION_VERIFY:
        act_send(a, COMMAND_VERIFY, 0);
        return true;
    case ACTION_PROBE:
        probe(a);
        return true;
    case ACTION_SUGGEST:
        act_suggest(a, 0);
        return true;
    default:
        return false;
    }
}

// To the chosen point, or where the cursor reads the curves.
static bool rewind_to_chosen(struct app *a) {
    const struct scene *s = &a->scene;
    struct panels *p = &a->panels;
    if (s->point >= 0 && s->point < s->point_count)
        act_rewind(a, s->points[s->point].step, s->points[s->point].branch);
    else if (p->cursor_shown && a->view == VIEW_TRAIN)
        act_rewind(a, p->cursor, s->now.branch);
    else
        return false;
    p->cursor_shown = false;
    return true;
}

static bool act_in_time(struct app *a, enum action action) {
    struct scene *s = &a->scene;
    bool chosen = s->point >= 0 && s->point < s->point_count;
    switch (action) {
    case ACTION_RESTART:
        act_restart(a);
        return true;
    case ACTION_EARLIER:
    case ACTION_LATER:
        choose_point(a, action == ACTION_EARLIER ? -1 : 1);
        return true;
    case ACTION_ENTER:
        return a->view != VIEW_RUNS && rewind_to_chosen(a);
    case ACTION_ESCAPE:
        s->point = -1;
        return chosen;
    default:
        return false;
    }
}

// A setting for the rows under the cursor.
static void act_on_rows(struct app *a, enum action action) {
    char text[COMMAND_TEXT];
    if (!ready(a))
        return;
    if (!tree_command(&a->tree, &a->scene, action, text, sizeof text)) {
        if (text[0])
            scene_say(&a->scene, true, "%s", text);
        return;
    }
    if (act_apply(a, text))
        a->tree.range = -1;
}

static void act_in_view(struct app *a, enum action action) {
    int page = app_page(a);
    switch (a->view) {
    case VIEW_TRAIN:
    case VIEW_LAYERS:
        if ((a->view == VIEW_TRAIN && panels_act(&a->panels, &a->scene, action)) ||
            (a->scene.model && tree_act(&a->tree, &a->scene, action, page)))
            return;
        act_on_rows(a, action);
        break;
    case VIEW_SCHEDULE:
        schedule_view_act(&a->schedule, action, page);
        break;
    case VIEW_DATA:
        data_view_act(&a->data, &a->scene, action, page);
        break;
    case VIEW_RUNS:
        runs_view_act(&a->runs, &a->scene, action);
        break;
    default:
        log_view_act(&a->log, &a->scene, action, page);
    }
}

void act(struct app *a, enum action action, int key) {
    if (!act_everywhere(a, action, key) && !act_on_run(a, action) && !act_in_time(a, action))
        act_in_view(a, action);
}
