// Which modules of a network stand for it, a row each.
#ifndef THAW_UI_BLOCKS_H
#define THAW_UI_BLOCKS_H

#include "model/model.h"

// In order: blocks, the head, and what else has parameters and stands outside of blocks. Fills
// out[module_count]; returns how many.
int blocks_of(const struct model *model, int *out);

// The modules right below the root that have parameters.
int blocks_top(const struct model *model, int *out);

#endif
