// Figures of modules: sums over their subtrees.
#include "base/xalloc.h"
#include "ui/cli/show.h"
#include <stdlib.h>

static bool inside(const struct model *m, int module, int which) {
    return which >= module && which < m->modules[module].end;
}

// Whether the subtree holds no earlier parameter of the same storage.
static bool first_of_storage(const struct model *m, int module, int param) {
    for (int p = m->params[param].storage; p < param; p++)
        if (m->params[p].storage == m->params[param].storage &&
            inside(m, module, m->params[p].module))
            return false;
    return true;
}

static enum freeze_state state_of(int thawed, int all) {
    if (all == 0)
        return STATE_EMPTY;
    if (thawed == 0)
        return STATE_FROZEN;
    return thawed == all ? STATE_THAWED : STATE_MIXED;
}

static void add_params(struct show_module *f, const struct flags *flags, int module) {
    const struct model *m = flags->model;
    int moving = 0, statistics = 0;
    for (int p = 0; p < m->param_count; p++) {
        const struct param *param = &m->params[p];
        if (!inside(m, module, param->module))
            continue;
        if (freeze_is_statistic(param)) {
            statistics++;
            moving += flags->thawed[p];
        } else if (first_of_storage(m, module, p)) {
            f->count += param->count;
            f->thawed += flags->thawed[p] ? param->count : 0;
        }
    }
    f->statistics = state_of(moving, statistics);
    f->state = freeze_state(flags, module);
}

static void add_nodes(struct show_module *f, const struct plan *plan, int module) {
    const struct model *m = plan->model;
    f->output = -1;
    for (int i = 1; i < m->node_count; i++) {
        if (!inside(m, module, m->nodes[i].module))
            continue;
        struct op_flops flops = plan_flops(plan, i);
        f->forward += flops.forward;
        f->backward += flops.data + flops.weight;
        if (i != model_loss(m))
            f->output = i;
    }
}

static int first_wanted(const struct plan *plan) {
    int i = 1;
    while (i < plan->model->node_count && !plan->nodes[i].wanted)
        i++;
    return i;
}

static int first_node(const struct model *m, int module) {
    int i = 1;
    while (i < m->node_count && m->nodes[i].module != module)
        i++;
    return i;
}

// The first leaf in the tree that computes no earlier than `node`.
static int leaf_from(const struct model *m, int node) {
    for (int module = 1; module < m->module_count; module++) {
        int first = first_node(m, module);
        bool leaf = m->modules[module].end == module + 1;
        if (leaf && first >= node && first < m->node_count)
            return module;
    }
    return m->module_count;
}

static double prefix_flops(const struct plan *plan) {
    double sum = 0;
    for (int i = 1; i < plan->model->node_count; i++)
        sum += plan->nodes[i].wanted ? 0 : plan_flops(plan, i).forward;
    return sum;
}

static double all_flops(const struct plan_cost *c) {
    return c->forward + c->data + c->weight;
}

void show_facts_make(struct show_facts *f, const struct show_subject *s) {
    const struct plan *plan = s->plan;
    int modules = plan->model->module_count;
    *f = (struct show_facts){.modules = xcalloc((size_t)modules, sizeof *f->modules)};
    for (int m = 0; m < modules; m++) {
        add_params(&f->modules[m], &s->flags, m);
        add_nodes(&f->modules[m], plan, m);
        f->modules[m].drop = plan_drop(plan, m);
    }
    f->prefix = prefix_flops(plan);
    f->prefix_end = leaf_from(plan->model, first_wanted(plan));
    double full = all_flops(&s->full->cost), now = all_flops(&plan->cost);
    double cached = now - plan->cut.forward;
    f->speedup = now > 0 ? full / now : 0;
    f->cached_speedup = cached > 0 ? full / cached : 0;
}

void show_facts_close(struct show_facts *f) {
    free(f->modules);
    *f = (struct show_facts){0};
}
