// What the files of the sweep share.
#ifndef THAW_SWEEP_PARTS_H
#define THAW_SWEEP_PARTS_H

#include "experiment/experiment.h"
#include "sweep/sweep.h"

enum { SWEEP_AXES = 16, SWEEP_ARMS = 10000 };

// What the document holds, before it is multiplied out.
struct sweep_variant {
    char *name;
    int line, column;
    struct sweep_sets sets;
};

struct sweep_axis {
    const struct experiment_key *key;
    struct sweep_sets values; // "optim.lr=0.05" each
};

struct sweep_plan {
    struct sweep_variant *variants;
    int variant_count;
    struct sweep_axis axes[SWEEP_AXES];
    int axis_count;
    int line, column; // of the grid
};

void sweep_sets_add(struct sweep_sets *s, char *item); // takes it over
void sweep_sets_close(struct sweep_sets *s);
void sweep_plan_close(struct sweep_plan *p);

// Whether a key is the one that is chosen for each variant.
bool sweep_is_rate(const struct experiment_key *key);

// Multiplies variants and axes out to arms. Fails when there are too many, or two of one name; the
// error has no place.
bool sweep_multiply(struct sweep *s, const struct sweep_plan *p, struct error *error);

#endif
