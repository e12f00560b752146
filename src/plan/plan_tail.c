#include "plan/plan_tail.h"
#include "base/xalloc.h"
#include <stdlib.h>

// OP_TAIL_*, or 0.
static unsigned tail_part(const struct plan *plan, int index) {
    const struct operation *op = plan->model->nodes[index].op;
    if (op->affine)
        return plan->nodes[index].batch_stats ? 0 : OP_TAIL_NORM;
    return op == &op_add ? OP_TAIL_ADD : op == &op_relu ? OP_TAIL_RELU : 0;
}

static int other_input(const struct node *node, int one) {
    return node->in[0] == one ? node->in[1] : node->in[0];
}

// Whether backward of a node reads its input.
static bool reads_input(const struct plan *plan, int index) {
    const struct operation *op = plan->model->nodes[index].op;
    struct op_call call = plan_call(plan, NULL, NULL, index);
    return plan->nodes[index].wanted && op->reads && (op->reads(&call) & OP_READS_IN);
}

// Whether node `next`, which alone reads `end`, may join the chain of `head` behind it.
static bool may_join(const struct plan *plan, int head, int end, int next, unsigned before) {
    const struct node *node = &plan->model->nodes[next];
    const unsigned part = tail_part(plan, next);
    if (!(part & plan->model->nodes[head].op->tail) || part <= before || plan->nodes[next].head)
        return false;
    if (part == OP_TAIL_ADD) {
        const int other = other_input(node, end);
        if (other == 0 || other >= head) // not at hand when the head runs
            return false;
    }
    return !reads_input(plan, next);
}

static void mark_chain(struct plan *plan, const int *reader, int head) {
    unsigned before = 0;
    for (int end = head; reader[end] > 0;) {
        const int next = reader[end];
        if (!may_join(plan, head, end, next, before))
            return;
        plan->nodes[end].next = next;
        plan->nodes[next].head = head;
        before = tail_part(plan, next);
        end = next;
    }
}

// Whether BatchNorm `index` does the backward of a ReLU behind it. Not where a sum hands that one
// its gradient, which may then be another one's as well (plan_share.h).
static bool does_backward(const struct plan *plan, int index) {
    const struct model *m = plan->model;
    const int relu = plan->nodes[index].next;
    if (m->nodes[relu].op != &op_relu || !plan->nodes[index].batch_stats)
        return false;
    for (int i = relu + 1; i < m->node_count; i++)
        for (int k = 0; k < m->nodes[i].op->inputs; k++)
            if (m->nodes[i].in[k] == relu && m->nodes[i].op->back == OP_BACK_SAME)
                return false;
    return reads_input(plan, index);
}

void plan_tail_mark(struct plan *plan) {
    const struct model *m = plan->model;
    int *reader = xcalloc((size_t)m->node_count, sizeof *reader); // the only one; -1: several
    for (int i = 1; i < m->node_count; i++)
        for (int k = 0; k < m->nodes[i].op->inputs; k++) {
            int *of = &reader[m->nodes[i].in[k]];
            *of = *of ? -1 : i;
        }
    for (int i = 1; i < m->node_count; i++)
        if (m->nodes[i].op->tail && !plan->nodes[i].head)
            mark_chain(plan, reader, i);
    free(reader);
    for (int i = 1; i < m->node_count; i++)
        if (plan->nodes[i].next)
            plan->nodes[plan->nodes[i].next].back_done = does_backward(plan, i);
}

void plan_tail_forward(const struct plan *plan, const struct weights *weights, float *arena,
                       int index, int last, struct op_call *call) {
    for (int end = index; end != last; end = plan->nodes[end].next) {
        const int next = plan->nodes[end].next;
        const struct node *node = &plan->model->nodes[next];
        if (node->op->affine) {
            const struct op_call norm = plan_call(plan, weights, arena, next);
            float *scale = arena + plan->nodes[index].norm, *shift = scale + node->shape.c;
            node->op->affine(&norm, scale, shift);
            call->tail.scale = scale;
            call->tail.shift = shift;
        } else if (node->op == &op_add) {
            call->tail.add = arena + plan->nodes[other_input(node, end)].out;
        } else {
            call->tail.most = relu_limit(&node->attr);
        }
    }
    plan->model->nodes[index].op->forward(call);
}
