// Events: what changed a run, with the step between which and the next one it took effect.
// events.jsonl holds one a line; run again, the user's events reproduce the run.
#ifndef THAW_EVENT_H
#define THAW_EVENT_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct event {
    int64_t id, parent, branch;
    int64_t step; // steps done when it took effect
    char who[16]; // "user", "schedule", "strategy", "thaw"
    char *text;   // "thaw layer1", "lr x0.5", "start"
};

struct event_list {
    struct event *items;
    int count;
};

// One JSON line without the newline; the caller frees.
char *event_line(const struct event *e);

// Reads events.jsonl. A last line without a newline (a crash while writing) is left out; any other
// malformed line is an error with its number. Steps never fall within a branch.
bool event_read(const char *path, struct event_list *out, struct error *error);

// Keeps only what the user did in events with a higher id (all: -1).
void event_keep_user(struct event_list *list, int64_t after_id);
// Keeps only what leads from the root to the end of a branch, in order. An error names the branches
// that there are.
bool event_keep_branch(struct event_list *list, int branch, struct error *error);

// Keeps only what happened on one branch itself.
void event_keep_own(struct event_list *list, int branch);

// Appends a copy.
void event_add(struct event_list *list, const struct event *e);
void event_list_close(struct event_list *list);

// Branches. Those of a run grow from branch 0 as its events tell: a place is a step of a branch,
// with all that happened there before the next step.

// The step at which a branch left its parent, the branch *parent; branch 0 left none (-1) at step
// 0.
int64_t event_fork(const struct event_list *list, int branch, int *parent);
// The last event on the way from the root to a place; NULL: none.
const struct event *event_before(const struct event_list *list, int branch, int64_t step);
// All of them, in order: copies, which the caller closes.
struct event_list event_way(const struct event_list *list, int branch, int64_t step);
// Whether step `at_step` of `at_branch` lies on the way from the root to step `step` of `branch`.
bool event_leads_to(const struct event_list *list, int at_branch, int64_t at_step, int branch,
                    int64_t step);

#endif
