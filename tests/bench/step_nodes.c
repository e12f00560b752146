#include "tests/bench/step_nodes.h"
#include "base/xalloc.h"
#include "plan/plan_tail.h"
#include "tests/bench/bench_clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 5 };

static double now(const struct op_call *call) {
    return bench_seconds(pool_threads(call->pool));
}

static void keep_least(const struct op_call *call, double *best, double start) {
    double took = now(call) - start;
    *best = took < *best ? took : *best;
}

static struct op_call node_call(const struct pass *pass, const struct batch *batch, int index) {
    const struct node *node = &pass->plan->model->nodes[index];
    struct op_call call = plan_call(pass->plan, pass->weights, pass->arena.base, index);
    for (int k = 0; k < node->op->inputs; k++)
        if (node->in[k] == 0)
            call.in[k] = batch->x;
    call.label = batch->label;
    call.sample = batch->sample;
    call.length = pass->plan->model->text ? pass->length : NULL;
    return call;
}

static void measure_backward(const struct operation *op, const struct op_call *call,
                             struct step_nodes *best) {
    struct op_call data = *call, weight = *call;
    memset(data.dparam, 0, sizeof data.dparam);
    memset(weight.din, 0, sizeof weight.din);
    bool has_data = false, has_weight = false;
    for (int k = 0; k < OP_INPUTS; k++)
        has_data |= data.din[k].to != NULL;
    for (int k = 0; k < OP_PARAMS; k++)
        has_weight |= weight.dparam[k].to != NULL;
    double start = now(call);
    if (has_data)
        op->backward(&data);
    keep_least(call, &best->data, start);
    start = now(call);
    if (has_weight)
        op->backward(&weight);
    keep_least(call, &best->weight, start);
}

// Forward and then backward, as in a step.
static void sweep(const struct pass *pass, const struct batch *batch, struct step_nodes *best) {
    const int nodes = pass->plan->model->node_count;
    for (int i = 1; i < nodes; i++) {
        struct op_call call = node_call(pass, batch, i);
        double start = now(&call);
        int last = i;
        while (pass->plan->nodes[last].next)
            last = pass->plan->nodes[last].next;
        if (!pass->plan->nodes[i].head)
            plan_tail_forward(pass->plan, pass->weights, pass->arena.base, i, last, &call);
        keep_least(&call, &best[i].forward, start);
    }
    for (int i = nodes - 1; i > 0; i--) {
        struct op_call call = node_call(pass, batch, i);
        if (pass->plan->nodes[i].wanted)
            measure_backward(pass->plan->model->nodes[i].op, &call, &best[i]);
        else
            best[i].data = best[i].weight = 0;
    }
}

struct step_nodes *step_nodes_measure(const struct pass *pass, const struct batch *batch) {
    static const char *const rules[] = {"thaw all"};
    const struct model *model = pass->plan->model;
    struct flags flags = flags_open(model);
    struct error error;
    freeze_apply_all(&flags, BN_BATCH, rules, 1, &error);
    struct plan *plan = plan_make(&flags, &pass->plan->options);
    struct pass all = {.weights = pass->weights};
    struct step_nodes *nodes = xcalloc((size_t)model->node_count, sizeof *nodes);
    if (!pass_use(&all, plan, &error)) {
        fprintf(stderr, "bench-step: %s\n", error.text);
        exit(2);
    }
    if (model->text)
        memcpy(all.length, pass->length, (size_t)batch->n * sizeof *all.length);
    for (int i = 1; i < model->node_count; i++)
        nodes[i] = (struct step_nodes){1e30, 1e30, 1e30};
    for (int i = 0; i < SWEEPS; i++)
        sweep(&all, batch, nodes);
    pass_close(&all);
    plan_close(plan);
    flags_close(&flags);
    return nodes;
}

struct step_ceiling step_nodes_ceiling(const struct step_nodes *nodes, const struct plan *plan,
                                       const struct pass_cut *cut) {
    struct step_ceiling sum = {0};
    for (int i = 1; i < plan->model->node_count; i++) {
        const struct plan_node *mark = &plan->nodes[i];
        sum.all += nodes[i].forward + nodes[i].data + nodes[i].weight;
        bool data = false, weight = false;
        for (int k = 0; k < OP_INPUTS; k++)
            data |= mark->grad_in[k];
        for (int k = 0; k < OP_PARAMS; k++)
            weight |= mark->grad_param[k];
        sum.planned += cut && cut->skip[i] ? 0 : nodes[i].forward;
        sum.planned += (data ? nodes[i].data : 0) + (weight ? nodes[i].weight : 0);
    }
    return sum;
}

static void print_pass(double seconds, double flops) {
    printf("  %8.3f", 1e3 * seconds);
    if (flops > 0 && seconds > 0)
        printf(" %6.0f", flops / seconds * 1e-9);
    else
        printf(" %6s", "");
}

static void print_node(const struct step_nodes *s, const struct plan *plan, int index) {
    const struct node *node = &plan->model->nodes[index];
    const bool products = node->op == &op_conv2d || node->op == &op_linear;
    struct shape in[OP_INPUTS] = {{0}};
    for (int k = 0; k < node->op->inputs; k++)
        in[k] = plan->model->nodes[node->in[k]].shape;
    const double n = products ? plan->options.n : 0;
    const struct op_flops flops = node->op->flops(&node->attr, in, node->shape);
    printf("%-28s %-14s", plan->model->modules[node->module].name, node->op->name);
    print_pass(s->forward, n * flops.forward);
    print_pass(s->data, n * flops.data);
    print_pass(s->weight, n * flops.weight);
    printf("\n");
}

void step_nodes_print(const struct step_nodes *nodes, const struct plan *plan) {
    const double all = step_nodes_ceiling(nodes, plan, NULL).all;
    printf("%-43s  %s\n", "", "forward ms, GFLOP/s    data             weight");
    for (int i = 1; i < plan->model->node_count; i++)
        if (nodes[i].forward + nodes[i].data + nodes[i].weight > 0.001 * all)
            print_node(&nodes[i], plan, i);
    for (int k = 0; operations[k]; k++) {
        struct step_nodes sum = {0};
        for (int i = 1; i < plan->model->node_count; i++) {
            if (plan->model->nodes[i].op != operations[k])
                continue;
            sum.forward += nodes[i].forward;
            sum.data += nodes[i].data;
            sum.weight += nodes[i].weight;
        }
        if (sum.forward > 0)
            printf("all %-15s %8.2f %8.2f %8.2f ms\n", operations[k]->name, 1e3 * sum.forward,
                   1e3 * sum.data, 1e3 * sum.weight);
    }
}
