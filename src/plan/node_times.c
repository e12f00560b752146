#include "plan/node_times.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "plan/plan_tail.h"
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 5 };
static const double NEVER = 1e30;

static double now(const struct op_call *call) {
    return clock_work_seconds(pool_threads(call->pool));
}

static void keep_least(const struct op_call *call, double *best, double start) {
    double took = now(call) - start;
    *best = took < *best ? took : *best;
}

static void time_backward(const struct operation *op, const struct op_call *call, double *best) {
    const double start = now(call);
    op->backward(call);
    keep_least(call, best, start);
}

// Each gradient alone, and both together, which may share work.
struct backward_times {
    double data, weight, both;
};

static void measure_backward(const struct operation *op, const struct op_call *call,
                             struct backward_times *best) {
    struct op_call data = *call, weight = *call;
    memset(data.dparam, 0, sizeof data.dparam);
    memset(weight.din, 0, sizeof weight.din);
    bool has_data = false, has_weight = false;
    for (int k = 0; k < OP_INPUTS; k++)
        has_data |= data.din[k].to != NULL;
    for (int k = 0; k < OP_PARAMS; k++)
        has_weight |= weight.dparam[k].to != NULL;
    if (has_data)
        time_backward(op, &data, &best->data);
    if (has_weight)
        time_backward(op, &weight, &best->weight);
    if (has_data && has_weight)
        time_backward(op, call, &best->both);
}

// Forward and then backward, as in a step.
static void sweep(const struct pass *pass, double *forward, struct backward_times *backward) {
    const int nodes = pass->plan->model->node_count;
    for (int i = 1; i < nodes; i++) {
        struct op_call call = pass_call(pass, i);
        const double start = now(&call);
        int last = i;
        while (pass->plan->nodes[last].next)
            last = pass->plan->nodes[last].next;
        if (!pass->plan->nodes[i].head)
            plan_tail_forward(pass->plan, pass->weights, pass->arena.base, i, last, &call);
        keep_least(&call, &forward[i], start);
    }
    for (int i = nodes - 1; i > 0; i--) {
        const struct op_call call = pass_call(pass, i);
        if (pass->plan->nodes[i].wanted && !pass->plan->nodes[i].back_done)
            measure_backward(pass->plan->model->nodes[i].op, &call, &backward[i]);
    }
}

// What was never measured takes no time.
static struct node_times shares(double forward, const struct backward_times *b) {
    const double data = b->data < NEVER ? b->data : 0, weight = b->weight < NEVER ? b->weight : 0;
    const double share = b->both < NEVER && data + weight > 0 ? b->both / (data + weight) : 1;
    return (struct node_times){.forward = forward, .data = share * data, .weight = share * weight};
}

static struct node_times *measure(const struct pass *pass) {
    const size_t count = (size_t)pass->plan->model->node_count;
    struct node_times *nodes = xcalloc(count, sizeof *nodes);
    struct backward_times *backward = xcalloc(count, sizeof *backward);
    double *forward = xcalloc(count, sizeof *forward);
    for (size_t i = 0; i < count; i++) {
        backward[i] = (struct backward_times){NEVER, NEVER, NEVER};
        forward[i] = NEVER;
    }
    for (int i = 0; i < SWEEPS; i++)
        sweep(pass, forward, backward);
    for (size_t i = 1; i < count; i++)
        nodes[i] = shares(forward[i], &backward[i]);
    free(backward);
    free(forward);
    return nodes;
}

struct node_times *node_times_measure(const struct pass *pass, const struct plan *plan,
                                      const struct batch *batch, struct error *error) {
    struct pass own = {.weights = pass->weights};
    struct node_times *nodes = NULL;
    if (pass_use(&own, plan, error)) {
        pass_forward(&own, batch, 0);
        nodes = measure(&own);
    }
    pass_close(&own);
    return nodes;
}

double node_times_sum(const struct node_times *nodes, const struct model *model, const bool *skip) {
    double sum = 0;
    for (int i = 1; i < model->node_count; i++)
        sum += (skip && skip[i] ? 0 : nodes[i].forward) + nodes[i].data + nodes[i].weight;
    return sum;
}
