// What the parts of draw share; not for views.
#ifndef THAW_WORKBENCH_DRAW_PARTS_H
#define THAW_WORKBENCH_DRAW_PARTS_H

#include "ui/workbench/draw.h"
#include <stdint.h>

// One character of one column (or its stand-in), if it lies within the area.
void draw_mark(struct area area, int row, int column, enum style style, uint32_t character);

// What stands for a character in ASCII mode, for any but control characters: 0 to 3 letters of one
// column each and a zero byte. Returns how many. Marks that combine give none, the unknown '?'.
int draw_stand_in(uint32_t character, char out[4]);

// Whether a character only directs others (joiners, directions, variants): drawn as nothing in
// every mode, because terminals do not agree on what it does to the columns.
bool draw_hidden(uint32_t character);

#endif
