// Bands: which blocks of a run were frozen at which steps, a row for each block, by mark and
// colour.
#ifndef THAW_WORKBENCH_RUNS_BANDS_H
#define THAW_WORKBENCH_RUNS_BANDS_H

#include "ui/workbench/draw.h"
#include "ui/workbench/runs_list.h"

enum { RUNS_BANDS = 32 };

// One row of the list: its title, and below that its blocks, or why there are none.
struct runs_band {
    int row;
    int lines; // below the title
    bool top;  // modules right below the root, in place of single blocks
};

struct runs_bands {
    struct runs_band items[RUNS_BANDS];
    int count, lines; // with titles
    int gutter;       // columns for names
    int64_t to;       // the last step of all
};

// The row under the cursor, then those whose curves are shown, as far as there is room.
struct runs_bands runs_bands_fit(const struct runs_list *l, const struct scene *s, int cursor,
                                 int room);

// Below each other; steps 0 .. b->to from column b->gutter on.
void runs_bands_draw(struct area area, const struct runs_bands *b, const struct runs_list *l,
                     const struct scene *s);

#endif
