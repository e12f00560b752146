#include "plan/cache.h"
#include "base/arena.h"
#include "base/xalloc.h"
#include "plan/cache_parts.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void cache_open(struct cache *f, const struct model *model, struct cache_budget budget) {
    size_t nodes = (size_t)model->node_count;
    *f = (struct cache){.model = model, .budget = budget};
    f->cut = xcalloc(nodes, sizeof *f->cut);
    f->place = xcalloc(nodes, sizeof *f->place);
    f->skip = xcalloc(nodes, sizeof *f->skip);
    pthread_mutex_init(&f->mutex, NULL);
}

void cache_know(struct cache_store *s, int entry, bool known) {
    if (atomic_exchange(&s->known[entry], known) != known)
        atomic_fetch_add(&s->count, known ? 1 : -1);
}

static void forget(struct cache *f) {
    for (int i = 0; i < f->store_count; i++) {
        struct cache_store *s = &f->stores[i];
        free(s->memory);
        s->memory = NULL;
        s->used = 0;
        for (int e = 0; e < s->entries; e++) {
            cache_know(s, e, false);
            atomic_store(&s->slot[e], -1);
        }
    }
    f->bytes = 0;
    free(f->staging);
    f->staging = NULL;
    f->staging_rows = 0;
}

void cache_close(struct cache *f) {
    if (!f->model)
        return;
    forget(f);
    for (int i = 0; i < f->store_count; i++) {
        free(f->stores[i].known);
        free(f->stores[i].slot);
        free(f->stores[i].keys);
        free(f->stores[i].keyed);
    }
    row_file_close(f->file, false);
    pthread_mutex_destroy(&f->mutex);
    free(f->directory);
    free(f->first);
    free(f->note);
    free(f->rows);
    free(f->fresh);
    free(f->part.label);
    free(f->part.sample);
    free(f->part.keys);
    free(f->part.rows);
    free(f->cut);
    free(f->place);
    free(f->skip);
    *f = (struct cache){0};
}

void cache_add(struct cache *f, const struct dataset *data, const struct loader_settings *settings,
               bool once) {
    if (!data || f->store_count == CACHE_STORES)
        return;
    struct cache_store *s = &f->stores[f->store_count++];
    int views = loader_views(settings);
    *s = (struct cache_store){.cache = f, .data = data, .settings = *settings, .once = once};
    // More views than can be counted are no end of them.
    s->entries = views <= INT_MAX / data->count ? views * data->count : 0;
    s->known = xcalloc((size_t)s->entries + 1, sizeof *s->known);
    s->slot = xcalloc((size_t)s->entries + 1, sizeof *s->slot);
    for (int e = 0; e < s->entries; e++)
        atomic_store(&s->slot[e], -1);
}

void cache_limit(struct cache *f, size_t budget) {
    f->budget.memory = budget;
    f->key = 0;
}

