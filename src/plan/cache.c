#include "plan/cache.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include <limits.h>
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
        free(s->memory);
        s->memory = NULL;
        s->count = 0;
        for (int e = 0; e < s->entries; e++) {
            atomic_store(&s->known[e], false);
            s->slot[e] = -1;
        }
    }
    f->bytes = 0;
    free(f->staging);
    f->staging = NULL;
    f->staging_rows = 0;
}

void cache_close(struct cache *f) {
    forget(f);
    for (int i = 0; i < f->store_count; i++) {
        free(f->stores[i].known);
        free(f->stores[i].slot);
    }
    free(f->rows);
    free(f->cut);
    free(f->place);
    free(f->skip);
    *f = (struct cache){0};
}

void cache_add(struct cache *f, const struct dataset *data, int views) {
    if (!data || f->store_count == CACHE_STORES)
        return;
    struct cache_store *s = &f->stores[f->store_count++];
    *s = (struct cache_store){.cache = f, .data = data};
    // More views than can be counted are no end of them.
    s->entries = views <= INT_MAX / data->count ? views * data->count : 0;
    s->known = xcalloc((size_t)s->entries + 1, sizeof *s->known);
    s->slot = xmalloc(((size_t)s->entries + 1) * sizeof *s->slot);
    for (int e = 0; e < s->entries; e++)
        s->slot[e] = -1;
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

// Texts tell by their tokens how long they are.
static bool can_spare(const struct cache *f) {
    const struct model *m = f->model;
    for (int i = 1; i < m->node_count; i++)
        for (int k = 0; !f->skip[i] && k < m->nodes[i].op->inputs; k++)
            if (m->nodes[i].in[k] == 0)
                return false;
    return !m->text;
}

static void take_cut(struct cache *f, const int *nodes, int count) {
    f->cut_count = count;
    memcpy(f->cut, nodes, (size_t)count * sizeof *f->cut);
    place_cut(f);
    find_skipped(f);
    atomic_store(&f->spares, can_spare(f));
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

static enum cache_state state_of(const struct cache *f, const struct cache_store *s) {
    return f->budget == 0    ? CACHE_OFF
           : f->floats == 0  ? CACHE_NO_PREFIX
           : s->entries == 0 ? CACHE_VARY
           : s->slots == 0   ? CACHE_TOO_LARGE
                             : CACHE_KEPT;
}

// The first store comes first.
static void share_out(struct cache *f) {
    const size_t half = arena_available() / 2, row = f->floats * sizeof(float);
    size_t room = f->budget < half ? f->budget : half;
    for (int i = 0; i < f->store_count; i++) {
        struct cache_store *s = &f->stores[i];
        size_t most = row ? room / row : 0;
        s->slots = most < (size_t)s->entries ? (int)most : s->entries;
        room -= (size_t)s->slots * row;
        s->state = state_of(f, s);
    }
}

void cache_limit(struct cache *f, size_t budget) {
    f->budget = budget;
    f->key = ~f->key; // another one: cache_use shares the room out
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

static struct cache_store *store_of(struct cache *f, const struct dataset *data) {
    for (int i = 0; i < f->store_count; i++)
        if (f->stores[i].data == data)
            return &f->stores[i];
    return NULL;
}

static int entry_of(const struct cache_store *s, uint32_t sample, uint32_t view) {
    const int views = s->entries / s->data->count;
    return (int)(views > 1 ? view : 0) * s->data->count + (int)sample;
}

static bool spares(void *context, uint32_t sample, uint32_t view) {
    const struct cache_store *s = context;
    return atomic_load(&s->cache->spares) && s->entries > 0 &&
           atomic_load(&s->known[entry_of(s, sample, view)]);
}

void cache_tell(struct cache *f, const struct dataset *data, struct loader_settings *settings) {
    struct cache_store *s = store_of(f, data);
    settings->spares = s ? spares : NULL;
    settings->context = s;
}

static float *memory_row(const struct cache_store *s, int entry) {
    return s->slot[entry] < 0 ? NULL : s->memory + (size_t)s->slot[entry] * s->cache->floats;
}

static bool left_out(const struct batch *batch, int i) {
    return batch->spared > 0 && batch->row[i] < 0;
}

bool cache_fetch(struct cache *f, const struct batch *batch, const struct dataset *data) {
    struct cache_store *s = store_of(f, data);
    bool fine = true;
    f->now = s && s->state == CACHE_KEPT ? s : NULL;
    f->missing = batch->n;
    if (!f->now)
        return batch->spared == 0;
    f->rows = xrealloc(f->rows, (size_t)batch->n * sizeof *f->rows);
    for (int i = 0; i < batch->n; i++) {
        f->rows[i] = memory_row(s, entry_of(s, batch->sample[i], batch->view));
        f->missing -= f->rows[i] != NULL;
        fine = fine && (f->rows[i] || !left_out(batch, i));
    }
    return fine;
}

static void keep(struct cache *f, const struct batch *batch, int i) {
    struct cache_store *s = f->now;
    int entry = entry_of(s, batch->sample[i], batch->view);
    if (!s->memory) {
        size_t bytes = (size_t)s->slots * f->floats * sizeof *s->memory;
        s->memory = xmalloc(bytes);
        f->bytes += bytes;
    }
    s->slot[entry] = s->count++;
    f->rows[i] = memory_row(s, entry);
}

static void make_staging(struct cache *f, int rows) {
    if (rows <= f->staging_rows)
        return;
    free(f->staging);
    f->staging = xmalloc((size_t)rows * f->floats * sizeof *f->staging);
    f->staging_rows = rows;
}

// Places for the rows that are not known: to be kept, while there is room.
static void place_missing(struct cache *f, const struct batch *batch) {
    if (f->missing > f->now->slots - f->now->count)
        make_staging(f, batch->n);
    for (int i = 0; i < batch->n; i++)
        if (!f->rows[i] && f->now->count < f->now->slots)
            keep(f, batch, i);
        else if (!f->rows[i])
            f->rows[i] = f->staging + (size_t)i * f->floats;
}

static void note_known(const struct cache *f, const struct batch *batch) {
    for (int i = 0; i < batch->n; i++) {
        int entry = entry_of(f->now, batch->sample[i], batch->view);
        if (f->now->slot[entry] >= 0)
            atomic_store(&f->now->known[entry], true);
    }
}

// The prefix of those samples that are in the batch, which are not all of it.
static void run_part(struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step) {
    struct batch part = {.x = batch->x, .view = batch->view};
    struct pass_cut cut = {.place = f->place, .skip = f->skip};
    size_t n = (size_t)batch->n;
    float **rows = xmalloc(n * sizeof *rows);
    cut.rows = rows;
    part.label = xmalloc(n * sizeof *part.label);
    part.sample = xmalloc(n * sizeof *part.sample);
    for (int i = 0; i < batch->n; i++)
        if (!left_out(batch, i)) {
            part.label[part.n] = batch->label[i];
            part.sample[part.n] = batch->sample[i];
            rows[part.n++] = f->rows[i];
        }
    pass->cut = &cut;
    pass_prefix(pass, &part, step);
    free(part.label);
    free(part.sample);
    free(rows);
}

bool cache_forward(struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step) {
    if (!f->now) {
        pass_forward(pass, batch, step);
        return false;
    }
    const bool all = f->missing == 0, part = !all && batch->spared > 0;
    struct pass_cut cut = {
        .place = f->place, .skip = f->skip, .rows = f->rows, .given = all || part};
    double seconds = 0;
    place_missing(f, batch);
    if (part) {
        run_part(f, pass, batch, step);
        seconds = pass->forward_seconds;
    }
    pass->cut = &cut;
    pass_forward(pass, batch, step);
    pass->cut = NULL;
    pass->forward_seconds += seconds;
    note_known(f, batch);
    return all;
}

struct cache_view cache_look(const struct cache *f) {
    const struct cache_store *s = &f->stores[0];
    int count = f->store_count ? s->entries : 0;
    return (struct cache_view){s->state, s->count, count, f->bytes};
}
