// The runs: the session at hand and those in runs/, each with a switch that lays its curves over
// those of the train view, and below how they went and what was frozen in them when.
#ifndef THAW_WORKBENCH_RUNS_VIEW_H
#define THAW_WORKBENCH_RUNS_VIEW_H

#include "ui/workbench/draw.h"
#include "ui/workbench/runs_list.h"

struct runs_view {
    struct runs_list list;
    int cursor, top;
    int page; // rows of the list in sight
};

// Takes in what is new, see runs_list_update; the cursor stays on its run. Returns whether there
// was anything to draw.
bool runs_view_update(struct runs_view *v, struct scene *s);
void runs_view_act(struct runs_view *v, struct scene *s, enum action action);
void runs_view_draw(struct area area, struct runs_view *v, const struct scene *s,
                    enum raster_kind raster);
// The run at a row of the area, or -1.
int runs_view_row_at(const struct runs_view *v, struct area area, int row, int column);
void runs_view_close(struct runs_view *v);

#endif
