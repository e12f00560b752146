// Where the buffers of a plan lie: each lives from its first write to its last read, and buffers
// whose lives do not overlap share memory.
#ifndef THAW_PLAN_BUFFERS_H
#define THAW_PLAN_BUFFERS_H

#include "plan/plan.h"

// Fills in all offsets of a plan whose marks (wanted, grad_*) are set, and plan->floats.
void plan_place_buffers(struct plan *plan);

#endif
