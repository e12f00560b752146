// What the files of the panels share.
#ifndef THAW_WORKBENCH_PANELS_PARTS_H
#define THAW_WORKBENCH_PANELS_PARTS_H

#include "ui/workbench/panels.h"

enum { PANEL_CURVES = 16, PANEL_MARKERS = 128 };

// A plot with room for its curves and markers.
struct panel_plot {
    struct plot plot;
    struct plot_curve curves[PANEL_CURVES];
    struct plot_marker markers[PANEL_MARKERS];
    char point[32]; // label of the chosen point
};

// Range, cursor, scale, focus, and the markers of the branch in force; no curves yet.
void panel_plot_open(struct panel_plot *out, const struct scene *s, const struct panels *p,
                     enum panel panel);
// Left out when there is no room for it.
void panel_plot_add(struct panel_plot *out, struct plot_curve curve);

// Adds one of the branch in force's curves: what it has of its own, and what it took over from the
// branches it left.
struct curve_choice {
    size_t series; // offsetof in struct curves
    struct plot_curve look;
};
void panel_plot_path(struct panel_plot *out, const struct scene *s, const struct curve_choice *c);

void panel_gradient_draw(struct area area, const struct scene *s, const struct panels *p);
void panel_cost_draw(struct area area, const struct scene *s, const struct panels *p);

#endif
