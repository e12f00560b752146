// The layer tree and its totals as one JSON object.
#include "ui/cli/show.h"
#include <jansson.h>
#include <stdlib.h>

// [c, h, w], or [n] for a vector.
static json_t *shape_json(struct shape s) {
    if (s.h == 1 && s.w == 1)
        return json_pack("[i]", s.c);
    return json_pack("[i, i, i]", s.c, s.h, s.w);
}

static json_t *statistics_json(enum freeze_state state) {
    static const char *const names[] = {"fixed", "moving", "mixed"};
    return state == STATE_EMPTY ? json_null() : json_string(names[state]);
}

static json_t *module_json(const struct model *m, const struct show_facts *f, int module) {
    const struct module *row = &m->modules[module];
    const struct show_module *facts = &f->modules[module];
    return json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:f, s:f, s:s, s:o, s:s?}", "name", row->name,
                     "kind", row->kind, "depth", row->depth, "output",
                     facts->output < 0 ? json_null() : shape_json(m->nodes[facts->output].shape),
                     "parameters", (json_int_t)facts->count, "thawed", (json_int_t)facts->thawed,
                     "forward_flops", facts->forward, "backward_flops", facts->backward, "state",
                     freeze_state_name(facts->state), "statistics",
                     statistics_json(facts->statistics), "dropout", plan_drop_name(facts->drop));
}

static json_t *param_json(const struct flags *flags, int param) {
    const struct model *m = flags->model;
    const struct param *p = &m->params[param];
    json_t *shape = json_array();
    for (int i = 0; i < p->dims.rank; i++)
        json_array_append_new(shape, json_integer(p->dims.size[i]));
    json_t *object =
        json_pack("{s:s, s:s, s:o, s:I, s:b, s:b}", "name", p->name, "module",
                  m->modules[p->module].name, "shape", shape, "elements", (json_int_t)p->count,
                  "statistic", (int)freeze_is_statistic(p), "thawed", (int)flags->thawed[param]);
    if (p->storage != param)
        json_object_set_new(object, "tied_to", json_string(m->params[p->storage].name));
    return object;
}

static json_t *cut_json(const struct plan_cut *cut, const struct model *m) {
    json_t *tensors = json_array();
    for (int i = 0; i < cut->count; i++) {
        const struct node *node = &m->nodes[cut->nodes[i]];
        json_array_append_new(tensors,
                              json_pack("{s:s, s:s, s:o}", "module", m->modules[node->module].name,
                                        "operation", node->op ? node->op->name : "input", "shape",
                                        shape_json(node->shape)));
    }
    return json_pack("{s:o, s:I, s:I, s:f}", "keeps", tensors, "floats", (json_int_t)cut->floats,
                     "bytes", (json_int_t)(cut->floats * sizeof(float)), "saved_flops",
                     cut->forward);
}

static json_t *prefix_json(const struct show_subject *s, const struct show_facts *f) {
    const struct model *m = s->setup.model;
    bool ends = f->prefix_end < m->module_count;
    return json_pack("{s:o, s:f, s:o}", "ends_before",
                     ends ? json_string(m->modules[f->prefix_end].name) : json_null(),
                     "forward_flops", f->prefix, "cache", cut_json(&s->plan->cut, m));
}

static json_t *cost_json(const struct plan_cost *c) {
    return json_pack("{s:f, s:f, s:f, s:I}", "forward_flops", c->forward, "data_flops", c->data,
                     "weight_flops", c->weight, "bytes", (json_int_t)c->bytes);
}

static json_t *texts_json(char *const *texts, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

static json_t *names_json(const struct model *m, const int *params, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_string(m->params[params[i]].name));
    return array;
}

static json_t *weights_json(const struct show_subject *s) {
    const struct load_report *r = &s->setup.report;
    const struct model *m = s->setup.model;
    if (!s->experiment.model.weights[0])
        return json_null();
    return json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "source",
                     s->experiment.model.weights, "part", r->part, "aside", r->aside, "prefix",
                     r->prefix, "summed", names_json(m, r->summed, r->summed_count), "renamed",
                     texts_json(r->renamed, r->renamed_count), "loaded", r->loaded, "missing",
                     names_json(m, r->missing, r->missing_count), "unexpected",
                     texts_json(r->unexpected, r->unexpected_count), "misshaped",
                     texts_json(r->misshaped, r->misshaped_count), "replaced",
                     names_json(m, r->replaced, r->replaced_count));
}

static json_t *rules_json(const struct show_subject *s) {
    json_t *array = json_array();
    for (int i = 0; i < s->rule_count; i++)
        json_array_append_new(array, json_string(s->rules[i]));
    return array;
}

static json_t *rows_json(const struct show_subject *s, const struct show_facts *f) {
    json_t *rows = json_array();
    for (int i = 0; i < s->setup.model->module_count; i++)
        json_array_append_new(rows, module_json(s->setup.model, f, i));
    return rows;
}

static json_t *params_json(const struct flags *flags) {
    json_t *rows = json_array();
    for (int i = 0; i < flags->model->param_count; i++)
        json_array_append_new(rows, param_json(flags, i));
    return rows;
}

static json_t *head_json(const struct show_subject *s, const struct show_facts *f) {
    const struct model *m = s->setup.model;
    return json_pack("{s:s, s:o, s:i, s:i, s:s, s:o, s:o, s:I, s:I}", "model", m->arch, "input",
                     shape_json(m->nodes[0].shape), "classes", m->classes, "batch",
                     s->plan->options.n, "bn", bn_policy_name(s->bn), "rules", rules_json(s),
                     "weights", weights_json(s), "parameters", (json_int_t)f->modules[0].count,
                     "thawed", (json_int_t)f->modules[0].thawed);
}

void show_json_print(const struct show_subject *s, const struct show_facts *f, bool params) {
    json_t *all = head_json(s, f);
    json_object_set_new(all, "modules", rows_json(s, f));
    if (params)
        json_object_set_new(all, "params", params_json(&s->flags));
    json_object_set_new(all, "prefix", prefix_json(s, f));
    json_object_set_new(all, "plan", cost_json(&s->plan->cost));
    json_object_set_new(all, "full", cost_json(&s->full->cost));
    json_object_set_new(all, "speedup", s->plan->trains ? json_real(f->speedup) : json_null());
    json_object_set_new(all, "cached_speedup",
                        s->plan->trains ? json_real(f->cached_speedup) : json_null());
    json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(all);
}
