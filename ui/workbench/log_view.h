// The log: notes, events and errors with their steps, the newest at the end.
#ifndef THAW_WORKBENCH_LOG_VIEW_H
#define THAW_WORKBENCH_LOG_VIEW_H

#include "ui/workbench/scene.h"

struct log_view {
    int back; // lines scrolled back from the end; 0: follows
};

void log_view_act(struct log_view *v, const struct scene *s, enum action action, int rows);
void log_view_draw(struct area area, const struct scene *s, const struct log_view *v);

#endif
