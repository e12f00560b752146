// Which operations are done in passing by one before them, while its output is in cache: BatchNorm
// by stored statistics, the sum where a shortcut joins, ReLU. All of such a chain have one output
// buffer, that of the last; what is between is never written. An operation of a chain may as well
// be run by itself, in place: the bits are the same. And in backward, BatchNorm by the batch's
// statistics knows from its input what the ReLU behind it let pass.
#ifndef THAW_PLAN_TAIL_H
#define THAW_PLAN_TAIL_H

#include "plan/plan.h"

// Fills in head, next and back_done of all nodes; what is wanted, added and batch_stats must be
// marked.
void plan_tail_mark(struct plan *plan);

// Runs node `index` forward, and in passing those behind it up to `last` (the node itself, or one
// of its chain). call: plan_call's, completed.
void plan_tail_forward(const struct plan *plan, const struct weights *weights, float *arena,
                       int index, int last, struct op_call *call);

#endif
