#include "model/build.h"

#include "base/xalloc.h"
#include "model/build_parts.h"
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_FLOATS = 64 / sizeof(float) };

bool build_failed(const struct build *b) {
    return b->error.kind != ERROR_NONE;
}

// Room for one more element; returns the array, maybe moved.
static void *room_for_one(void *array, int count, int *room, size_t size) {
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    return xrealloc(array, (size_t)*room * size);
}

// Puts the module's name in front of the error that was just set.
static void name_error(struct build *b, int module) {
    const char *name = b->model->modules[module].name;
    if (*name)
        error_prefix(&b->error, "%s: ", name);
}

static char *dotted_name(const char *parent, const char *name) {
    return *parent ? xprintf("%s.%s", parent, name) : xstrdup(name);
}

static int add_module(struct build *b, const char *name, const char *kind) {
    struct model *m = b->model;
    m->modules = room_for_one(m->modules, m->module_count, &b->module_room, sizeof *m->modules);
    struct module *new = &m->modules[m->module_count];
    *new = (struct module){
        .kind = kind,
        .parent = b->open,
        .block = b->block,
        .head = b->head,
        .first_param = m->param_count,
        .end = m->module_count + 1,
    };
    if (b->open >= 0) {
        const struct module *parent = &m->modules[b->open];
        new->depth = parent->depth + 1;
        new->name = dotted_name(parent->name, name);
        assert(model_module(m, new->name) < 0 && "two modules of one name");
    } else {
        new->name = xstrdup(name);
    }
    b->block = b->head = false;
    return m->module_count++;
}

static int add_node(struct build *b, struct node node) {
    struct model *m = b->model;
    int old_room = b->node_room;
    m->nodes = room_for_one(m->nodes, m->node_count, &b->node_room, sizeof *m->nodes);
    if (b->node_room != old_room)
        b->flat = xrealloc(b->flat, (size_t)b->node_room * sizeof *b->flat);
    for (int i = 0; i < OP_PARAMS; i++)
        node.param[i] = -1;
    node.counter = -1;
    b->flat[m->node_count] = (struct shape){0};
    m->nodes[m->node_count] = node;
    return m->node_count++;
}

struct build *build_start(const char *arch, struct shape input) {
    struct build *b = xcalloc(1, sizeof *b);
    b->model = xcalloc(1, sizeof *b->model);
    b->model->arch = xstrdup(arch);
    b->conv_init = b->linear_init = b->bias_init = INIT_UNIFORM_FAN_IN;
    b->init_fan = 1;
    b->open = -1;
    b->open = add_module(b, "", "Module");
    add_node(b, (struct node){.in = {-1, -1, -1}, .shape = input});
    return b;
}

struct shape build_shape(const struct build *b, int node) {
    return b->model->nodes[node].shape;
}

void build_fail(struct build *b, const char *format, ...) {
    if (build_failed(b))
        return;
    va_list args;
    va_start(args, format);
    char *text = xvprintf(format, args);
    va_end(args);
    error_set(&b->error, "%s", text);
    free(text);
    name_error(b, b->open);
}

void build_push(struct build *b, const char *name, const char *kind) {
    if (!build_failed(b))
        b->open = add_module(b, name, kind);
}

void build_push_item(struct build *b, int index, const char *kind) {
    char *name = xprintf("%d", index);
    build_push(b, name, kind);
    free(name);
}

void build_pop(struct build *b) {
    if (build_failed(b))
        return;
    struct module *closed = &b->model->modules[b->open];
    assert(closed->parent >= 0 && "a pop without a push");
    closed->end = b->model->module_count;
    b->open = closed->parent;
}

// The container that was opened just now, or NULL when the mark is for the module to come.
static struct module *fresh_container(struct build *b) {
    bool fresh = b->open > 0 && b->open == b->model->module_count - 1;
    return fresh ? &b->model->modules[b->open] : NULL;
}

void build_mark_block(struct build *b) {
    struct module *container = fresh_container(b);
    *(container ? &container->block : &b->block) = true;
}

