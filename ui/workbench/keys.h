// One table of keys: it feeds dispatch, footer, help screen and the README; a test compares.
#ifndef THAW_WORKBENCH_KEYS_H
#define THAW_WORKBENCH_KEYS_H

#include <stdbool.h>
#include <stddef.h>

// The views, in the order of their digits.
enum view_id { VIEW_TRAIN, VIEW_LAYERS, VIEW_SCHEDULE, VIEW_DATA, VIEW_RUNS, VIEW_LOG, VIEW_COUNT };
enum { IN_ANY = (1 << VIEW_COUNT) - 1, IN_TREE = 1 << VIEW_TRAIN | 1 << VIEW_LAYERS };

enum action {
    ACTION_NONE,
    // Everywhere
    ACTION_QUIT,
    ACTION_HELP,
    ACTION_COMMAND,
    ACTION_VIEW,
    ACTION_RUN_PAUSE,
    ACTION_STEP,
    ACTION_EPOCH,
    ACTION_LR_DOWN,
    ACTION_LR_UP,
    ACTION_UNDO,
    ACTION_REDO,
    ACTION_SAVE,
    ACTION_VERIFY,
    ACTION_PROBE,
    ACTION_SUGGEST,
    ACTION_RESTART,
    ACTION_PROJECTOR,
    ACTION_EARLIER,
    ACTION_LATER,
    ACTION_ENTER,
    ACTION_ESCAPE,
    ACTION_REDRAW,
    // Moving
    ACTION_UP,
    ACTION_DOWN,
    ACTION_LEFT,
    ACTION_RIGHT,
    ACTION_PAGE_UP,
    ACTION_PAGE_DOWN,
    ACTION_TOP,
    ACTION_BOTTOM,
    ACTION_NEXT_PANEL,
    // The tree
    ACTION_TOGGLE,
    ACTION_THAW_FROM,
    ACTION_FREEZE_TO,
    ACTION_ONLY,
    ACTION_HEAD,
    ACTION_ALL,
    ACTION_NORMS,
    ACTION_RANGE,
    ACTION_FILTER,
    ACTION_SORT,
    // Panels
    ACTION_ZOOM,
    ACTION_LOG_SCALE,
    ACTION_ZOOM_IN,
    ACTION_ZOOM_OUT,
    ACTION_SCROLL_LEFT,
    ACTION_SCROLL_RIGHT,
    ACTION_CURSOR,
};

struct key_binding {
    int key;          // a character, or a code of term.h
    const char *name; // as people read it: "space", "PgUp", "Ctrl-L"
    enum action action;
    unsigned views;           // bit set of 1 << view_id
    const char *group, *help; // of the help screen; help NULL: a second key for the action before
    const char *footer;       // short word for the footer, or NULL
};

extern const struct key_binding key_bindings[];
extern const int key_binding_count;

// What a key means in a view; ACTION_NONE when nothing.
enum action key_action(int key, enum view_id view);

// Its row of the table, or NULL.
const struct key_binding *key_find(int key, enum view_id view);

#endif
