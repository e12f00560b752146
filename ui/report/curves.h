// A run's numbers over its steps, as series for plots.
#ifndef THAW_UI_CURVES_H
#define THAW_UI_CURVES_H

#include "session/history.h"
#include "session/snapshot.h"

// One branch's curves over steps (also: one finished run's).
struct curves {
    char *name;                                         // "branch 1", "runs/head-1"
    int branch, parent;                                 // parent -1: none; branch -1: another run
    int64_t forked;                                     // the step at which it left its parent
    struct series loss, accuracy, gradient, lr, images; // per training step
    struct series validation_loss, validation_accuracy; // per evaluation
    struct series source_accuracy;   // of the old task, per evaluation; at step 0 before training
    struct series forward, backward; // seconds per step
};

// Takes in the numbers of a step or an epoch; other records tell none.
void curves_add(struct curves *c, const struct record *r);
// Appends to one of the series; a step that is there already stays as it is: a reader may see one
// again, after a rewind or while seeking in a replay.
void curves_append(struct series *s, int64_t step, double value);
void curves_close(struct curves *c);

#endif
