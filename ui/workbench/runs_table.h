// The table of runs: what each was, and how it went.
#ifndef THAW_WORKBENCH_RUNS_TABLE_H
#define THAW_WORKBENCH_RUNS_TABLE_H

#include "ui/workbench/draw.h"
#include "ui/workbench/runs_list.h"

enum { RUNS_HEADER = 1 }; // rows

// Rows from `top` on below a header; with a sample of its curve at the left where that is shown.
void runs_table_draw(struct area area, const struct runs_list *l, const struct scene *s, int cursor,
                     int top, enum raster_kind raster);

// Rows that the whole table takes.
int runs_table_rows(const struct runs_list *l);

// "this session", "branch 1", "runs/head-1", "runs/head-1/1". Returns out.
const char *runs_label(const struct runs_list *l, int row, char out[256]);

// The style of its curves, as in the train view; STYLE_TRAIN when they are not shown there.
enum style runs_style(const struct runs_list *l, const struct scene *s, int row);

#endif
