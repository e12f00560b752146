// Turns the flags into the exact work of one step: which nodes run backward, what is saved, where
// every buffer lies, and what it costs. A plan is plain data, computed without touching weights, so
// that the workbench can dry-run one for every row under the cursor.
#ifndef THAW_PLAN_H
#define THAW_PLAN_H

#include "model/freeze.h"
#include "model/model.h"

enum plan_purpose {
    PLAN_TRAIN,
    PLAN_EVALUATE, // forward only, stored statistics, no dropout
};

struct plan_options {
    enum plan_purpose purpose;
    int n;                     // samples in a batch
    struct pool *pool;         // that will run it: scratch space depends on its threads
    float smoothing;           // label smoothing of the loss
    const float *class_weight; // [classes], of the loss; NULL: 1 each. Must outlive the plan.
    bool prefix_dropout;       // keep dropout active in the gradient-free prefix too
    bool precise;              // only direct convolutions
    bool unpruned; // for tests and the probe: backward visits everything, as if all were thawed,
                   // but in the modes of `flags`
};

enum { PLAN_NONE = -1 };

// What a step does at one node. Offsets are in floats from the start of the arena.
struct plan_node {
    bool wanted;      // backward visits it: its output needs a gradient
    bool pure;        // it and its whole ancestry depend on the sample and frozen weights alone
    bool batch_stats; // norm: by the batch
    int head;         // the node before it that does it in passing; or 0 (plan_tail.h)
    int next;         // the node that is done behind this one in passing; or 0
    bool back_done;   // a ReLU whose backward the BatchNorm before it does in passing
    bool drop;        // dropout: active
    bool grad_in[OP_INPUTS], add_in[OP_INPUTS];
    bool grad_param[OP_PARAMS], add_param[OP_PARAMS];
    ptrdiff_t out, grad, keep; // PLAN_NONE where there is none
    ptrdiff_t norm;            // scale and shift of a BatchNorm that is done in passing
};

struct plan_cost {
    double forward, data, weight; // FLOPs per sample
    size_t bytes;                 // of the arena
};

// The tensors that leave the pure, gradient-free prefix: what a cache would keep of each sample.
struct plan_cut {
    int *nodes; // rising; node 0 is the input itself
    int count;
    size_t floats;  // per sample
    double forward; // FLOPs per sample that a cache would save
};

struct plan {
    const struct model *model;
    struct plan_options options;
    struct plan_node *nodes; // [model->node_count]
    ptrdiff_t *param_grad;   // [model->param_count]: where the gradient of a storage lies
    int *param_rows;         // [model->param_count]: of how many rows it is at most (gradient.h),
                             // whose numbers lie behind them; 0: of all
    ptrdiff_t scratch;       // where the scratch of all calls lies
    size_t floats;           // size of the arena
    bool trains;             // backward has something to do
    struct plan_cut cut;
    struct plan_cost cost;
};

// Never fails: a plan for any flags is legal. Free with plan_close.
struct plan *plan_make(const struct flags *flags, const struct plan_options *options);
void plan_close(struct plan *plan);

// What a step does at node `index` (>= 1), per sample: gradients that are not wanted cost nothing.
// The nodes' sum is plan->cost.
struct op_flops plan_flops(const struct plan *plan, int index);

// Whether a module is a layer of dropout, and that one on.
enum plan_drop { PLAN_NO_DROP, PLAN_DROP_OFF, PLAN_DROP_ON };
enum plan_drop plan_drop(const struct plan *plan, int module);
// "on", "off", or NULL for what is no dropout.
const char *plan_drop_name(enum plan_drop drop);

// The elements of a row of a storage that has rows; and where the numbers of those that have a
// gradient lie, behind how many they are: PLAN_NONE where it is of all.
size_t plan_row_width(const struct plan *plan, int storage);
ptrdiff_t plan_param_row(const struct plan *plan, int storage);

// The call of node `index` (>= 1), with buffers in `arena` and values in `weights`. Both may be
// NULL: pointers then only tell what is wanted and must not be followed. An input that is node 0
// has no buffer: the caller sets it to the batch, and so the lengths of texts.
struct op_call plan_call(const struct plan *plan, const struct weights *weights, float *arena,
                         int index);

#endif
