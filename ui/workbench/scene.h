// Everything that the views draw from, as plain data: what the session last said, the curves so
// far, and what the person has chosen. A test fills one by hand.
#ifndef THAW_WORKBENCH_SCENE_H
#define THAW_WORKBENCH_SCENE_H

#include "data/dataset.h"
#include "session/session.h"
#include "training/figures.h"
#include "training/settings.h"
#include "ui/report/curves.h"
#include "ui/workbench/keys.h"
#include "ui/workbench/layout.h"

struct event_mark {
    int64_t step;
    int branch;
    char who[16]; // "user", "schedule", "strategy"
    char *text;   // "thaw layer1"
};

struct log_line {
    int64_t step;
    enum { LOG_NOTE, LOG_EVENT, LOG_ERROR } kind;
    char *text;
};

enum { SCENE_POINTS = 256, SCENE_MESSAGE = 256, SCENE_LOG = 2000 };

// A setting that was sent and is not yet in force.
struct sent_text {
    int64_t number; // of the command, from 1
    char text[COMMAND_TEXT];
};

struct scene {
    const struct experiment *experiment; // these three NULL while loading
    const struct model *model;
    const struct dataset *validation; // NULL: there are no such samples
    const char *title;
    const char *directory; // of the run; NULL: nothing is written
    bool replay;           // there are records, but no weights
    struct snapshot now;
    struct layers_snapshot layers;
    struct settings settings; // in force
    struct settings wanted;   // with what was asked for and is not yet in force
    bool pending;             // wanted differs, or commands are under way
    int64_t sent;             // commands sent so far
    struct sent_text texts[COMMAND_QUEUE];
    int text_count;
    enum command_kind last_sent;
    struct point_view points[SCENE_POINTS];
    int point_count, point; // chosen with [ and ]; -1: none
    struct curves *curves;  // [curve_count], by branch; the last ones may be other runs
    int curve_count;
    struct event_mark *marks;
    int mark_count;
    int last_branch; // of the last record read
    struct log_line *log;
    int log_count;                  // at most SCENE_LOG; older lines are dropped
    struct series *block_gradient;  // [module_count]: gradient norm of each module over steps
    struct predictions predictions; // on the validation samples
    struct figures figures;         // of the predictions
    struct suggestion suggestion;   // rows NULL: none yet
    struct lr_find lr_find;         // lr NULL: none yet
    struct plan_cost full;          // of full fine-tuning
    char message[SCENE_MESSAGE];    // of the status line
    bool message_is_error;
};

// The session has appeared: these must outlive the scene. `pool` is the one of the training.
void scene_open(struct scene *s, const struct experiment *experiment, const struct model *model,
                const struct dataset *validation, struct pool *pool);

// Folds what is new in a session into the scene. `cursor` is the reader's place in the records.
void scene_update(struct scene *s, struct session *session, int64_t *cursor);
void scene_close(struct scene *s);

// Sends a command. A setting is tried on `wanted` first; a refused one is said in the status line
// and not sent. Returns whether it was sent.
bool scene_send(struct scene *s, struct session *session, const struct command *c);

// The curves of a branch, or NULL.
const struct curves *scene_branch(const struct scene *s, int branch);

// Whether what happened at `step` of `branch` is part of the history of the branch now in force.
bool scene_on_path(const struct scene *s, int branch, int64_t step);
// The same for branch `to`.
bool scene_leads_to(const struct scene *s, int branch, int64_t step, int to);

void scene_log(struct scene *s, int64_t step, int kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// One record, also from a file.
void scene_record(struct scene *s, const struct record *r);

void scene_say(struct scene *s, bool error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
