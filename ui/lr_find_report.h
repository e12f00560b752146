// A learning-rate range test in words and as a chart, the same in a terminal's lines and in the
// workbench.
#ifndef THAW_UI_LR_FIND_REPORT_H
#define THAW_UI_LR_FIND_REPORT_H

#include "base/text.h"
#include "strategy/lr_find.h"
#include "ui/report/chart.h"

// A rate to begin with. `text` has as many digits as it is worth, as settings and experiments take
// it.
struct lr_find_choice {
    char text[16];
    const char *why;
};

enum { LR_FIND_CHOICES = 2 };

// Returns how many there are.
int lr_find_choices(const struct lr_find *f, struct lr_find_choice out[LR_FIND_CHOICES]);

// What else there is to say, a line each; nothing, often.
void lr_find_say(const struct lr_find *f, struct text *out);

// What rose far above the rest is left out, so that the rest can be seen. Points into itself: not
// to be moved.
struct lr_find_chart {
    struct chart chart;
    struct chart_line lines[2];
    struct chart_mark marks[2];
    double *loss, *smoothed;
};
void lr_find_chart_open(struct lr_find_chart *c, const struct lr_find *f); // f must outlive it
void lr_find_chart_close(struct lr_find_chart *c);

#endif