void build_mark_next_block(struct build *b) {
    b->block = true;
}

void build_mark_head(struct build *b) {
    struct module *container = fresh_container(b);
    *(container ? &container->head : &b->head) = true;
}

void build_init(struct build *b, enum param_init conv, enum param_init linear) {
    b->conv_init = conv;
    b->linear_init = linear;
}

void build_init_bias(struct build *b, enum param_init bias) {
    b->bias_init = bias;
}

void build_init_fan(struct build *b, int fan) {
    b->init_fan = fan;
}

void build_no_parameters(struct build *b, const char *const *endings) {
    b->model->no_parameters = endings;
}

void build_uses(struct build *b, const char *const *beginnings) {
    b->model->uses = beginnings;
}

int build_node(struct build *b, const char *name, const char *kind, const struct operation *op,
               union op_attr attr, int x, int y) {
    return build_node_of(b, name, kind, op, attr, (const int[OP_INPUTS]){x, y, -1});
}

int build_node_of(struct build *b, const char *name, const char *kind, const struct operation *op,
                  union op_attr attr, const int in[OP_INPUTS]) {
    if (build_failed(b))
        return 0;
    int module = name ? add_module(b, name, kind) : b->open;
    struct node node = {.op = op, .attr = attr, .module = module, .picked = op == &op_token_pick};
    struct shape shapes[OP_INPUTS] = {0};
    memcpy(node.in, in, sizeof node.in);
    for (int i = 0; i < op->inputs; i++) {
        assert(node.in[i] >= 0 && node.in[i] < b->model->node_count);
        shapes[i] = build_shape(b, node.in[i]);
        node.picked |= b->model->nodes[node.in[i]].picked;
    }
    if (!op->infer(&attr, shapes, &node.shape, &b->error)) {
        name_error(b, module);
        return 0;
    }
    return add_node(b, node);
}

static int add_param(struct build *b, int owner, const char *name, struct param p) {
    struct model *m = b->model;
    struct module *module = &m->modules[owner];
    m->params = room_for_one(m->params, m->param_count, &b->param_room, sizeof *m->params);
    p.name = dotted_name(module->name, name);
    p.module = owner;
    p.count = dims_count(p.dims);
    p.storage = m->param_count;
    module->param_count++;
    m->params[m->param_count] = p;
    return m->param_count++;
}

int build_param(struct build *b, const char *name, struct param p) {
    return add_param(b, b->model->nodes[b->model->node_count - 1].module, name, p);
}

int build_own_bias(struct build *b, int count) {
    if (build_failed(b))
        return -1;
    assert(fresh_container(b) && "a container's own parameters come before its children's");
    struct param p = {.kind = PARAM_BIAS, .dims = {1, {count}}, .init = INIT_ZERO};
    return add_param(b, b->open, "bias", p);
}

// Every value begins on a cache line.
static void place_params(struct model *m) {
    for (int i = 0; i < m->param_count; i++) {
        struct param *p = &m->params[i];
        if (p->storage != i) { // tied
            p->at = m->params[p->storage].at;
            continue;
        }
        p->at = m->weight_floats;
        size_t floats = param_bytes(p) / sizeof(float);
        m->weight_floats += (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    }
}

static struct model *finish_model(struct build *b, int logits) {
    struct model *m = b->model;
    assert(b->open == 0 && "a push without a pop");
    assert(logits == m->node_count - 1 && "the logits must be the last node");
    m->modules[0].end = m->module_count;
    m->classes = build_shape(b, logits).c;
    if (!build_node(b, NULL, NULL, b->language ? &op_token_loss : &op_cross_entropy,
                    (union op_attr){0}, logits, -1))
        return NULL;
    place_params(m);
    return m;
}

struct model *build_finish(struct build *b, int logits, struct error *error) {
    struct model *m = build_failed(b) ? NULL : finish_model(b, logits);
    if (!m) {
        if (error)
            *error = b->error;
        model_close(b->model);
    }
    free(b->flat);
    free(b);
    return m;
}
