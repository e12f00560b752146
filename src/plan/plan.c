#include "plan/plan.h"
#include "base/xalloc.h"
#include "plan/plan_buffers.h"
#include "plan/plan_tail.h"
#include <stdlib.h>
#include <string.h>

static bool trainable(const struct model *m, int param) {
    enum param_kind kind = m->params[param].kind;
    return kind == PARAM_WEIGHT || kind == PARAM_BIAS;
}

// A norm's statistics move: its running_mean is thawed.
static bool statistics_move(const struct flags *f, const struct node *node) {
    for (int k = 0; k < OP_PARAMS; k++) {
        int p = node->param[k];
        if (p >= 0 && f->model->params[p].kind == PARAM_STATISTIC)
            return f->thawed[p];
    }
    return false;
}

// One sweep forward: what needs a gradient. The input never does.
static void mark_wanted(struct plan *plan, const struct flags *f, bool unpruned) {
    const struct model *m = plan->model;
    if (plan->options.purpose != PLAN_TRAIN)
        return;
    for (int i = 1; i < m->node_count; i++) {
        const struct node *node = &m->nodes[i];
        struct plan_node *mark = &plan->nodes[i];
        for (int k = 0; k < OP_PARAMS; k++) {
            int p = node->param[k];
            if (p >= 0 && trainable(m, p) && (f->thawed[p] || unpruned))
                mark->wanted = mark->grad_param[k] = true;
        }
        for (int k = 0; k < node->op->inputs; k++) {
            mark->grad_in[k] = plan->nodes[node->in[k]].wanted;
            mark->wanted |= mark->grad_in[k];
        }
    }
    plan->trains = plan->nodes[m->node_count - 1].wanted;
}

static int reached_rows(const struct plan *plan, int index) {
    const struct node *node = &plan->model->nodes[index];
    const struct shape in = plan->model->nodes[node->in[0]].shape;
    return node->op->reached ? node->op->reached(&node->attr, in, plan->options.n) : 0;
}

// Backward runs from the last node to the first: whoever comes first sets, the others add. Every
// consumer of a wanted output is wanted, so the order is that of the unpruned graph.
static void mark_adds(struct plan *plan) {
    const struct model *m = plan->model;
    bool *node_written = xcalloc((size_t)m->node_count, sizeof *node_written);
    bool *param_written = xcalloc((size_t)m->param_count + 1, sizeof *param_written);
    for (int i = m->node_count - 1; i > 0; i--) {
        const struct node *node = &m->nodes[i];
        struct plan_node *mark = &plan->nodes[i];
        for (int k = 0; k < node->op->inputs; k++) {
            mark->add_in[k] = node_written[node->in[k]];
            node_written[node->in[k]] |= mark->grad_in[k];
        }
        for (int k = 0; k < OP_PARAMS; k++) {
            if (!mark->grad_param[k])
                continue;
            int storage = m->params[node->param[k]].storage;
            mark->add_param[k] = param_written[storage];
            plan->param_rows[storage] = mark->add_param[k] || k > 0 ? 0 : reached_rows(plan, i);
            param_written[storage] = true;
        }
    }
    free(node_written);
    free(param_written);
}

// Whether some consumer of a node needs a gradient.
static bool *mark_feeding(const struct plan *plan) {
    const struct model *m = plan->model;
    bool *feeds = xcalloc((size_t)m->node_count, sizeof *feeds);
    for (int i = 1; i < m->node_count; i++)
        for (int k = 0; k < m->nodes[i].op->inputs; k++)
            feeds[m->nodes[i].in[k]] |= plan->nodes[i].wanted;
    return feeds;
}

static bool may_drop(const struct node *node) {
    return node->op->drops && node->op->drops(&node->attr) > 0;
}

// Dropout is off in the gradient-free prefix; a layer of its own right in front of a thawed layer
// belongs to that one and stays active.
static void mark_modes(struct plan *plan, const struct flags *f) {
    const struct model *m = plan->model;
    bool *feeds = mark_feeding(plan);
    plan->nodes[0].pure = true;
    for (int i = 1; i < m->node_count; i++) {
        const struct node *node = &m->nodes[i];
        struct plan_node *mark = &plan->nodes[i];
        bool train = plan->options.purpose == PLAN_TRAIN;
        mark->batch_stats = train && statistics_move(f, node);
        mark->drop =
            train && may_drop(node) &&
            (mark->wanted || (feeds[i] && node->op == &op_dropout) || plan->options.prefix_dropout);
        mark->pure = node->op->pure && !mark->wanted && !mark->batch_stats && !mark->drop;
        for (int k = 0; k < node->op->inputs; k++)
            mark->pure &= plan->nodes[node->in[k]].pure;
    }
    free(feeds);
}

