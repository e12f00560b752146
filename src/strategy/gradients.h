// Norms of the gradients of a network's parts over some batches.
#ifndef THAW_STRATEGY_GRADIENTS_H
#define THAW_STRATEGY_GRADIENTS_H

#include "plan/pass.h"
#include "strategy/parts.h"

// Sums over the batches so far, of weights and biases, each storage once.
struct gradients {
    const struct model *model;
    int *part;        // [param_count]: of what counts, or -1
    int parts, count; // count: of the batches
    double *norm;     // [parts]: sum of |g|
    double *square;   // [parts]: sum of |g|^2
    double *weight;   // [parts]: |w|
};

// `weights` gives |w|. Close with gradients_close.
struct gradients gradients_open(const struct parts *parts, const struct weights *weights);
void gradients_close(struct gradients *g);

// Adds a batch whose unpruned pass has run backward.
void gradients_add(struct gradients *g, const struct pass *pass);

// The mean of |g| / |w|: the relative gradient norm (RGN) of Lee et al. 2023, Surgical Fine-Tuning,
// section 5. 0 where the weights are.
double gradients_relative(const struct gradients *g, int part);

#endif
