#include "plan/plan_buffers.h"
#include "base/xalloc.h"
#include "plan/plan_share.h"
#include <assert.h>
#include <stdlib.h>

enum { ALIGN = 16 }; // floats in 64 bytes

// A buffer's life, in ticks: node i runs forward at tick i and backward at 2 * nodes - i.
struct life {
    ptrdiff_t *offset; // where to write the result
    size_t floats;
    int first, last;
};

struct lives {
    struct life *items;
    int count;
};

static int backward_tick(const struct plan *p, int node) {
    return 2 * p->model->node_count - node;
}

static int last_tick(const struct plan *p) {
    return 2 * p->model->node_count + 1;
}

static void add_life(struct lives *l, ptrdiff_t *offset, size_t floats, int first, int last) {
    *offset = PLAN_NONE;
    if (floats == 0)
        return;
    floats = (floats + ALIGN - 1) / ALIGN * ALIGN;
    l->items[l->count++] = (struct life){offset, floats, first, last};
}

// When each node's output is read for the last time, and when its gradient is written first.
struct uses {
    int *last_read, *first_grad;
    int *owner, *least; // who shares which gradient's buffer, and the last of them to be read
};

static void note_uses(const struct plan *p, int i, struct uses *u) {
    const struct node *node = &p->model->nodes[i];
    struct op_call call = plan_call(p, NULL, NULL, i);
    unsigned reads = p->nodes[i].wanted && node->op->reads ? node->op->reads(&call) : 0;
    int back = backward_tick(p, i);
    for (int k = 0; k < node->op->inputs; k++) {
        int from = node->in[k], read = reads & OP_READS_IN ? back : i;
        if (read > u->last_read[from])
            u->last_read[from] = read;
        if (p->nodes[i].grad_in[k] && back < u->first_grad[from])
            u->first_grad[from] = back;
    }
    if (reads & OP_READS_OUT && back > u->last_read[i])
        u->last_read[i] = back;
}

// A BatchNorm comes first in a chain.
static size_t norm_floats(const struct plan *p, int i) {
    const int next = p->nodes[i].next;
    const bool norm = next && p->nodes[next].head == i && p->model->nodes[next].op->affine;
    return norm ? 2 * (size_t)p->model->nodes[next].shape.c : 0;
}

static void node_lives(struct lives *l, struct plan *p, int i, const struct uses *u) {
    struct plan_node *node = &p->nodes[i];
    struct op_call call = plan_call(p, NULL, NULL, i);
    const struct operation *op = p->model->nodes[i].op;
    size_t n = (size_t)p->options.n, floats = n * shape_count(p->model->nodes[i].shape);
    bool result = i >= model_logits(p->model);
    int back = backward_tick(p, i);
    if (!node->next) // else it is the next one's
        add_life(l, &node->out, floats, node->head ? node->head : i,
                 result ? last_tick(p) : u->last_read[i]);
    add_life(l, &node->norm, norm_floats(p, i), i, i);
    add_life(l, &node->keep, node->wanted && op->keep ? op->keep(&call) : 0, i, back);
    add_life(l, &node->grad, node->wanted && u->owner[i] == i ? floats : 0, u->first_grad[i],
             backward_tick(p, u->least[i]));
}

// Of a storage's gradient: all of it; or of so many rows, and how many there are and which.
static size_t gradient_floats(const struct plan *p, int storage) {
    const size_t rows = (size_t)p->param_rows[storage];
    return rows ? rows * plan_row_width(p, storage) + 1 + rows : p->model->params[storage].count;
}

