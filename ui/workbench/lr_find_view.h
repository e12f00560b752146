// The learning-rate range test, as the trainer made it: its curve over the view, and below it the
// rates to begin with, of which one can be put into force.
#ifndef THAW_WORKBENCH_LR_FIND_VIEW_H
#define THAW_WORKBENCH_LR_FIND_VIEW_H

#include "ui/workbench/scene.h"

struct lr_find_view {
    int64_t command; // the number of the command that asked; not taken yet: the test is under way
    int cursor;      // among the choices
};

// Moves the cursor; false when the action is none that moves.
bool lr_find_view_act(struct lr_find_view *v, const struct scene *s, enum action action);

// The change of settings that the choice under the cursor stands for, appended to `out`; false when
// there is none.
bool lr_find_view_change(const struct lr_find_view *v, const struct scene *s, struct text *out);

void lr_find_view_draw(struct area area, const struct scene *s, const struct lr_find_view *v);
void lr_find_view_footer(struct area area, const struct lr_find_view *v, const struct scene *s);

#endif
