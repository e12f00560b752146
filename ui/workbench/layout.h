// Where everything stands on the screen: a pure function of its size and what is shown.
#ifndef THAW_WORKBENCH_LAYOUT_H
#define THAW_WORKBENCH_LAYOUT_H

#include <stdbool.h>

// A rectangle of cells; h or w 0: not shown.
struct area {
    int y, x, h, w;
};

enum { LAYOUT_ROWS_MIN = 16, LAYOUT_COLUMNS_MIN = 60, LAYOUT_PANELS = 5 };

struct layout_request {
    int rows, columns; // of the screen
    bool zoom;         // one panel takes the whole body
    int panel;         // the panel in focus
    bool projector;    // fewer columns, larger blocks
    bool train_view;   // tree and panels; other views have the whole body
    bool what_if;      // another view that shows the what-if lines below its body
};

struct screen_layout {
    bool too_small; // nothing but a message is shown
    struct area tabs, tree, what_if, panels[LAYOUT_PANELS], body, status, footer;
};

// Areas never overlap, never leave the screen, and together cover it, from 1x1 up.
// When the screen is too small the body is all of it.
struct screen_layout layout_of(const struct layout_request *request);

// Whether a cell of the screen belongs to the area.
bool layout_inside(struct area area, int row, int column);

#endif