static struct op_flops node_flops(const struct model *m, int i) {
    const struct node *node = &m->nodes[i];
    struct shape in[OP_INPUTS] = {{0}};
    for (int k = 0; k < node->op->inputs; k++)
        in[k] = m->nodes[node->in[k]].shape;
    return node->op->flops(&node->attr, in, node->shape);
}

struct op_flops plan_flops(const struct plan *plan, int index) {
    const struct plan_node *mark = &plan->nodes[index];
    struct op_flops flops = node_flops(plan->model, index);
    bool data = false, weight = false;
    for (int k = 0; k < OP_INPUTS; k++)
        data |= mark->grad_in[k];
    for (int k = 0; k < OP_PARAMS; k++)
        weight |= mark->grad_param[k];
    flops.data = data ? flops.data : 0;
    flops.weight = weight ? flops.weight : 0;
    return flops;
}

enum plan_drop plan_drop(const struct plan *plan, int module) {
    const struct model *m = plan->model;
    for (int i = 1; i < m->node_count; i++)
        if (m->nodes[i].op == &op_dropout && m->nodes[i].module == module &&
            m->modules[module].end == module + 1)
            return plan->nodes[i].drop ? PLAN_DROP_ON : PLAN_DROP_OFF;
    return PLAN_NO_DROP;
}

const char *plan_drop_name(enum plan_drop drop) {
    static const char *const names[] = {NULL, "off", "on"};
    return names[drop];
}

static void count_cost(struct plan *plan) {
    for (int i = 1; i < plan->model->node_count; i++) {
        struct op_flops flops = plan_flops(plan, i);
        plan->cost.forward += flops.forward;
        plan->cost.data += flops.data;
        plan->cost.weight += flops.weight;
    }
    plan->cost.bytes = plan->floats * sizeof(float);
}

// The cut behind the pure nodes up to and including `end`: those read by a node outside.
static struct plan_cut cut_behind(const struct plan *plan, int end) {
    const struct model *m = plan->model;
    struct plan_cut cut = {.nodes = xcalloc((size_t)m->node_count, sizeof *cut.nodes)};
    bool *leaves = xcalloc((size_t)m->node_count, sizeof *leaves);
    for (int i = 1; i < m->node_count; i++) {
        bool inside = plan->nodes[i].pure && i <= end;
        cut.forward += inside ? node_flops(m, i).forward : 0;
        for (int k = 0; !inside && k < m->nodes[i].op->inputs; k++)
            leaves[m->nodes[i].in[k]] = true;
    }
    for (int i = 0; i < m->node_count; i++) {
        if (!leaves[i] || !plan->nodes[i].pure || i > end)
            continue;
        cut.nodes[cut.count++] = i;
        cut.floats += shape_count(m->nodes[i].shape);
    }
    free(leaves);
    return cut;
}

// Whether a chain that is done in passing begins up to `end` and goes on behind it: what would
// leave the prefix there is not at hand.
static bool inside_chain(const struct plan *plan, int end) {
    for (int i = end + 1; i < plan->model->node_count; i++)
        if (plan->nodes[i].head && plan->nodes[i].head <= end)
            return true;
    return false;
}

// The deepest cut; or an earlier one of a single tensor that is smaller and gives up at most a
// tenth of what the deepest one saves (inside a block several tensors leave the prefix).
static void choose_cut(struct plan *plan) {
    int end = plan->model->node_count - 1;
    plan->cut = cut_behind(plan, end);
    double least = 0.9 * plan->cut.forward;
    while (--end > 0 && plan->cut.count > 1) {
        if (inside_chain(plan, end))
            continue;
        struct plan_cut earlier = cut_behind(plan, end);
        bool better = earlier.count == 1 && earlier.floats < plan->cut.floats;
        bool stop = earlier.forward < least;
        struct plan_cut *drop = better && !stop ? &plan->cut : &earlier;
        free(drop->nodes);
        if (drop == &plan->cut)
            plan->cut = earlier;
        if (stop)
            break;
    }
}