static void gradient_lives(struct lives *l, struct plan *p) {
    const struct model *m = p->model;
    for (int i = 0; i < m->param_count; i++)
        p->param_grad[i] = PLAN_NONE;
    bool *seen = xcalloc((size_t)m->param_count + 1, sizeof *seen);
    for (int i = m->node_count - 1; i > 0; i--) {
        for (int k = 0; k < OP_PARAMS; k++) {
            if (!p->nodes[i].grad_param[k])
                continue;
            int s = m->params[m->nodes[i].param[k]].storage;
            if (!seen[s])
                add_life(l, &p->param_grad[s], gradient_floats(p, s), backward_tick(p, i),
                         last_tick(p));
            seen[s] = true;
        }
    }
    free(seen);
}

static size_t scratch_floats(const struct plan *p) {
    size_t most = 0;
    for (int i = 1; i < p->model->node_count; i++) {
        const struct operation *op = p->model->nodes[i].op;
        struct op_call call = plan_call(p, NULL, NULL, i);
        for (int backward = 0; op->scratch && backward <= (int)p->nodes[i].wanted; backward++) {
            size_t floats = op->scratch(&call, backward);
            most = floats > most ? floats : most;
        }
    }
    return most;
}

static int larger_first(const void *a, const void *b) {
    const struct life *x = a, *y = b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool lives_overlap(const struct life *a, const struct life *b) {
    return a->first <= b->last && b->first <= a->last;
}

// Index in `placed` (sorted by offset) and offset of the lowest gap that fits.
static size_t lowest_gap(struct life *const *placed, int count, const struct life *life) {
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        const struct life *other = placed[i];
        if (!lives_overlap(other, life))
            continue;
        if (at + life->floats <= (size_t)*other->offset)
            break;
        size_t end = (size_t)*other->offset + other->floats;
        at = end > at ? end : at;
    }
    return at;
}

// Largest first, each at the lowest place where nothing alive at the same time lies.
static size_t place_all(struct lives *l) {
    qsort(l->items, (size_t)l->count, sizeof *l->items, larger_first);
    struct life **placed = xcalloc((size_t)l->count + 1, sizeof *placed);
    size_t floats = 0;
    for (int i = 0; i < l->count; i++) {
        struct life *life = &l->items[i];
        size_t at = lowest_gap(placed, i, life);
        *life->offset = (ptrdiff_t)at;
        floats = at + life->floats > floats ? at + life->floats : floats;
        int j = i;
        for (; j > 0 && *placed[j - 1]->offset > (ptrdiff_t)at; j--)
            placed[j] = placed[j - 1];
        placed[j] = life;
    }
    free(placed);
    return floats;
}

void plan_place_buffers(struct plan *p) {
    int nodes = p->model->node_count;
    int *room = xcalloc(4 * (size_t)nodes, sizeof *room);
    struct uses u = {room, room + nodes, room + 2 * nodes, room + 3 * nodes};
    plan_share_gradients(p, u.owner);
    for (int i = 0; i < nodes; i++) {
        u.last_read[i] = i;
        u.first_grad[i] = backward_tick(p, i);
    }
    for (int i = nodes - 1; i >= 0; i--) {
        const int next = p->nodes[i].next;
        u.least[u.owner[i]] = i;
        if (next && p->nodes[next].back_done)
            u.least[u.owner[next]] = i;
    }
    for (int i = 1; i < nodes; i++)
        note_uses(p, i, &u);
    struct lives l = {0};
    l.items = xcalloc(4 * (size_t)nodes + (size_t)p->model->param_count + 1, sizeof *l.items);
    for (int i = 1; i < nodes; i++)
        node_lives(&l, p, i, &u);
    gradient_lives(&l, p);
    add_life(&l, &p->scratch, scratch_floats(p), 0, last_tick(p));
    p->floats = place_all(&l);
    for (int i = nodes - 1; i > 0; i--) {
        if (p->nodes[i].next)
            p->nodes[i].out = p->nodes[p->nodes[i].next].out;
        p->nodes[i].grad = p->nodes[u.owner[i]].grad;
    }
    p->nodes[0].out = p->nodes[0].grad = p->nodes[0].keep = p->nodes[0].norm = PLAN_NONE;
    free(l.items);
    free(room);
}
