// Runs a plan: forward, loss, backward. Owned by the trainer thread.
#ifndef THAW_PASS_H
#define THAW_PASS_H

#include "base/arena.h"
#include "base/pool.h"
#include "ops/gradient.h"
#include "plan/plan.h"

// A batch as the loader hands it over. [n][h][w][c], normalised; texts: [n][tokens] ids, -1 behind
// the last one.
struct batch {
    int n;
    float *x;
    int *label;
    uint32_t *sample; // index in the data set, for random draws
    // Samples of which what the frozen prefix makes is known may be left out of x:
    int spared;    // how many are
    int *row;      // [n]: where a sample stands in x, or -1; NULL: none is left out
    uint32_t view; // which of its views an augmented sample shows
    int *target;   // [n][tokens], for a masked language model: the ids to be predicted, or -1
};

// The tensors of a cut, one row a sample of the batch: given, so that what is behind them needs not
// run, or to be taken down as they are computed.
struct pass_cut {
    const ptrdiff_t *place; // [node_count]: where a node of the cut begins in a row, or -1
    const bool *skip;       // [node_count]: needs not run when they are given
    void *const *rows;      // [n] of floats; NULL: nowhere
    bool half;              // what is computed is rounded to bfloat16, and rows are of these
    bool given;
};

struct pass {
    struct weights *weights;
    struct arena arena;
    const struct plan *plan;
    const struct batch *batch; // of the last forward
    int *length;               // [options.n], of texts: tokens of each sample of the batch
    int *picked;               // [options.n], of texts: tokens to be predicted, where node.picked
    int *row_label; // [options.n][rows], of a language model: the id that each row of logits is to
                    // predict, or -1
    uint64_t seed;  // keys the random draws
    uint32_t step;
    bool cumulative; // running statistics that move become means over the batches counted so far
    bool check;      // look for values that are not finite after every node
    const struct pass_cut *cut; // of the next forward, or NULL
    // Of the last forward:
    double loss;  // mean over the targets, weighted as the plan weighs classes
    int targets;  // labelled samples; of a language model, tokens to be predicted
    int correct;  // targets that have the highest logit (the lowest class wins a tie)
    int bad_node; // with check: the first node whose output is not finite, or -1
    // [node_count]: forward and backward of each node, if not NULL; what a node does in passing is
    // in its own time.
    double *node_seconds;
    // Seconds of the last forward and backward.
    double forward_seconds, backward_seconds;
};

// From now on runs `plan`, which must outlive its use here. Fails when the arena does not fit in
// memory; the old plan then stays.
bool pass_use(struct pass *pass, const struct plan *plan, struct error *error);

// Runs all nodes; `step` keys the random draws. batch->n must not exceed plan->options.n (a smaller
// last batch runs in the same buffers), and the batch must stay until after pass_backward.
void pass_forward(struct pass *pass, const struct batch *batch, uint32_t step);

// Runs only what pass->cut may skip, and takes down the cut's rows. The batch holds none but
// samples that are in x, in its order.
void pass_prefix(struct pass *pass, const struct batch *batch, uint32_t step);

// The gradient of the mean loss for every wanted parameter; 0 where all its labels weigh 0.
void pass_backward(struct pass *pass);

// The plan's call of a node (>= 1), for the batch of the last forward.
struct op_call pass_call(const struct pass *pass, int index);

// [n][classes] of the last forward, of a language model [n][rows][classes]; valid until the next
// one.
const float *pass_logits(const struct pass *pass);

// The class with the highest logit; the lowest one wins a tie.
int pass_highest(const float *logits, int classes);

// The gradient of a parameter's storage after pass_backward, valid until the next pass; its value
// is NULL when it is not wanted.
struct gradient pass_gradient(const struct pass *pass, int param);

void pass_close(struct pass *pass);

#endif
