// What each node of a network costs when everything is thawed, pass by pass: for bench-step.
#ifndef TESTS_BENCH_STEP_NODES_H
#define TESTS_BENCH_STEP_NODES_H

#include "plan/pass.h"

// Seconds for a batch: the quickest of a few times.
struct step_nodes {
    double forward, data, weight;
};

// One for each node of pass's model. Runs every node in a plan of its own in which everything is
// thawed; its buffers hold no meaning. The running statistics in pass->weights move. The caller
// frees the result.
struct step_nodes *step_nodes_measure(const struct pass *pass, const struct batch *batch);

// Sums over the nodes: of everything, and of what `plan` does, without what `cut` (or NULL) spares.
struct step_ceiling {
    double all, planned;
};
struct step_ceiling step_nodes_ceiling(const struct step_nodes *nodes, const struct plan *plan,
                                       const struct pass_cut *cut);

// A line for each node that takes at least a thousandth of the whole: milliseconds and, for
// convolutions and linear layers, GFLOP/s of forward, gradient of the input, of the weights.
void step_nodes_print(const struct step_nodes *nodes, const struct plan *plan);

#endif
