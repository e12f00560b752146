// What the files of the tree share.
#ifndef THAW_WORKBENCH_TREE_PARTS_H
#define THAW_WORKBENCH_TREE_PARTS_H

#include "ui/workbench/tree.h"

// The module that a row is, or that owns its parameter.
int tree_owner(const struct model *model, const struct tree_row *row);

bool tree_inside(const struct model *model, int module, int param); // param in the subtree
bool tree_has_params(const struct model *model, int module);        // in the subtree

// Whether the row has others below it, shown or not.
bool tree_expandable(const struct tree *t, const struct model *model, int row);
bool tree_expanded(const struct tree *t, int row);

// The filter as a pattern of freeze_match: with `*` or `?`, a preset, or `GLOB.statistics` as it
// is; any other text is a part of names. False without a filter.
enum { TREE_PATTERN = 72 };
bool tree_pattern(const struct tree *t, char out[TREE_PATTERN]);

// What is shown of a row.
struct tree_figures {
    enum freeze_state state; // wanted
    bool pending;            // and not yet in force
    bool tied;
    size_t params;
    double gradient, update, drift, lr, share, flops; // NAN: nothing to show
    bool lr_varies;
};
struct tree_figures tree_figures_of(const struct tree *t, const struct scene *s,
                                    const struct tree_row *row);
double tree_figure(const struct tree_figures *f, enum tree_column column); // NAN: no number

// Brings t->plan up to date.
void tree_plan_update(struct tree *t, const struct scene *s);
void tree_plan_close(struct tree_plan *plan);

#endif
