// The layer tree: rows from blocks down to single parameters, with state, live values, cursor,
// range and filter. Used by the train view (narrow) and the layers view (all columns, sortable).
#ifndef THAW_WORKBENCH_TREE_H
#define THAW_WORKBENCH_TREE_H

#include "ui/workbench/scene.h"

struct tree_row {
    int module; // -1 for a parameter row
    int param;  // -1 for a module row; a BatchNorm's statistics are one row (its running_mean)
    int depth;
};

// What a row shows. Which of them are drawn follows from the room that there is.
enum tree_column {
    TREE_NAME, // with marks for state, pending and tied
    TREE_KIND,
    TREE_SHAPE,
    TREE_PARAMS, // weights and biases; of a statistics row: the statistics
    TREE_FLOPS,  // of a step on one image, forward and backward
    TREE_TIME,   // share of the last step
    TREE_GRADIENT,
    TREE_TREND,  // the gradient norm over the last steps
    TREE_UPDATE, // |change| / |weights|; of a module: the largest of its weights
    TREE_DRIFT,  // |weights - start| / |start|; of a module: the largest of its weights
    TREE_LR,
    TREE_COLUMNS,
};

// What a step would do with the wanted flags; kept until they change.
struct tree_plan {
    struct flags flags;   // that it is for
    bool *live;           // [module_count]: some node of the subtree needs a gradient
    double *flops;        // [module_count]: of the subtree
    enum plan_drop *drop; // [module_count]
};

struct tree {
    struct tree_row *rows; // the visible ones
    int count, cursor;
    int top;         // the first line shown; the rule where the frozen prefix ends is a line, too
    int cut;         // the rule stands in front of this row; -1: there is none
    bool *open;      // [module_count]
    int range;       // the other end of a range, or -1
    char filter[64]; // a pattern, or a part of names; "": none
    int sort;        // enum tree_column, largest first, without parents; TREE_NAME: in order
    bool wide;       // modules without parameters are rows, too, and `sort` is heeded
    struct tree_plan plan;
};

// Everything down to the blocks is open, blocks and leaves are closed. A NULL model: no rows.
void tree_open(struct tree *t, const struct model *model);
void tree_close(struct tree *t);

// Rebuilds the visible rows after opening, closing, filtering or sorting; the cursor stays on its
// row, or on the nearest that is left.
void tree_rebuild(struct tree *t, const struct scene *s);

// Handles moving, opening and closing (also by Enter), range and sorting, and Escape while there is
// a range or a filter; false when the action is not the tree's.
bool tree_act(struct tree *t, const struct scene *s, enum action action, int page);

// The text that a setting action means here ("thaw layer1", "thaw layer3; thaw fc"), as
// settings_apply takes it; at most COMMAND_TEXT - 1 bytes. False when it means nothing: the text is
// then why, for a person, or empty. Flags look at the wanted settings.
//     TOGGLE     the row, or all rows of the range: frozen when all is thawed, otherwise thawed.
//                With a filter: what matches in them.
//     ONLY       the same rows
//     THAW_FROM  the row's module and everything behind it
//     FREEZE_TO  everything up to and with the row's module
//     HEAD, ALL, NORMS
bool tree_command(const struct tree *t, const struct scene *s, enum action action, char *text,
                  int size);

// Draws rows that fit; the header is in the first row of the area. `wide`: every column.
void tree_draw(struct area area, const struct scene *s, struct tree *t, bool wide);
// The row at a screen position within the area, or -1.
int tree_row_at(const struct tree *t, struct area area, int row);

#endif
