// Auto-RGN (Lee et al. 2023, Surgical Fine-Tuning, section 5): each part of a network learns at a
// rate in proportion to its relative gradient norm, the largest at the full rate, found anew at the
// beginning of every epoch.
#ifndef THAW_STRATEGY_RATES_H
#define THAW_STRATEGY_RATES_H

#include "training/training.h"

enum { RATES_BATCHES = 5 }; // the authors' code looks at as many

// Whether they are to be found now: the experiment asks for it, an epoch is about to begin, and it
// has not been done at this step.
bool rates_due(const struct training *t);

// Appends the change of settings: "rates 0.31 1 ...", a multiplier for each part, 1 at most and for
// the largest of what is thawed. Nothing when the loss is not finite: the step will tell. Probes
// the first batches of the epoch, frozen parts too, and changes nothing. Fails when the plan does
// not fit in memory or a sample cannot be read.
bool rates_find(struct training *t, struct text *out, struct error *error);

#endif
