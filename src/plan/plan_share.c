#include "plan/plan_share.h"

// Backward visits nodes with falling index: at node i, the gradients of nodes below i are still to
// be read, and consumers below i are still to add to them.

// The node below `i` that next adds to the gradient of `node`, or -1.
static int next_writer(const struct plan *plan, int node, int i) {
    for (int c = i - 1; c > node; c--)
        for (int k = 0; k < plan->model->nodes[c].op->inputs; k++)
            if (plan->model->nodes[c].in[k] == node && plan->nodes[c].grad_in[k])
                return c;
    return -1;
}

// Whether `from`, the input of node i, can have the buffer that i is in: others that are in it and
// still to be read must be read before it changes, and it before they do.
static bool may_share(const struct plan *plan, const int *owner, int i, int from, bool changes) {
    for (int m = i - 1; m > 0; m--) {
        if (m == from || owner[m] != owner[i])
            continue;
        if (changes || next_writer(plan, from, i) >= m || next_writer(plan, m, i) >= from)
            return false;
    }
    return true;
}

void plan_share_gradients(const struct plan *plan, int *owner) {
    const struct model *m = plan->model;
    for (int i = 0; i < m->node_count; i++)
        owner[i] = i;
    for (int i = m->node_count - 1; i > 0; i--) {
        const enum op_back back = m->nodes[i].op->back;
        const struct plan_node *mark = &plan->nodes[i];
        for (int k = 0; mark->wanted && back != OP_BACK_ELSEWHERE && k < m->nodes[i].op->inputs;
             k++) {
            const int from = m->nodes[i].in[k];
            if (mark->grad_in[k] && !mark->add_in[k] && owner[from] == from &&
                may_share(plan, owner, i, from, back == OP_BACK_IN_PLACE))
                owner[from] = owner[i];
        }
    }
}
