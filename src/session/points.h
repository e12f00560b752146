// Points of a training that one can go back to, kept within a byte budget: a tensor that did not
// change since the point before is shared with it, and points grow sparser with age. The start and
// every change of settings stay. Owned by the trainer thread.
#ifndef THAW_POINTS_H
#define THAW_POINTS_H

#include "session/snapshot.h"
#include "training/training.h"

struct blob; // the bytes of one tensor, counted by reference

struct point {
    struct point_view view;
    struct blob **blobs;  // [3 * param_count]: value, first and second moment; NULL: none
    int64_t *optim_steps; // [param_count]
    uint64_t *frozen;     // [param_count]: hashes
    struct settings_history history;
    struct tally epoch;
    struct schedule_state scheduled;
    struct tally best; // with its weights, or NULL
    struct blob *best_weights;
    int64_t last_event; // before it
};

struct points {
    struct point *items; // in the order in which they were kept
    int count, room;
    size_t bytes, budget;
};

void points_open(struct points *p, size_t budget);
void points_close(struct points *p);

// Keeps the training as it is now. `view` says step, branch and whether it may be thinned out.
void points_keep(struct points *p, const struct training *t, const struct point_view *view,
                 int64_t last_event);

// Makes the training what it was at a point. Fails when its plan does not fit in memory any more;
// the training then is unchanged.
bool points_restore(const struct point *point, struct training *t, struct error *error);

#endif
