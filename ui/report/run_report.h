// A run directory read as a whole: what was asked, what was frozen when, and how each of its
// branches went.
#ifndef THAW_UI_RUN_REPORT_H
#define THAW_UI_RUN_REPORT_H

#include "experiment/experiment.h"
#include "ui/report/curves.h"
#include "ui/report/runs_masks.h"

// A branch with all that lies on its path from the root on.
struct run_branch {
    char *name; // "runs/head-1", "runs/head-1/1"
    int number;
    struct curves curves;
    struct runs_masks masks;
    int64_t steps;
    int64_t epochs;               // that were finished
    double seconds;               // of training, in finished epochs
    double best, last, test;      // accuracy; NAN: not known
    double source_before, source; // accuracy on the old task, and at the last look; NAN: not known
    int64_t thawed, parameters;   // the most weights and biases trained in an epoch; of how many
};

struct run_report {
    char *path;
    struct experiment experiment;
    struct model *model; // for the names of its modules: NULL, or with other sizes than the run's
    char *no_masks;      // why nobody knows what was frozen; NULL: it is known
    bool finished, diverged;
    struct run_branch *branches; // [branch_count], at least one, by number
    int branch_count;
};

// Fails when the directory is none of a run. A run that has no metrics yet has no steps. Close with
// run_report_close, also after a failure.
bool run_report_read(struct run_report *r, const char *path, struct error *error);
void run_report_close(struct run_report *r);

// What was thawed and when: "head; at 116 thaw layer1". The caller frees.
char *run_report_thawed(const struct run_report *r, const struct run_branch *b);

#endif
