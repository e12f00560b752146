// The frame around the views: tabs, status line, footer, and what lies over them.
#include "base/text.h"
#include "ui/workbench/app.h"
#include "ui/workbench/help.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const view_names[VIEW_COUNT] = {"train", "layers", "schedule",
                                                   "data",  "runs",   "log"};

enum { TABS_AT = 1 };

// Where a tab begins; its text is "N name".
static int tab_column(int view) {
    int column = TABS_AT;
    for (int i = 0; i < view; i++)
        column += (int)strlen(view_names[i]) + 4;
    return column;
}

int app_tab_at(int column) {
    for (int i = 0; i < VIEW_COUNT; i++)
        if (column >= tab_column(i) && column < tab_column(i + 1) - 2)
            return i;
    return -1;
}

static void draw_tabs(const struct app *a) {
    struct area area = a->layout.tabs;
    for (int i = 0; i < VIEW_COUNT; i++) {
        bool here = i == (int)a->view;
        int at = tab_column(i);
        draw_format(area, 0, at, here ? STYLE_STRONG : STYLE_KEY, "%d", i + 1);
        draw_text(area, 0, at + 2, 0, here ? STYLE_TITLE : STYLE_NORMAL, view_names[i]);
    }
    int free = area.w - tab_column(VIEW_COUNT) - 1;
    if (a->scene.title && free > 8)
        draw_right(area, 0, tab_column(VIEW_COUNT), free, STYLE_DIM, a->scene.title);
}

// The status line

struct status {
    struct area area;
    int column;
};

