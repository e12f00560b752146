// Where the time of a training's steps goes: for `thaw run --profile`, and bench-step.
#ifndef THAW_UI_PROFILE_H
#define THAW_UI_PROFILE_H

#include "training/profile.h"
#include <stdio.h>

// What one module's subtree takes of a step, in the order of profile_passes.
enum profile_pass { PROFILE_FORWARD, PROFILE_DATA, PROFILE_WEIGHT, PROFILE_PASSES };
struct profile_row {
    double seconds[PROFILE_PASSES];
    double flops[PROFILE_PASSES]; // of its products, as direct arithmetic, for the whole batch
};

// Sums of a module's subtree under `plan`, by the times of its nodes on `batch` samples.
struct profile_row profile_module(const struct plan *plan, int batch,
                                  const struct node_times *nodes, int module);
double profile_seconds(const struct profile_row *row);
double profile_flops(const struct profile_row *row);

// A row for each module that takes a thousandth of the whole, then one for each operation. `peak`:
// of the machine, FLOPs a second.
void profile_print_modules(const struct plan *plan, int batch, const struct node_times *nodes,
                           double peak, FILE *out);

// Profiles the training, and prints it to stdout; returns the exit code. Closes it.
int profile_training(struct training *t, bool json);

#endif
