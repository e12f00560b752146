// The session at hand and the run directories beside it, those of sweeps among them: a row for each
// of their branches.
#ifndef THAW_WORKBENCH_RUNS_LIST_H
#define THAW_WORKBENCH_RUNS_LIST_H

#include "ui/workbench/runs_entry.h"

struct runs_row {
    int entry;  // -1: the session
    int branch; // its place in the entry's branches; -1: the entry is no run
};

struct runs_list {
    struct runs_entry session;
    struct runs_entry *entries; // by path
    int count;
    struct runs_row *rows; // the session's first
    int row_count;
    struct runs_models models;
    double next;             // when the folder is looked at again; 0: now
    int marks, curves, step; // of the scene that the session was taken from
    bool taken;
};

// Takes in what is new: in the scene at once, in `folder` at most once a second, in the files for
// some `budget` seconds at a time. Runs whose curves are shown, and grew, are laid over anew.
// Returns whether there was anything, or is still something to read.
bool runs_list_update(struct runs_list *l, struct scene *s, const char *folder, double budget);
void runs_list_close(struct runs_list *l);

// What a row is of.
const struct runs_entry *runs_list_entry(const struct runs_list *l, int row);
bool runs_list_shown(const struct runs_list *l, int row);
double runs_list_test(const struct runs_list *l, int row); // accuracy, or NAN

// Adds the curves of a branch to the scene, or takes them away; on a run's first row those of all
// its branches. Says in the status line why it cannot.
void runs_list_toggle(struct runs_list *l, struct scene *s, int row);

#endif
