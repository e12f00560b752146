// What the kept values depend on.
#include "base/blas.h"
#include "base/kernels.h"
#include "base/xalloc.h"
#include "plan/cache_parts.h"
#include <gnu/libc-version.h>
#include <string.h>

// Where in a row each node of the cut stands; the input itself is always at hand.
static void place_cut(struct cache *f) {
    const struct model *m = f->model;
    f->floats = 0;
    for (int i = 0; i < m->node_count; i++)
        f->place[i] = -1;
    for (int i = 0; i < f->cut_count; i++) {
        if (f->cut[i] == 0)
            continue;
        f->place[f->cut[i]] = (ptrdiff_t)f->floats;
        f->floats += shape_count(m->nodes[f->cut[i]].shape);
    }
}

// From the loss backwards: what the nodes that must run read is needed, as far as it is not given.
static void find_skipped(struct cache *f) {
    const struct model *m = f->model;
    for (int i = 0; i < m->node_count; i++)
        f->skip[i] = true;
    f->skip[model_loss(m)] = false;
    for (int i = m->node_count - 1; i > 0; i--) {
        const struct node *node = &m->nodes[i];
        for (int k = 0; !f->skip[i] && k < node->op->inputs; k++)
            if (f->place[node->in[k]] < 0)
                f->skip[node->in[k]] = false;
    }
}

void cache_take_cut(struct cache *f, const int *nodes, int count) {
    f->cut_count = count;
    memcpy(f->cut, nodes, (size_t)count * sizeof *f->cut);
    place_cut(f);
    find_skipped(f);
}

uint64_t cache_key(const struct cache *f, const uint64_t *frozen) {
    const struct model *m = f->model;
    uint64_t key = hash_bytes(f->cut, (size_t)f->cut_count * sizeof *f->cut);
    for (int i = 1; i < m->node_count; i++)
        for (int k = 0; f->skip[i] && k < OP_PARAMS; k++) {
            if (m->nodes[i].param[k] < 0)
                continue;
            uint64_t pair[2] = {key, frozen[m->nodes[i].param[k]]};
            key = hash_bytes(pair, sizeof pair);
        }
    return key;
}

static void add(struct hash128 *key, const void *data, size_t size) {
    *key = hash128_more(*key, data, size);
}

static void add_text(struct hash128 *key, const char *text) {
    add(key, text, strlen(text));
}

// By position in the network, not by name.
static bool add_node(struct hash128 *key, const struct cache *f, int index,
                     const uint64_t *frozen) {
    const struct node *node = &f->model->nodes[index];
    double numbers[OP_NUMBERS];
    if (!op_numbers(node->op, &node->attr, numbers))
        return false;
    add_text(key, node->op->name);
    add(key, numbers, sizeof numbers);
    add(key, node->in, sizeof node->in);
    add(key, &node->shape, sizeof node->shape);
    add(key, &f->place[index], sizeof f->place[index]);
    add(key, &index, sizeof index);
    for (int k = 0; k < OP_PARAMS; k++) {
        uint64_t pair[2] = {0};
        if (node->param[k] >= 0) {
            pair[0] = frozen[node->param[k]];
            pair[1] = f->model->params[node->param[k]].count;
        }
        add(key, pair, sizeof pair);
    }
    return true;
}

bool cache_file_key(const struct cache *f, const struct plan *plan, const uint64_t *frozen,
                    struct hash128 *out) {
    const int ways[] = {plan->options.precise, f->budget.half, f->model->text};
    const struct model *m = f->model;
    if (!hash128_program(out))
        return false;
    add_text(out, kernels()->isa);
    add_text(out, blas_description());
    add_text(out, gnu_get_libc_version());
    add(out, ways, sizeof ways);
    add(out, &m->nodes[0].shape, sizeof m->nodes[0].shape);
    bool ok = true;
    for (int i = 1; i < m->node_count; i++)
        ok = ok && (!f->skip[i] || add_node(out, f, i, frozen));
    return ok;
}

bool cache_is_pristine(const struct cache *f, const uint64_t *frozen) {
    const struct model *m = f->model;
    for (int i = 1; i < m->node_count; i++)
        for (int k = 0; f->skip[i] && k < OP_PARAMS; k++) {
            int p = m->nodes[i].param[k];
            if (p >= 0 && frozen[p] != f->first[p])
                return false;
        }
    return true;
}
