// What an evaluation comes to, as lines of text.
#ifndef THAW_UI_FIGURES_TABLE_H
#define THAW_UI_FIGURES_TABLE_H

#include "training/figures.h"
#include <stdio.h>

// A line with the scores; and, of at most FIGURES_TABLE_CLASSES classes, a table of them.
enum { FIGURES_TABLE_CLASSES = 20 };
void figures_table_print(const struct figures *f, FILE *out);

#endif
