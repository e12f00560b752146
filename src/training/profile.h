// Where a training's time goes: steps as they are, what each node of them costs, and what freezing
// saves beside what it could save.
#ifndef THAW_PROFILE_H
#define THAW_PROFILE_H

#include "plan/node_times.h"
#include "training/training.h"

// The quickest of some steps, in seconds. What nodes take is the quickest of a few times by the
// same clock as `work`, so that the two can be compared on a busy machine too.
struct profile_step {
    double work; // by clock_work_seconds
    double all;  // by the clock: everything, these among it:
    double wait, forward, backward, update;
    int count; // steps timed; 0: none
};

struct profile {
    int batch;                // samples of a whole one
    struct node_times *nodes; // [node_count] of the training's model, under the settings in force
    struct profile_step step; // under the settings in force, nothing cached
    struct profile_step full; // with everything thawed
    struct profile_step kept; // in force, beginning behind the kept prefix; maybe none
    // Of all nodes: in force, with everything thawed, and in force behind the kept prefix.
    double nodes_sum, full_sum, kept_sum;
    double frozen;     // share of the forward FLOPs that lies in the gradient-free prefix
    double evaluation; // seconds for the validation samples once; 0 without any
};

// Trains some steps, so `t` is of no other use afterwards: it needs room for a few epochs
// (train.epochs). Fails when a step or a plan does, or when nothing is thawed. Close with
// profile_close.
bool profile_measure(struct profile *p, struct training *t, struct error *error);
void profile_close(struct profile *p);

#endif
