// The run directories beside each other: what each was, and how it went.
#ifndef THAW_WORKBENCH_RUNS_LIST_H
#define THAW_WORKBENCH_RUNS_LIST_H

#include "ui/workbench/scene.h"
#include <time.h>

struct run_row {
    char *path, *name;          // "runs/head-1"; the experiment's name
    int64_t epochs, epochs_all; // done, and asked for
    double validation;          // best accuracy; NAN: none
    double test;                // accuracy; NAN: not finished
    double thawed;              // share of the parameters at the start; NAN: another model
    time_t changed;             // of metrics.jsonl
    bool shown;                 // its curves are in the scene
};

struct runs_list {
    struct run_row *rows; // by path
    int count;
};

// Reads the runs in `folder` again; files that did not change are not read twice. `s` tells which
// curves are shown and what model the shares count for.
void runs_list_read(struct runs_list *l, const struct scene *s, const char *folder);
void runs_list_close(struct runs_list *l);

// Adds a run's curves to the scene, or takes them away. Says what is wrong in the status line.
void runs_list_toggle(struct runs_list *l, struct scene *s, int row);

#endif
