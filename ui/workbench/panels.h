// The panels beside the tree: loss, accuracy, gradient norm, cost, learning rate. UI thread only.
#ifndef THAW_WORKBENCH_PANELS_H
#define THAW_WORKBENCH_PANELS_H

#include "ui/workbench/plot.h"
#include "ui/workbench/scene.h"

enum panel { PANEL_LOSS, PANEL_ACCURACY, PANEL_GRADIENT, PANEL_COST, PANEL_LR };

// What is shown, in steps, so that a part that somebody looks at stays while the run goes on.
struct panels {
    int focus;
    bool zoomed;
    bool log[LAYOUT_PANELS];
    bool cursor_shown;
    int64_t cursor; // step
    int64_t span;   // steps shown; 0: all
    int64_t end;    // step at the right edge; -1: the last one, also as it grows
    enum raster_kind raster;
};

void panels_open(struct panels *p);
// Focus, zoom, scale, span, scrolling and cursor; false when the action is not the panels'. Left
// and right are theirs while the cursor is shown; Escape hides it, then ends the zoom.
bool panels_act(struct panels *p, const struct scene *s, enum action action);
// Draws every panel that the layout shows.
void panels_draw(const struct screen_layout *layout, const struct scene *s, const struct panels *p);

// The steps shown.
void panels_range(const struct panels *p, const struct scene *s, int64_t *from, int64_t *to);

#endif
