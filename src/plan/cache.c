#include "plan/cache.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

void cache_open(struct cache *f, const struct model *model, size_t budget) {
    size_t nodes = (size_t)model->node_count;
    *f = (struct cache){.model = model, .budget = budget};
    f->cut = xcalloc(nodes, sizeof *f->cut);
    f->place = xcalloc(nodes, sizeof *f->place);
    f->skip = xcalloc(nodes, sizeof *f->skip);
}

static void forget(struct cache *f) {
    for (int i = 0; i < f->store_count; i++) {
        struct cache_store *s = &f->stores[i];
        free(s->values);
        free(s->known);
        s->values = NULL;
        s->known = NULL;
        s->count = 0;
    }
    f->bytes = 0;
}

void cache_close(struct cache *f) {
    forget(f);
    free(f->cut);
    free(f->place);
    free(f->skip);
    *f = (struct cache){0};
}

void cache_add(struct cache *f, const struct dataset *data, bool varies) {
    if (data && f->store_count < CACHE_STORES)
        f->stores[f->store_count++] = (struct cache_store){.data = data, .varies = varies};
}

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

static void take_cut(struct cache *f, const int *nodes, int count) {
    f->cut_count = count;
    memcpy(f->cut, nodes, (size_t)count * sizeof *f->cut);
    place_cut(f);
    find_skipped(f);
}

// Of the cut, and of every frozen tensor behind it.
static uint64_t key_of(const struct cache *f, const uint64_t *frozen) {
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

static size_t bytes_of(const struct cache *f, const struct cache_store *s) {
    return (size_t)s->data->count * f->floats * sizeof(float);
}

static enum cache_state state_of(const struct cache *f, const struct cache_store *s, size_t room) {
    if (f->budget == 0)
        return CACHE_OFF;
    if (f->floats == 0)
        return CACHE_NO_PREFIX;
    if (s->varies)
        return CACHE_VARY;
    bool fits = bytes_of(f, s) <= room && bytes_of(f, s) <= arena_available() / 2;
    return fits ? CACHE_KEPT : CACHE_TOO_LARGE;
}

// The first store comes first.
static void share_out(struct cache *f) {
    size_t room = f->budget;
    for (int i = 0; i < f->store_count; i++) {
        struct cache_store *s = &f->stores[i];
        s->state = state_of(f, s, room);
        room -= s->state == CACHE_KEPT ? bytes_of(f, s) : 0;
    }
}

void cache_use(struct cache *f, const struct plan *plan, const uint64_t *frozen) {
    // With nothing thawed, the cut is the loss itself, and that is another one in evaluation.
    int count = plan->trains ? plan->cut.count : 0;
    const int *nodes = plan->cut.nodes;
    if (count != f->cut_count || memcmp(nodes, f->cut, (size_t)count * sizeof *nodes) != 0)
        take_cut(f, nodes, count);
    uint64_t key = key_of(f, frozen);
    if (key == f->key)
        return;
    f->key = key;
    forget(f);
    share_out(f);
}

// NULL: nothing of them is kept.
static struct cache_store *store_of(struct cache *f, const struct dataset *data) {
    struct cache_store *s = f->stores;
    while (s < f->stores + f->store_count && s->data != data)
        s++;
    if (s == f->stores + f->store_count || s->state != CACHE_KEPT)
        return NULL;
    if (!s->values) {
        s->values = xmalloc(bytes_of(f, s));
        s->known = xcalloc((size_t)s->data->count, sizeof *s->known);
        f->bytes += bytes_of(f, s);
    }
    return s;
}

static bool all_known(const struct cache_store *s, const struct batch *batch) {
    for (int i = 0; i < batch->n; i++)
        if (!s->known[batch->sample[i]])
            return false;
    return true;
}

static void note_known(struct cache_store *s, const struct batch *batch) {
    for (int i = 0; i < batch->n; i++) {
        s->count += !s->known[batch->sample[i]];
        s->known[batch->sample[i]] = true;
    }
}

bool cache_forward(struct cache *f, struct pass *pass, const struct batch *batch,
                   const struct dataset *data, uint32_t step) {
    struct cache_store *s = store_of(f, data);
    if (!s) {
        pass_forward(pass, batch, step);
        return false;
    }
    struct pass_cut cut = {.place = f->place,
                           .skip = f->skip,
                           .floats = f->floats,
                           .rows = s->values,
                           .given = all_known(s, batch)};
    pass->cut = &cut;
    pass_forward(pass, batch, step);
    pass->cut = NULL;
    note_known(s, batch);
    return cut.given;
}

struct cache_view cache_look(const struct cache *f) {
    const struct cache_store *s = &f->stores[0];
    int count = f->store_count ? s->data->count : 0;
    return (struct cache_view){s->state, s->count, count, f->bytes};
}
