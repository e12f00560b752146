// What each node of a plan takes, pass by pass, and so what its steps would take if nothing but
// their nodes took time: the ceiling of freezing is that of everything thawed over that of a mask.
#ifndef THAW_NODE_TIMES_H
#define THAW_NODE_TIMES_H

#include "plan/pass.h"

// Seconds for a batch: the quickest of a few times, by clock_work_seconds. 0 for what is not done;
// what a node does of others in passing (plan_tail.h) counts as its own.
struct node_times {
    double forward;
    double data, weight; // gradient of the inputs, of the parameters: their shares of both together
};

// One for each node of the model, run under `plan`, of the model of pass, in buffers of its own,
// which hold no meaning afterwards, on the batch. The running statistics in pass->weights may move.
// The caller frees the result; NULL when the plan does not fit in memory.
struct node_times *node_times_measure(const struct pass *pass, const struct plan *plan,
                                      const struct batch *batch, struct error *error);

// Of all nodes, without forward passes of those in `skip` ([node_count], or NULL).
double node_times_sum(const struct node_times *nodes, const struct model *model, const bool *skip);

#endif