// One fact, if it fits whole.
static void part(struct status *s, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void part(struct status *s, enum style style, const char *format, ...) {
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (s->column + draw_width(text) <= s->area.w)
        s->column += draw_text(s->area, 0, s->column, 0, style, text) + 2;
}

static void draw_state(struct status *s, const struct app *a) {
    static const struct {
        const char *word;
        enum style style;
    } states[] = {
        [SESSION_RUNNING] = {"running", STYLE_GOOD},
        [SESSION_PAUSED] = {"paused", STYLE_PENDING},
        [SESSION_FINISHED] = {"finished", STYLE_STRONG},
        [SESSION_STOPPED] = {"stopped", STYLE_STRONG},
        [SESSION_FAILED] = {"failed", STYLE_ERROR},
    };
    if (!a->session)
        part(s, STYLE_PENDING, "loading");
    else if (a->state == APP_STOPPING)
        part(s, STYLE_PENDING, "saving");
    else
        part(s, states[a->scene.now.state].style, "%s", states[a->scene.now.state].word);
}

static void draw_figures(struct status *s, const struct snapshot *now) {
    char text[32];
    const struct tally *tally = now->running.samples > 0 ? &now->running : &now->last.tally;
    part(s, STYLE_NORMAL, "epoch %" PRId64 "/%" PRId64, now->epoch, now->epochs);
    part(s, STYLE_NORMAL, "step %" PRId64 "/%" PRId64, now->step, now->total);
    if (tally->samples > 0) {
        part(s, STYLE_NORMAL, "loss %.4g", tally_loss(tally));
        part(s, STYLE_NORMAL, "accuracy %.1f %%", 100 * tally_accuracy(tally));
    }
    if (now->last.tally.samples > 0)
        part(s, STYLE_NORMAL, "lr %.3g", now->last.lr);
    if (now->images_per_second > 0)
        part(s, STYLE_NORMAL, "%s samples/s", text_si(now->images_per_second, text));
}

// What there is to say when nobody has said anything.
static void draw_hint(struct area area, const struct scene *s) {
    struct status line = {.area = {area.y + 1, area.x, 1, area.w}, .column = 1};
    const struct snapshot *now = &s->now;
    const struct curves *branch = scene_branch(s, now->branch);
    char text[32], other[32];
    if (now->parameters == 0)
        return;
    if (s->pending)
        part(&line, STYLE_PENDING, "%s waiting for the step to end", draw_symbol(SYMBOL_PENDING));
    part(&line, STYLE_DIM, "%s of %s thawed", text_si((double)now->thawed, text),
         text_si((double)now->parameters, other));
    part(&line, STYLE_DIM, "%s", text_bytes((double)now->bytes, text));
    if (branch && branch->parent >= 0)
        part(&line, STYLE_DIM, "%s branch %d, from step %" PRId64 " of branch %d",
             draw_symbol(SYMBOL_BRANCH), now->branch, branch->forked, branch->parent);
    if (now->speed > 0)
        part(&line, STYLE_DIM, "at most %.3g steps/s", now->speed);
    if (now->probe > 0)
        part(&line, STYLE_DIM, "looks at frozen gradients every %" PRId64 " steps", now->probe);
}

static int message_rows(struct area area, const struct scene *s) {
    if (!s->message[0])
        return 0;
    return area.h > 1 && draw_width(s->message) > area.w - 2 ? 2 : 1;
}

// One row is taken from below; a long message takes both.
static void draw_message(struct area area, const struct scene *s) {
    enum style style = s->message_is_error ? STYLE_ERROR : STYLE_STRONG;
    int room = area.w - 2, at = 0;
    if (message_rows(area, s) == 2) {
        at = draw_break(s->message, room);
        draw_format(area, 0, 1, style, "%.*s", at, s->message);
    }
    draw_text(area, area.h - 1, 1, room, style, s->message + at);
}

static void draw_status(const struct app *a) {
    const struct scene *s = &a->scene;
    struct status status = {.area = a->layout.status, .column = 1};
    bool two = status.area.h > 1;
    if (message_rows(status.area, s) < status.area.h) {
        draw_state(&status, a);
        if (a->session)
            draw_figures(&status, &s->now);
    }
    if (s->message[0])
        draw_message(status.area, s);
    else if (two)
        draw_hint(status.area, s);
}

static void draw_question(const struct app *a) {
    struct area area = a->layout.footer;
    bool kept = a->scene.directory != NULL;
    int at = draw_text(area, 0, 1, 0, STYLE_STRONG, "Stop training?") + 3;
    static const char *const keys[] = {"s", "d", "Esc"};
    const char *const words[] = {kept ? "save and stop" : "stop (this session keeps no files)",
                                 kept ? "stop without saving" : NULL, "go on"};
    for (int i = 0; i < 3; i++) {
        if (!words[i])
            continue;
        at += draw_text(area, 0, at, 0, STYLE_KEY, keys[i]) + 1;
        at += draw_text(area, 0, at, 0, STYLE_NORMAL, words[i]) + 3;
    }
}

// The footer, and the row of messages above it for what could be meant.
static struct area prompt_area(const struct app *a) {
    struct area area = a->layout.footer;
    int above = a->layout.status.h > 1;
    return (struct area){area.y - above, area.x, area.h + above, area.w};
}

static void draw_footer(const struct app *a) {
    if (a->overlay == OVERLAY_QUIT)
        draw_question(a);
    else if (a->prompt.mark)
        prompt_draw(prompt_area(a), &a->prompt);
    else if (a->overlay == OVERLAY_SUGGEST)
        suggest_view_footer(a->layout.footer, &a->suggest, &a->scene);
    else if (a->overlay == OVERLAY_LR_FIND)
        lr_find_view_footer(a->layout.footer, &a->lr_find, &a->scene);
    else if (a->overlay == OVERLAY_HELP)
        draw_text(a->layout.footer, 0, 1, 0, STYLE_DIM,
                  a->help_rows > a->rows - 2 ? "any key closes this; Up, Down and End move it"
                                             : "any key closes this");
    else
        help_footer(a->layout.footer, a->view);
}

// Computed again when the row, the settings or what is asked for has changed.
static void update_what_if(struct app *a) {
    char text[COMMAND_TEXT];
    const struct scene *s = &a->scene;
    int64_t at[3] = {s->sent, s->now.commands, s->mark_count};
    if (!tree_command(&a->tree, s, ACTION_TOGGLE, text, sizeof text))
        text[0] = '\0';
    if (strcmp(text, a->what_if.text) == 0 && memcmp(at, a->what_if_at, sizeof at) == 0)
        return;
    memcpy(a->what_if_at, at, sizeof at);
    what_if_compute(&a->what_if, s, a->pool, text);
}

static void draw_body(struct app *a) {
    const struct screen_layout *l = &a->layout;
    const struct scene *s = &a->scene;
    if (l->what_if.h > 0) {
        update_what_if(a);
        what_if_draw(l->what_if, s, &a->what_if);
    }
    switch (a->view) {
    case VIEW_TRAIN:
        if (l->tree.h > 0)
            tree_draw(l->tree, s, &a->tree, false);
        panels_draw(l, s, &a->panels);
        break;
    case VIEW_LAYERS:
        tree_draw(l->body, s, &a->tree, true);
        break;
    case VIEW_SCHEDULE:
        schedule_view_draw(l->body, s, &a->schedule);
        break;
    case VIEW_DATA:
        data_view_draw(l->body, s, &a->data);
        break;
    case VIEW_RUNS:
        runs_view_draw(l->body, &a->runs, s, a->panels.raster);
        break;
    default:
        log_view_draw(l->body, s, &a->log);
    }
}

static void draw_loading(const struct app *a) {
    const struct screen_layout *l = &a->layout;
    struct area area = l->tree.h > 0 ? l->tree : l->body.h > 0 ? l->body : l->panels[0];
    draw_format(area, 1, 2, STYLE_DIM, "loading %s", a->scene.title ? a->scene.title : "");
}

static void draw_help(struct app *a) {
    struct area area = {1, 1, a->rows - 2, a->columns - 2};
    draw_clear((struct area){1, 0, a->rows - 2, a->columns});
    a->help_rows = help_draw(area, a->view, a->help_top);
}

// What was asked for, over the view.
static void draw_answer(struct app *a) {
    struct area area = {1, 1, a->layout.status.y - 1, a->columns - 2};
    draw_clear((struct area){1, 0, area.h, a->columns});
    if (a->overlay == OVERLAY_SUGGEST)
        suggest_view_draw(area, &a->scene, &a->suggest);
    else
        lr_find_view_draw(area, &a->scene, &a->lr_find);
}

static void draw_too_small(const struct app *a) {
    struct area area = a->layout.body;
    draw_format(area, 0, 0, STYLE_STRONG, "%dx%d is too small", a->columns, a->rows);
    draw_format(area, 1, 0, STYLE_NORMAL, "%dx%d is needed", LAYOUT_COLUMNS_MIN, LAYOUT_ROWS_MIN);
    draw_text(area, 2, 0, 0, STYLE_NORMAL,
              a->overlay == OVERLAY_QUIT ? "Stop training? s: save and stop, d: discard, Esc: go on"
                                         : "q quits");
}

void app_draw(struct app *a) {
    a->layout = layout_of(&(struct layout_request){
        .rows = a->rows,
        .columns = a->columns,
        .zoom = a->panels.zoomed,
        .panel = a->panels.focus,
        .projector = a->projector,
        .train_view = a->view == VIEW_TRAIN,
        .what_if = a->view == VIEW_LAYERS,
    });
    draw_clear((struct area){0, 0, a->rows, a->columns});
    if (a->layout.too_small) {
        draw_too_small(a);
        return;
    }
    if (a->scene.model)
        draw_body(a);
    else
        draw_loading(a);
    if (a->overlay == OVERLAY_HELP)
        draw_help(a);
    else
        draw_status(a);
    if (a->overlay == OVERLAY_SUGGEST || a->overlay == OVERLAY_LR_FIND)
        draw_answer(a);
    draw_tabs(a);
    draw_footer(a);
}
