// How long training takes on this machine: measured, not looked up.
#ifndef THAW_UI_TIMING_H
#define THAW_UI_TIMING_H

#include "training/training.h"

// Seconds for a step with a whole batch as things stand: the median of some, after one to warm up.
// Trains these steps.
bool timing_step(struct training *t, double *seconds, struct error *error);

// "60s", "1.5m": a time, in seconds. False when it is none.
bool timing_parse(const char *text, double *seconds);
#define TIMING_USAGE "--budget %s: give a time such as 60s or 5m"

// Sets train.epochs to as many as fit into `budget` seconds on this machine, evaluating and saving
// included; at least one. With what is thawed at the beginning, or under one more `setting` (NULL:
// none).
bool timing_budget(struct experiment *e, double budget, int threads, const char *setting,
                   struct error *error);

#endif
