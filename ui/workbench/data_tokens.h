// What a language model says of one text: the text, its tokens with those that it was to predict in
// brackets, and what it said for each.
#ifndef THAW_WORKBENCH_DATA_TOKENS_H
#define THAW_WORKBENCH_DATA_TOKENS_H

#include "ui/workbench/scene.h"

// The text of prediction number `chosen`, whose line is always among those that have room.
void data_tokens_draw(struct area area, const struct scene *s, int chosen);

#endif
