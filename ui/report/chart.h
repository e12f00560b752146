// A chart: numbers over an axis, and below them what was frozen when, as plain data. The same chart
// is printed as text and saved as SVG or PNG.
#ifndef THAW_UI_CHART_H
#define THAW_UI_CHART_H

#include "base/error.h"
#include "model/freeze.h"
#include <stdio.h>

// A legend reads "a head": the index of a line gives its letter in text, its colour and the shape
// of its points elsewhere.
struct chart_line {
    const char *label;    // NULL: not in the legend
    int index;            // from 0; below 0: a plain grey line without letter
    const double *x, *y;  // [count]; a NAN is a gap
    const double *spread; // [count]: half the length of the bar through a point; NULL: no bars
    const bool *ringed;   // [count]: points that stand out; NULL: none
    int count;
    bool points, joined; // a mark for each point; a line through them
};

struct chart_axis {
    const char *title;
    bool log;     // values that are not positive are left out
    bool percent; // values are shares
    bool whole;   // no ticks between whole numbers
};

// A vertical line.
struct chart_mark {
    double x;
    const char *label;
};

// Rows of states over the chart's x axis, from 0 to `reached`. `state` tells that of a row between
// two values.
struct chart_bands {
    const char *title;
    int index; // the line that they belong to
    const char *const *names;
    int row_count;
    double reached;
    enum freeze_state (*state)(const struct chart_bands *bands, int row, double from, double to);
    const void *context; // for `state`
};

struct chart {
    const char *title;
    struct chart_axis x, y;
    const struct chart_line *lines;
    int line_count;
    const struct chart_mark *marks;
    int mark_count;
    const struct chart_bands *bands;
    int band_count;
};

// Text of `columns` columns, the curves `rows` high. `ascii`: nothing but ASCII.
void chart_print(const struct chart *c, int columns, int rows, bool ascii, FILE *out);

enum chart_format { CHART_SVG, CHART_PNG };

// Charts below each other, in colours that colour-blind people can tell apart. The file is replaced
// as a whole. A PNG has two pixels for each of SVG's units.
bool chart_save(const struct chart *charts, int count, const char *path, enum chart_format format,
                struct error *error);

#endif
