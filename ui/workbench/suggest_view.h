// Which blocks to thaw, as the trainer found out: a list over the view, whose rows can be applied.
// The first row is what is suggested, the others are the blocks by rank.
#ifndef THAW_WORKBENCH_SUGGEST_VIEW_H
#define THAW_WORKBENCH_SUGGEST_VIEW_H

#include "ui/workbench/scene.h"

struct suggest_view {
    int64_t command; // the number of the command that asked; not taken yet: it is being found out
    int cursor, top; // rows
    int rows;        // in sight at the last drawing
};

// Moves the cursor; false when the action is none that moves.
bool suggest_view_act(struct suggest_view *v, const struct scene *s, enum action action);

// The change of settings that the row under the cursor stands for, appended to `out`; false when
// there is none yet.
bool suggest_view_change(const struct suggest_view *v, const struct scene *s, struct text *out);

void suggest_view_draw(struct area area, const struct scene *s, struct suggest_view *v);
void suggest_view_footer(struct area area, const struct suggest_view *v, const struct scene *s);

#endif
