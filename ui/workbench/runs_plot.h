// How runs went, over what was frozen in them meanwhile: a plot of their validation accuracy (or of
// the loss, where none has any), the bands below, one axis of steps for all.
#ifndef THAW_WORKBENCH_RUNS_PLOT_H
#define THAW_WORKBENCH_RUNS_PLOT_H

#include "ui/workbench/draw.h"
#include "ui/workbench/runs_list.h"

// Returns the rows taken.
int runs_plot_draw(struct area area, const struct runs_list *l, const struct scene *s, int cursor,
                   enum raster_kind raster);

#endif
