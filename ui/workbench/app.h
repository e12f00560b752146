// The workbench: the loop that reads the terminal, folds in what the session says, and draws. All
// of it is the UI thread's; opening the experiment is a thread of its own, so that the first frame
// stands before anything is loaded.
#ifndef THAW_WORKBENCH_APP_H
#define THAW_WORKBENCH_APP_H

#include "session/event.h"
#include "ui/workbench/data_view.h"
#include "ui/workbench/log_view.h"
#include "ui/workbench/lr_find_view.h"
#include "ui/workbench/panels.h"
#include "ui/workbench/preferences.h"
#include "ui/workbench/prompt.h"
#include "ui/workbench/runs_view.h"
#include "ui/workbench/schedule_view.h"
#include "ui/workbench/suggest_view.h"
#include "ui/workbench/term.h"
#include "ui/workbench/tree.h"
#include "ui/workbench/what_if.h"

// A session that is ready, and what it is about; everything must outlive the app.
struct app_session {
    struct session *session;
    const struct experiment *experiment;
    const struct model *model;
    const struct dataset *validation; // NULL: no pictures
    struct pool *pool;
    const char *directory; // of the run; NULL: nothing is written
    // What happened before, of a run that is taken up; NULL: nothing did.
    const char *metrics; // metrics.jsonl
    const struct event_list *events;
    const char *note; // to say at the beginning, or NULL
    bool replay;      // nothing is trained, so nothing is lost by leaving
};

// Opens it; called once, on a thread of its own.
struct app_source {
    const char *title;
    bool (*open)(void *context, struct app_session *out, struct error *error);
    void *context;
};

struct app_options {
    bool colour, ascii, mouse, colour_blind; // but for colour: also as the preferences say
};

enum app_state { APP_GOES_ON, APP_STOPPING, APP_ENDED };
enum app_overlay { OVERLAY_NONE, OVERLAY_HELP, OVERLAY_QUIT, OVERLAY_SUGGEST, OVERLAY_LR_FIND };

struct app {
    struct app_options options;
    struct preferences preferences;
    enum app_state state;
    struct scene scene;
    struct session *session; // NULL while loading
    struct pool *pool;
    int64_t cursor, version; // of the session's records and changes
    enum view_id view;
    enum app_overlay overlay;
    bool projector;
    int rows, columns;
    struct screen_layout layout;
    struct tree tree;
    struct panels panels;
    struct prompt prompt;
    char filter_before[sizeof((struct tree *)0)->filter]; // while another one is typed
    struct what_if what_if;
    int64_t what_if_at[3]; // what it was computed for, see app_draw.c
    struct schedule_view schedule;
    struct data_view data;
    struct runs_view runs;
    struct log_view log;
    struct suggest_view suggest;
    struct lr_find_view lr_find;
    int help_top, help_rows;
    bool discard; // leave without saving
    char *next;   // the run to open after this one, or NULL
};

// preferences: as preferences_load says.
void app_open(struct app *a, const struct app_options *options, const char *title);
void app_attach(struct app *a, const struct app_session *s);
void app_close(struct app *a); // the session stays

void app_resize(struct app *a, int rows, int columns);
void app_theme(const struct app *a); // puts colours into force as options and preferences say

// Takes in what the session says; returns whether there was anything new.
bool app_update(struct app *a);
// One event of the terminal.
void app_event(struct app *a, const struct term_event *e);
void app_draw(struct app *a);

// Which tab a column of the first row belongs to, or -1.
int app_tab_at(int column);

// Rows of the view's own list or text.
int app_page(const struct app *a);

// How it ended.
struct app_result {
    bool loading;     // the source is still at it: the process should end with _exit
    bool interrupted; // by a signal
    bool discard;
    struct session *session; // ended, unless discard; NULL: never opened. The caller closes it.
    char *next;              // a run to open now; the caller frees
};

// The whole life of a workbench on this terminal, which is given back at the end. An error when the
// terminal does not do, or the source could not be opened.
bool app_run(const struct app_options *options, const struct app_source *source,
             struct app_result *result, struct error *error);

#endif
