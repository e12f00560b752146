// The runs: a table of what was run before, each with a switch that lays its curves over those of
// the train view.
#ifndef THAW_WORKBENCH_RUNS_VIEW_H
#define THAW_WORKBENCH_RUNS_VIEW_H

#include "ui/workbench/runs_list.h"

struct runs_view {
    struct runs_list list;
    int cursor, top;
};

void runs_view_act(struct runs_view *v, struct scene *s, enum action action, int rows);
void runs_view_draw(struct area area, const struct runs_view *v);
// The run at a row of the area, or -1.
int runs_view_row_at(const struct runs_view *v, int row);

#endif
