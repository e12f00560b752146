// What was frozen when, along the path of a branch: a state for each module from step to step.
#ifndef THAW_UI_RUNS_MASKS_H
#define THAW_UI_RUNS_MASKS_H

#include "session/event.h"
#include "training/settings.h"

struct runs_mask {
    int64_t step;          // done when it took effect: it holds from the next one on
    char *text;            // what brought it about, "thaw layer1"; NULL: the experiment
    unsigned char *states; // [module_count]: enum freeze_state
    double thawed;         // share of all weights and biases
};

// Zero: not known.
struct runs_masks {
    const struct model *model; // must outlive it
    struct runs_mask *items;   // by step; neighbours differ
    int count;
    int64_t epochs; // asked for at the end of the path
};

// `path`: what happened from the root to the end of a branch, in order; only what changed settings
// is heeded. An error says which text did not fit, and leaves *out empty.
bool runs_masks_read(struct runs_masks *out, const struct model *model, const struct experiment *e,
                     const struct event_list *path, struct error *error);
// The same for a branch of a run by its number, out of all of its events.
bool runs_masks_of_branch(struct runs_masks *out, const struct model *model,
                          const struct experiment *e, const struct event_list *events, int branch,
                          struct error *error);
void runs_masks_close(struct runs_masks *m);

// Of modules that stand for one row, over the steps from + 1 .. to: mixed where they differ, or
// where it changed in between.
enum freeze_state runs_masks_state(const struct runs_masks *m, const int *modules, int count,
                                   int64_t from, int64_t to);

#endif
