// The schedule: what the experiment asks for, what was done and when, and the changes by hand as
// `thaw run --events` would do them again.
#ifndef THAW_WORKBENCH_SCHEDULE_VIEW_H
#define THAW_WORKBENCH_SCHEDULE_VIEW_H

#include "ui/workbench/scene.h"

struct schedule_view {
    int top, lines; // lines: of the last drawing
};

void schedule_view_act(struct schedule_view *v, enum action action, int rows);
void schedule_view_draw(struct area area, const struct scene *s, struct schedule_view *v);

#endif
