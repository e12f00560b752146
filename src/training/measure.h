// What the layer tree shows while a training goes on: gradient norms, how far an update moves the
// weights, how far they have drifted from the start, where the time goes. Watching only: no result
// depends on it. Owned by the trainer thread.
#ifndef THAW_MEASURE_H
#define THAW_MEASURE_H

#include "plan/pass.h"
#include "session/snapshot.h"
#include "training/optim.h"

struct measure {
    const struct model *model;
    struct layers_snapshot values;
    float *start, *before; // weights at the start, and in front of a measured update
    double next;           // time from which on the next step is measured
    bool due;              // the step at hand is
    bool probing;          // frozen layers keep the gradient norm of the last probe
};

// `start`: the weights before the first step, copied.
void measure_open(struct measure *m, const struct weights *start);
void measure_close(struct measure *m);

// Around optim_update. Norms of gradients and times are taken at every step; updates and drifts
// some ten times a second, as they read the weights again.
void measure_before(struct measure *m, const struct weights *w);
void measure_after(struct measure *m, const struct weights *w, const struct optim *o,
                   const struct optim_step *step, const struct pass *pass);

// Gradient norms of a pass that visited everything: fills in those that the step does not have.
void measure_probe(struct measure *m, const struct pass *pass, const struct flags *flags);

#endif
