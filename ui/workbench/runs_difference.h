// What a run was asked that the session at hand was not.
#ifndef THAW_WORKBENCH_RUNS_DIFFERENCE_H
#define THAW_WORKBENCH_RUNS_DIFFERENCE_H

#include "ui/workbench/draw.h"
#include "ui/workbench/runs_list.h"

// A line for each key of the experiment that differs.
void runs_difference_draw(struct area area, const struct runs_list *l, int row);

#endif
