// Plots of series over steps: axes with sensible ticks, legend, linear or log scale, markers of
// events, a cursor that reads values. UI thread only.
#ifndef THAW_WORKBENCH_PLOT_H
#define THAW_WORKBENCH_PLOT_H

#include "session/history.h"
#include "ui/workbench/draw.h"

struct plot_curve {
    const struct series *series;
    const char *label; // NULL: not in the legend
    enum style style;
    bool band;     // low..high of each bucket, behind the curves that are no bands
    bool points;   // marks each value, where there is room between them
    double smooth; // weight that a step leaves to the past in an exponential mean, 0 for none;
                   // bias-corrected as in Adam (Kingma and Ba 2015, section 3)
    int64_t until; // the last step to draw; 0: to the end
};

struct plot_marker {
    int64_t step;
    const char *label;
    enum style style;
};

struct plot {
    const char *title;
    const struct plot_curve *curves; // the last ones are drawn on top
    int curve_count;
    const struct plot_marker *markers;
    int marker_count;
    int64_t from, to; // steps shown
    int64_t cursor;   // -1: none
    bool log;         // values that are not positive are left out
    bool percent;     // label the y axis in percent
    bool focused;
    enum raster_kind raster;
    int gutter; // columns for the labels of the y axis and the axis itself; 0: as usual
    int strip;  // rows that the caller fills, between the curves and the steps
};

enum { PLOT_GUTTER = 7 };

// Draws title and legend, axes, curves and markers; what has no room is left out, the axes first,
// then the title. The legend reads the values at the cursor, else at the right edge.
void plot_draw(struct area area, const struct plot *p);

// Where plot_draw draws the curves; a strip stands right below, in the same columns.
struct area plot_inner(struct area area, const struct plot *p);

#endif
