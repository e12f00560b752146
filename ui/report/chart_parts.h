// What the files of the chart share.
#ifndef THAW_UI_CHART_PARTS_H
#define THAW_UI_CHART_PARTS_H

#include "ui/report/chart.h"
#include "ui/report/ticks.h"

// The values that an axis spans, as drawn: logarithms on a log axis.
struct chart_scale {
    double low, high;
    bool log;
};

// Of everything that the chart has there; 0..1 when it has nothing.
struct chart_scale chart_scale_x(const struct chart *c);
struct chart_scale chart_scale_y(const struct chart *c);

// Where a value stands between the ends, 0..1 when it is within; NAN when it cannot be drawn.
double chart_place(const struct chart_scale *s, double value);

struct chart_tick {
    double place; // 0..1
    char label[16];
};
// At most `most` of them; returns how many.
int chart_ticks(const struct chart_axis *a, const struct chart_scale *s, int most,
                struct chart_tick out[TICKS_MOST]);

#endif
