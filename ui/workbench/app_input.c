// What keys and clicks mean: for an open question or line first, then by the table of keys.
#include "ui/workbench/act.h"
#include "ui/workbench/paper.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHEEL = 3 }; // rows

static void stop(struct app *a, bool save) {
    a->overlay = OVERLAY_NONE;
    a->discard = !save;
    if (!save) {
        a->state = APP_ENDED;
        return;
    }
    if (act_send(a, COMMAND_STOP, 0))
        a->state = APP_STOPPING;
}

static void answer(struct app *a, int key) {
    if (key == 's' || key == 'd') {
        stop(a, key == 's');
    } else if (key == 27 || key == 'n' || key == 'q') {
        a->overlay = OVERLAY_NONE;
        free(a->next);
        a->next = NULL;
    }
}

static void help_key(struct app *a, int key) {
    enum action action = key_action(key, a->view);
    int rows = a->rows - 2;
    bool moves = action == ACTION_UP || action == ACTION_DOWN || action == ACTION_PAGE_UP ||
                 action == ACTION_PAGE_DOWN || action == ACTION_TOP || action == ACTION_BOTTOM;
    if (moves && a->help_rows > rows)
        a->help_top = paper_scroll(a->help_top, a->help_rows, rows, action);
    else
        a->overlay = OVERLAY_NONE;
}

// Enter takes the change of the row under the cursor; what does not move closes the list.
static void suggest_key(struct app *a, int key) {
    enum action action = key_action(key, a->view);
    struct text change = {0};
    if (suggest_view_act(&a->suggest, &a->scene, action))
        return;
    a->overlay = OVERLAY_NONE;
    if (action == ACTION_ENTER && suggest_view_change(&a->suggest, &a->scene, &change))
        act_apply(a, change.data);
    text_free(&change);
}

static void lr_find_key(struct app *a, int key) {
    enum action action = key_action(key, a->view);
    struct text change = {0};
    if (lr_find_view_act(&a->lr_find, &a->scene, action))
        return;
    a->overlay = OVERLAY_NONE;
    if (action == ACTION_ENTER && lr_find_view_change(&a->lr_find, &a->scene, &change))
        act_apply(a, change.data);
    text_free(&change);
}

static void set_filter(struct app *a, const char *text) {
    int most = (int)sizeof a->tree.filter - 1;
    snprintf(a->tree.filter, sizeof a->tree.filter, "%.*s", most, text);
    if (a->scene.model)
        tree_rebuild(&a->tree, &a->scene);
}

// A filter shows what it does while it is typed.
static void prompt_event(struct app *a, int key) {
    char mark = a->prompt.mark;
    enum prompt_result result = prompt_key(&a->prompt, &a->scene, key);
    if (mark == '/')
        set_filter(a, result == PROMPT_CANCELLED ? a->filter_before : a->prompt.text);
    if (result == PROMPT_OPEN)
        return;
    a->prompt.mark = 0;
    if (mark == ':' && result == PROMPT_DONE)
        act_words(a, a->prompt.text);
}

static void key_event(struct app *a, int key) {
    a->scene.message[0] = '\0';
    if (a->layout.too_small && a->overlay != OVERLAY_QUIT && key != 'q')
        return;
    if (a->overlay == OVERLAY_QUIT)
        answer(a, key);
    else if (a->prompt.mark)
        prompt_event(a, key);
    else if (a->overlay == OVERLAY_HELP)
        help_key(a, key);
    else if (a->overlay == OVERLAY_SUGGEST)
        suggest_key(a, key);
    else if (a->overlay == OVERLAY_LR_FIND)
        lr_find_key(a, key);
    else
        act(a, key_action(key, a->view), key);
}

// The mouse

static void click_row(struct app *a, int *cursor, int row, const struct term_event *e,
                      enum action twice) {
    if (row < 0)
        return;
    *cursor = row;
    if (e->mouse == MOUSE_DOUBLE)
        act(a, twice, 0);
}

static void click_panel(struct app *a, const struct term_event *e) {
    for (int i = 0; i < LAYOUT_PANELS; i++)
        if (layout_inside(a->layout.panels[i], e->row, e->column)) {
            a->panels.focus = i;
            if (e->mouse == MOUSE_DOUBLE)
                act(a, ACTION_ZOOM, 0);
        }
}

static void click(struct app *a, const struct term_event *e) {
    const struct screen_layout *l = &a->layout;
    int tab = layout_inside(l->tabs, e->row, e->column) ? app_tab_at(e->column) : -1;
    bool body = layout_inside(l->body, e->row, e->column);
    if (tab >= 0)
        act(a, ACTION_VIEW, '1' + tab);
    else if (layout_inside(l->tree, e->row, e->column))
        click_row(a, &a->tree.cursor, tree_row_at(&a->tree, l->tree, e->row - l->tree.y), e,
                  ACTION_TOGGLE);
    else if (body && a->view == VIEW_LAYERS)
        click_row(a, &a->tree.cursor, tree_row_at(&a->tree, l->body, e->row - l->body.y), e,
                  ACTION_TOGGLE);
    else if (body && a->view == VIEW_RUNS)
        click_row(a, &a->runs.cursor, runs_view_row_at(&a->runs, l->body, e->row, e->column), e,
                  ACTION_ENTER);
    else if (body && a->view == VIEW_DATA)
        click_row(a, &a->data.cursor,
                  data_view_row_at(&a->data, &a->scene, l->body, e->row, e->column), e,
                  ACTION_NONE);
    else
        click_panel(a, e);
}

// Over a panel the wheel zooms in time, elsewhere it moves.
static void wheel(struct app *a, const struct term_event *e) {
    bool up = e->mouse == MOUSE_WHEEL_UP;
    for (int i = 0; i < LAYOUT_PANELS; i++)
        if (layout_inside(a->layout.panels[i], e->row, e->column)) {
            a->panels.focus = i;
            act(a, up ? ACTION_ZOOM_IN : ACTION_ZOOM_OUT, 0);
            return;
        }
    for (int i = 0; i < WHEEL; i++)
        act(a, up ? ACTION_UP : ACTION_DOWN, 0);
}

static void mouse_event(struct app *a, const struct term_event *e) {
    if (a->layout.too_small || a->overlay != OVERLAY_NONE || a->prompt.mark)
        return;
    a->scene.message[0] = '\0';
    if (e->mouse == MOUSE_CLICK || e->mouse == MOUSE_DOUBLE)
        click(a, e);
    else
        wheel(a, e);
}

void app_event(struct app *a, const struct term_event *e) {
    if (a->state != APP_GOES_ON || e->key == TERM_NONE)
        return;
    if (e->key == TERM_MOUSE)
        mouse_event(a, e);
    else if (e->key != TERM_RESIZE && e->key != TERM_CONTINUED && e->key != TERM_QUIT)
        key_event(a, e->key);
}
