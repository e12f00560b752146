// The data: validation pictures or texts with what the model says of them, its worst mistakes, the
// confusion matrix and the figures of each class, from the last evaluation.
#ifndef THAW_WORKBENCH_DATA_VIEW_H
#define THAW_WORKBENCH_DATA_VIEW_H

#include "ui/workbench/scene.h"

enum data_page { DATA_SAMPLES, DATA_MISTAKES, DATA_MATRIX, DATA_CLASSES, DATA_PAGES };

struct data_view {
    enum data_page page;
    int cursor, top; // of the list of samples or mistakes
    int scroll;      // of the matrix or the classes
};

void data_view_act(struct data_view *v, const struct scene *s, enum action action, int rows);
void data_view_draw(struct area area, const struct scene *s, const struct data_view *v);
// The list's row at a place on the screen, or -1.
int data_view_row_at(const struct data_view *v, const struct scene *s, struct area area, int row,
                     int column);

// Indices into the predictions: all of them in order, or the wrong ones, the surest first. The
// caller frees `*out`; returns how many.
int data_view_order(const struct predictions *p, enum data_page page, int **out);

#endif
