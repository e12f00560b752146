// The help screen: exactly the keys that are valid in a view, from the table of keys.
#ifndef THAW_WORKBENCH_HELP_H
#define THAW_WORKBENCH_HELP_H

#include "ui/workbench/keys.h"
#include "ui/workbench/layout.h"

struct help_line {
    char keys[32];  // "r p"; "": a heading
    char text[128]; // what they do, or the heading
};

enum { HELP_LINES = 128 };

// The lines of a view's help in order; returns how many (at most HELP_LINES).
int help_lines(enum view_id view, struct help_line out[HELP_LINES]);

// Draws them in as many columns as fit, from line `top` of each column on. Returns the rows of a
// column, for scrolling.
int help_draw(struct area area, enum view_id view, int top);

// The keys worth a word in the footer: "space flip  t thaw on  ..." as far as they fit.
void help_footer(struct area area, enum view_id view);

#endif