static enum cache_state state_of(const struct cache *f, const struct cache_store *s) {
    const bool file = f->file && (!s->once || f->stays);
    return f->budget.memory == 0 && !file ? CACHE_OFF
           : f->floats == 0               ? CACHE_NO_PREFIX
           : s->entries == 0              ? CACHE_VARY
           : s->slots == 0 && !file       ? CACHE_TOO_LARGE
                                          : CACHE_KEPT;
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

// The first store comes first.
static void share_out(struct cache *f) {
    const size_t half = arena_available() / 2;
    size_t room = f->budget.memory < half ? f->budget.memory : half;
    for (int i = 0; i < f->store_count; i++) {
        struct cache_store *s = &f->stores[i];
        size_t most = f->row && !s->once ? room / f->row : 0;
        s->slots = most < (size_t)s->entries ? (int)most : s->entries;
        room -= (size_t)s->slots * f->row;
        s->state = state_of(f, s);
        atomic_store(&s->spares, s->state == CACHE_KEPT && can_spare(f));
    }
}

void cache_use(struct cache *f, const struct plan *plan, const uint64_t *frozen) {
    // With nothing thawed, the cut is the loss itself, and that is another one in evaluation.
    int count = plan->trains ? plan->cut.count : 0;
    const int *nodes = plan->cut.nodes;
    if (count != f->cut_count || memcmp(nodes, f->cut, (size_t)count * sizeof *nodes) != 0)
        cache_take_cut(f, nodes, count);
    uint64_t key = cache_key(f, frozen);
    if (key == f->key)
        return;
    f->key = key;
    f->row = f->floats * (f->budget.half ? sizeof(uint16_t) : sizeof(float));
    pthread_mutex_lock(&f->mutex);
    forget(f);
    cache_use_file(f, plan, frozen);
    share_out(f);
    pthread_mutex_unlock(&f->mutex);
}

static struct cache_store *store_of(struct cache *f, const struct dataset *data) {
    for (int i = 0; i < f->store_count; i++)
        if (f->stores[i].data == data)
            return &f->stores[i];
    return NULL;
}

int cache_entry(const struct cache_store *s, uint32_t sample, uint32_t view) {
    const int views = s->entries / s->data->count;
    return (int)(views > 1 ? view : 0) * s->data->count + (int)sample;
}

static bool spares(void *context, uint32_t sample, uint32_t view) {
    struct cache_store *s = context;
    if (!atomic_load(&s->spares))
        return false;
    int entry = cache_entry(s, sample, view);
    bool there = atomic_load(&s->known[entry]) && atomic_load(&s->slot[entry]) >= 0;
    return there || cache_look_in_file(s, entry, sample, view);
}

void cache_tell(struct cache *f, const struct dataset *data, struct loader_settings *settings) {
    struct cache_store *s = store_of(f, data);
    settings->spares = s ? spares : NULL;
    settings->context = s;
}

// ---- A batch

static bool left_out(const struct batch *batch, int i) {
    return batch->spared > 0 && batch->row[i] < 0;
}

static void make_room(struct cache *f, int samples) {
    size_t n = (size_t)samples;
    if (samples <= f->room)
        return;
    f->room = samples;
    f->rows = xrealloc(f->rows, n * sizeof *f->rows);
    f->fresh = xrealloc(f->fresh, n * sizeof *f->fresh);
    f->part.label = xrealloc(f->part.label, n * sizeof *f->part.label);
    f->part.sample = xrealloc(f->part.sample, n * sizeof *f->part.sample);
    f->part.keys = xrealloc(f->part.keys, n * sizeof *f->part.keys);
    f->part.rows = xrealloc(f->part.rows, n * sizeof *f->part.rows);
}

static void begin_batch(struct cache *f, const struct batch *batch) {
    f->missing = batch->n;
    make_room(f, batch->n);
    if (batch->n <= f->staging_rows || f->now->slots == f->now->entries)
        return;
    free(f->staging);
    f->staging = xcalloc((size_t)batch->n,
                         f->row); // of texts not all is written here, but all of it to files
    f->staging_rows = batch->n;
}

static void *memory_row(const struct cache_store *s, int slot) {
    return s->memory + (size_t)slot * s->cache->row;
}

// A place for a row that is not in memory: there, while there is room.
static void *free_row(struct cache *f, int i) {
    struct cache_store *s = f->now;
    if (s->used == s->slots)
        return f->staging + (size_t)i * f->row;
    if (!s->memory) {
        s->memory = xcalloc((size_t)s->slots, f->row); // likewise
        f->bytes += (size_t)s->slots * f->row;
    }
    return memory_row(s, s->used);
}

// What free_row gave is the entry's from now on.
static void take_row(struct cache *f, int entry) {
    if (f->now->used < f->now->slots)
        atomic_store(&f->now->slot[entry], f->now->used++);
}

static bool read_row(struct cache *f, const struct batch *batch, int i, int entry) {
    struct cache_store *s = f->now;
    struct hash128 key;
    bool damaged;
    if (!f->file || !cache_look_in_file(s, entry, batch->sample[i], batch->view) ||
        !cache_entry_key(s, entry, batch->sample[i], batch->view, &key))
        return false;
    f->rows[i] = free_row(f, i);
    if (row_file_read(f->file, key, f->rows[i], &damaged)) {
        take_row(f, entry);
        return true;
    }
    cache_know(s, entry, false);
    if (damaged)
        cache_say(f, xprintf("%s: what it holds of some samples is damaged; it is computed anew",
                             f->directory));
    return false;
}

static bool fetch_row(struct cache *f, const struct batch *batch, int i) {
    int entry = cache_entry(f->now, batch->sample[i], batch->view);
    int slot = atomic_load(&f->now->slot[entry]);
    if (slot < 0)
        return read_row(f, batch, i, entry);
    f->rows[i] = memory_row(f->now, slot);
    return true;
}

bool cache_fetch(struct cache *f, const struct batch *batch, const struct dataset *data) {
    struct cache_store *s = store_of(f, data);
    bool fine = true;
    f->now = s && s->state == CACHE_KEPT ? s : NULL;
    if (!f->now)
        return batch->spared == 0;
    begin_batch(f, batch);
    for (int i = 0; i < batch->n; i++) {
        f->fresh[i] = !fetch_row(f, batch, i);
        f->missing -= !f->fresh[i];
        fine = fine && (!f->fresh[i] || !left_out(batch, i));
    }
    return fine;
}

static void place_fresh(struct cache *f, const struct batch *batch) {
    for (int i = 0; i < batch->n; i++)
        if (f->fresh[i]) {
            f->rows[i] = free_row(f, i);
            take_row(f, cache_entry(f->now, batch->sample[i], batch->view));
        }
}

// Puts the fresh rows into the file.
static void write_rows(struct cache *f, const struct batch *batch) {
    struct hash128 *keys = f->part.keys;
    void **rows = f->part.rows;
    struct error error;
    int count = 0;
    for (int i = 0; i < batch->n; i++) {
        int entry = cache_entry(f->now, batch->sample[i], batch->view);
        if (f->fresh[i] &&
            cache_entry_key(f->now, entry, batch->sample[i], batch->view, &keys[count]))
            rows[count++] = f->rows[i];
    }
    if (!row_file_add(f->file, count, keys, (const void *const *)rows, &error))
        cache_say(f, xstrdup(error.text));
}

// An entry that was only written is known as soon as somebody looks for it.
static void keep_fresh(struct cache *f, const struct batch *batch) {
    if (f->missing > 0 && f->file)
        write_rows(f, batch);
    for (int i = 0; i < batch->n; i++) {
        int entry = cache_entry(f->now, batch->sample[i], batch->view);
        if (atomic_load(&f->now->slot[entry]) >= 0)
            cache_know(f->now, entry, true);
        else if (f->fresh[i])
            cache_look_in_file(f->now, entry, batch->sample[i], batch->view);
    }
}

static struct pass_cut cut_of(const struct cache *f) {
    return (struct pass_cut){.place = f->place, .skip = f->skip, .half = f->budget.half};
}

// The prefix of those samples that are in the batch, which are not all of it.
static void run_part(struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step) {
    struct batch part = {
        .x = batch->x, .view = batch->view, .label = f->part.label, .sample = f->part.sample};
    struct pass_cut cut = cut_of(f);
    void **rows = f->part.rows;
    for (int i = 0; i < batch->n; i++)
        if (!left_out(batch, i)) {
            part.label[part.n] = batch->label[i];
            part.sample[part.n] = batch->sample[i];
            rows[part.n++] = f->rows[i];
        }
    cut.rows = rows;
    pass->cut = &cut;
    pass_prefix(pass, &part, step);
}

bool cache_forward(struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step) {
    if (!f->now) {
        cache_pass(f, pass, batch, step);
        return false;
    }
    const bool all = f->missing == 0, part = !all && batch->spared > 0;
    struct pass_cut cut = cut_of(f);
    double seconds = 0;
    place_fresh(f, batch);
    if (part) {
        run_part(f, pass, batch, step);
        seconds = pass->forward_seconds;
    }
    cut.rows = f->rows;
    cut.given = all || part;
    pass->cut = &cut;
    pass_forward(pass, batch, step);
    pass->cut = NULL;
    pass->forward_seconds += seconds;
    keep_fresh(f, batch);
    return all;
}

void cache_pass(const struct cache *f, struct pass *pass, const struct batch *batch,
                uint32_t step) {
    struct pass_cut cut = cut_of(f);
    pass->cut = cut.half ? &cut : NULL;
    pass_forward(pass, batch, step);
    pass->cut = NULL;
}

bool cache_would_keep(const struct cache *f) {
    return (f->budget.memory > 0 || f->directory) && f->store_count > 0 && f->stores[0].entries > 0;
}

struct cache_view cache_look(const struct cache *f) {
    const struct cache_store *s = &f->stores[0];
    int count = f->store_count ? s->entries : 0;
    return (struct cache_view){s->state, atomic_load(&s->count), count, f->bytes};
}