struct plan *plan_make(const struct flags *flags, const struct plan_options *options) {
    const struct model *m = flags->model;
    struct plan *plan = xcalloc(1, sizeof *plan);
    plan->model = m;
    plan->options = *options;
    plan->nodes = xcalloc((size_t)m->node_count, sizeof *plan->nodes);
    plan->param_grad = xcalloc((size_t)m->param_count + 1, sizeof *plan->param_grad);
    plan->param_rows = xcalloc((size_t)m->param_count + 1, sizeof *plan->param_rows);
    mark_wanted(plan, flags, false);
    mark_modes(plan, flags);
    if (options->unpruned)
        mark_wanted(plan, flags, true);
    mark_adds(plan);
    plan_tail_mark(plan);
    plan_place_buffers(plan);
    count_cost(plan);
    choose_cut(plan);
    return plan;
}

void plan_close(struct plan *plan) {
    if (!plan)
        return;
    free(plan->nodes);
    free(plan->param_grad);
    free(plan->param_rows);
    free(plan->cut.nodes);
    free(plan);
}

// What tells that a call is about texts, before there is a batch.
static const int no_length[1];

// A place in the arena; without an arena, a pointer that only tells that there will be one.
static float *place(float *arena, ptrdiff_t offset) {
    static float somewhere[1];
    if (!arena)
        return somewhere;
    return offset == PLAN_NONE ? NULL : arena + offset;
}

static void call_inputs(struct op_call *call, const struct plan *plan, float *arena, int index) {
    const struct node *node = &plan->model->nodes[index];
    const struct plan_node *mark = &plan->nodes[index];
    for (int k = 0; k < node->op->inputs; k++) {
        int from = node->in[k];
        call->in_shape[k] = plan->model->nodes[from].shape;
        call->in[k] = place(arena, plan->nodes[from].out);
        if (mark->grad_in[k])
            call->din[k] =
                (struct op_grad){place(arena, plan->nodes[from].grad), mark->add_in[k], NULL};
    }
}

size_t plan_row_width(const struct plan *plan, int storage) {
    const struct param *param = &plan->model->params[storage];
    return param->count / (size_t)param->dims.size[0];
}

ptrdiff_t plan_param_row(const struct plan *plan, int storage) {
    const size_t floats = (size_t)plan->param_rows[storage] * plan_row_width(plan, storage);
    return floats ? plan->param_grad[storage] + (ptrdiff_t)floats : PLAN_NONE;
}

// Where the gradient of a storage goes.
static struct op_grad param_destination(const struct plan *plan, float *arena, int storage,
                                        bool add) {
    struct op_grad to = {place(arena, plan->param_grad[storage]), add, NULL};
    if (plan->param_rows[storage] > 0)
        to.row = (int *)(void *)place(arena, plan_param_row(plan, storage));
    return to;
}

static void call_params(struct op_call *call, const struct plan *plan, const struct weights *w,
                        float *arena, int index) {
    const struct node *node = &plan->model->nodes[index];
    const struct plan_node *mark = &plan->nodes[index];
    for (int k = 0; k < OP_PARAMS; k++) {
        int p = node->param[k];
        if (p < 0)
            continue;
        int storage = plan->model->params[p].storage;
        call->param[k] = w ? weights_at(w, p) : place(NULL, 0);
        if (mark->grad_param[k])
            call->dparam[k] = param_destination(plan, arena, storage, mark->add_param[k]);
    }
}

struct op_call plan_call(const struct plan *plan, const struct weights *weights, float *arena,
                         int index) {
    const struct node *node = &plan->model->nodes[index];
    const struct plan_node *mark = &plan->nodes[index];
    struct op_call call = {
        .attr = &node->attr,
        .n = plan->options.n,
        .pool = plan->options.pool,
        .out_shape = node->shape,
        .out = place(arena, mark->out),
        .keep = mark->wanted ? place(arena, mark->keep) : NULL,
        .scratch = place(arena, plan->scratch),
        .dout = mark->wanted ? place(arena, mark->grad) : NULL,
        .class_weight = plan->options.class_weight,
        .length = plan->model->text ? no_length : NULL,
        .mode = {.batch_stats = mark->batch_stats,
                 .drop = mark->drop,
                 .precise = plan->options.precise,
                 .smoothing = plan->options.smoothing,
                 .node = (uint32_t)index},
    };
    if (mark->next && plan->nodes[mark->next].back_done) {
        call.relu_most = relu_limit(&plan->model->nodes[mark->next].attr);
        call.dout = place(arena, plan->nodes[mark->next].grad);
    }
    call_inputs(&call, plan, arena, index);
    call_params(&call, plan, weights, arena, index);
    return call;
}
