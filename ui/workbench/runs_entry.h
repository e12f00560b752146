// One run directory with its branches, as its files tell, read again as they grow; and the session
// at hand in the same form, as the scene tells.
#ifndef THAW_WORKBENCH_RUNS_ENTRY_H
#define THAW_WORKBENCH_RUNS_ENTRY_H

#include "ui/report/metrics.h"
#include "ui/report/runs_masks.h"
#include "ui/workbench/runs_model.h"
#include "ui/workbench/scene.h"
#include <time.h>

struct runs_branch {
    int number, parent;   // parent -1: none
    int64_t forked;       // the step at which it left its parent
    struct curves curves; // of its own steps, named "runs/head-1/1"; the session's are the scene's
    double test;          // accuracy; NAN: not tested
    struct runs_masks masks;
    bool shown; // its curves are in the scene
};

enum runs_file { RUNS_EXPERIMENT, RUNS_EVENTS, RUNS_METRICS, RUNS_FILES };

// What tells that a file is not the one of before.
struct runs_stamp {
    uint64_t device, inode;
    int64_t size, seconds, nanoseconds; // size -1: there is none
};

struct runs_entry {
    char *path;          // "runs/head-1"; NULL: the session
    char *unreadable;    // why it is no run, in a few words; NULL: it is one
    char *no_masks;      // why nobody knows what was frozen; NULL: it is known
    bool own;            // the directory of the session at hand
    bool exact;          // the network is the run's to the last weight
    bool unread;         // there is more in metrics.jsonl
    bool present;        // while the folder is read
    int64_t epoch_steps; // 0: not known yet
    struct experiment experiment;
    const struct model *model;    // NULL: none
    struct runs_branch *branches; // [branch_count], of which the first one is branch 0
    int branch_count;
    struct runs_stamp stamps[RUNS_FILES];
    struct metrics_place place;
};

struct runs_entry runs_entry_open(const char *path);
void runs_entry_close(struct runs_entry *e);

// Reads experiment and events again when they are not as before; the metrics are then `unread`.
// Returns whether anything changed.
bool runs_entry_look(struct runs_entry *e, struct runs_models *models, const struct scene *s);

// Reads a piece of what is unread.
void runs_entry_read(struct runs_entry *e);

// The session from the scene: its branches, and what was frozen in them.
void runs_entry_take(struct runs_entry *e, const struct scene *s);

// The place of a branch by its number, or -1.
int runs_entry_find(const struct runs_entry *e, int number);

// Of the path from the root to the end of a branch, which is given by its place.
const struct curves *runs_entry_curves(const struct runs_entry *e, const struct scene *s, int at);
int64_t runs_entry_reached(const struct runs_entry *e, const struct scene *s, int at); // steps
double runs_entry_best(const struct runs_entry *e, const struct scene *s, int at);     // validation
double runs_entry_source(const struct runs_entry *e, const struct scene *s, int at);   // last look
int64_t runs_entry_epochs(const struct runs_entry *e, const struct scene *s, int at, bool asked);

// "running", "stopped", "finished", "damaged", ...: a run elsewhere runs when it wrote something in
// the last seconds.
const char *runs_entry_state(const struct runs_entry *e, const struct scene *s, int at);
// What is wrong with the metrics, in a few words; "" when nothing is. Returns out.
const char *runs_entry_damage(const struct runs_entry *e, char out[96]);

#endif
