// Text that may be longer than its area: lines are written from the first on, and those in sight
// are drawn.
#ifndef THAW_WORKBENCH_PAPER_H
#define THAW_WORKBENCH_PAPER_H

#include "ui/workbench/draw.h"
#include "ui/workbench/keys.h"

struct paper {
    struct area area;
    int top;   // first line in sight
    int lines; // written so far
};

void paper_line(struct paper *p, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Two texts in one line, the second one from `column` on; both may be NULL.
void paper_pair(struct paper *p, int column, enum style left_style, const char *left,
                enum style right_style, const char *right);

// Where `top` stands after a moving action, for `lines` lines in `rows` rows; any other action
// leaves it (within what there is).
int paper_scroll(int top, int lines, int rows, enum action action);

#endif
