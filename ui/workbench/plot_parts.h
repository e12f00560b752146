// What the files of the plot share.
#ifndef THAW_WORKBENCH_PLOT_PARTS_H
#define THAW_WORKBENCH_PLOT_PARTS_H

#include "ui/workbench/plot.h"

// Where everything stands; h or w 0: no room for it.
struct plot_frame {
    struct area title, gutter, inner;
    struct area x_line;   // the line of the x axis, its first column below the y axis
    struct area x_labels; // with the columns of the gutter
};
struct plot_frame plot_frame(struct area area, const struct plot *p);

// What one column of dots shows of a curve, or an end of a line that leaves the picture. Values
// are as drawn: logarithms on a log scale. value NAN: a gap.
struct plot_point {
    double step, low, high, value;
    double weight; // values in it
};
struct plot_path {
    struct plot_point *points;
    int count;
};
// The part of a curve within the steps of p, for a raster `width` dots wide. Free points.
struct plot_path plot_path(const struct plot *p, const struct plot_curve *c, int width);

// The value of a curve, smoothed as it is drawn, nearest to a step; NAN when it has none.
double plot_reading(const struct plot_curve *c, int64_t step);

// The values that the y axis spans, as drawn.
struct plot_scale {
    double low, high;
};
// Of all paths; false when none has a value.
bool plot_scale(const struct plot *p, const struct plot_path *paths, struct plot_scale *scale);

// Dots from the left or the top among `size`; what lies outside stands at the edge.
int plot_x(const struct plot *p, double step, int size);
int plot_y(const struct plot_scale *scale, double value, int size);
// The cell with that dot.
int plot_column(const struct plot *p, double step, int columns);
int plot_row(const struct plot_scale *scale, double value, int rows);

void plot_band(struct raster *r, const struct plot *p, const struct plot_scale *scale,
               const struct plot_path *path, enum style style);
void plot_line(struct raster *r, const struct plot *p, const struct plot_scale *scale,
               const struct plot_path *path, enum style style);
// What stands for the curve in the legend: a piece of it.
const char *plot_sample(const struct plot *p, const struct plot_curve *c);
void plot_points(struct area inner, const struct plot *p, const struct plot_scale *scale,
                 const struct plot_path *path, const struct plot_curve *c);

// scale NULL: no values, no ticks.
void plot_y_axis(const struct plot_frame *f, const struct plot *p, const struct plot_scale *scale);
void plot_x_axis(const struct plot_frame *f, const struct plot *p);
void plot_title(struct area title, const struct plot *p);

void plot_marker_lines(struct area inner, const struct plot *p);
// Labels where neither `lines` nor other labels are, on top of `bands` and of other markers' lines
// only when they must; those without room are left out.
void plot_marker_labels(const struct plot *p, const struct raster *lines,
                        const struct raster *bands);

#endif
