#include "data/loader.h"

#include "base/pool.h"
#include "base/xalloc.h"
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Batches in memory: the one handed out and those ahead of it.
enum { RING = 4, ALIGN = 64 };

struct slot {
    struct batch batch;
    void *memory;       // what batch.x is an aligned address in
    int failed;         // the first row that could not be read; -1: none
    struct error error; // why
};

struct loader {
    const struct dataset *data;
    struct loader_settings set;
    int steps;
    struct slot slot[RING]; // step s lives in slot s % RING

    // The making thread's own, and its helpers'.
    struct pool *pool; // NULL: no helpers
    float *image;      // [threads][h][w][c], a sample before augmentation for each of them
    int *order;        // the permutation of `order_epoch`
    int64_t order_epoch;

    struct slot *asked; // the caller's: what it asked for last

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // Under the mutex: also each slot's `failed` and `error` while it is made. Batches limit - RING
    // .. next - 1 are ready, the first of them handed out; the thread may go on to limit - 1.
    int64_t next, limit;
    int64_t whole; // the step of which nothing may be left out; -1: none
    bool closing;
};

static void normalise(const struct loader *l, float *image) {
    struct shape s = l->data->shape;
    size_t pixels = (size_t)s.h * (size_t)s.w;
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < s.c; c++)
            image[i * (size_t)s.c + (size_t)c] =
                (image[i * (size_t)s.c + (size_t)c] - l->set.mean[c]) / l->set.std[c];
}

// A text, of which `target` takes what is to be predicted. scratch: [tokens].
static bool make_masked(struct loader *l, uint32_t sample, uint32_t view, float *scratch,
                        float *out, int *target, struct error *error) {
    const int room = (int)shape_count(l->data->shape);
    if (!dataset_fetch(l->data, (int)sample, NULL, out, error))
        return false;
    masking_apply(&l->set.masking, sample, view, room, out, target, (int *)(void *)scratch);
    return true;
}

static bool make_sample(struct loader *l, uint32_t sample, uint32_t view, float *image, float *out,
                        struct error *error) {
    const struct augment *a = &l->set.augment;
    struct random_key key = random_key(l->set.seed, RANDOM_AUGMENT, 0);
    struct shape shape = l->data->shape;
    struct crop crop;
    bool places = a->flip || a->crop > 0, crops = augment_crop(a, key, sample, view, &crop);
    float *pixels = places ? image : out;
    if (!dataset_fetch(l->data, (int)sample, crops ? &crop : NULL, pixels, error))
        return false;
    augment_colour(a, key, sample, view, shape, pixels);
    normalise(l, pixels);
    if (places)
        augment_place(a, key, sample, view, shape, image, out);
    return true;
}

// Whether each view of a sample is another one.
static bool varies(const struct loader_settings *s) {
    return augment_wanted(&s->augment) || (s->masks && !s->masking.fixed);
}

int loader_views(const struct loader_settings *settings) {
    return varies(settings) ? settings->views : 1;
}

bool loader_hash(const struct dataset *data, const struct loader_settings *settings,
                 uint32_t sample, uint32_t view, struct hash128 *out) {
    const struct augment *a = &settings->augment;
    const float change[] = {(float)a->crop, a->resized_crop, a->jitter[0], a->jitter[1],
                            a->jitter[2],   a->jitter[3],    a->flip};
    const struct masking *m = &settings->masking;
    // The draws of hidden tokens are keyed by the sample also where they are fixed.
    const uint64_t draw[] = {settings->seed, sample, view}, hidden[] = {m->seed,
                                                                        m->fixed,
                                                                        sample,
                                                                        (uint64_t)m->vocabulary,
                                                                        (uint64_t)m->marks.mask,
                                                                        (uint64_t)m->marks.before,
                                                                        (uint64_t)m->marks.after};
    if (!dataset_hash(data, (int)sample, out))
        return false;
    *out = hash128_more(*out, settings->mean, sizeof settings->mean);
    *out = hash128_more(*out, settings->std, sizeof settings->std);
    if (settings->masks)
        *out = hash128_more(*out, hidden, sizeof hidden);
    if (augment_wanted(a))
        *out = hash128_more(*out, change, sizeof change);
    if (varies(settings))
        *out = hash128_more(*out, draw, sizeof draw);
    return true;
}

static void permute(struct loader *l, int64_t epoch) {
    if (!l->set.shuffle || l->order_epoch == epoch)
        return;
    struct random_key key = random_key(l->set.seed, RANDOM_SHUFFLE, 0);
    random_permutation(key, (uint32_t)epoch, 0, l->data->count, l->order);
    l->order_epoch = epoch;
}

// One batch in the making.
struct making {
    struct loader *loader;
    struct slot *slot;
};

static void find_spared(void *context, int i, int worker) {
    struct making *m = context;
    const struct loader_settings *set = &m->loader->set;
    struct batch *batch = &m->slot->batch;
    (void)worker;
    if (set->spares(set->context, batch->sample[i], batch->view))
        batch->row[i] = -1;
}

static void make_row(void *context, int i, int worker) {
    struct making *m = context;
    struct loader *l = m->loader;
    struct batch *batch = &m->slot->batch;
    struct error error = {0};
    if (batch->row[i] < 0)
        return;
    size_t size = shape_count(l->data->shape), at = (size_t)batch->row[i] * size;
    uint32_t sample = batch->sample[i], view = batch->view;
    float *image = l->image + (size_t)worker * size, *out = batch->x + at;
    if (l->set.masks ? make_masked(l, sample, view, image, out, batch->target + at, &error)
                     : make_sample(l, sample, view, image, out, &error))
        return;
    // The first sample's error, whichever thread comes first.
    pthread_mutex_lock(&l->mutex);
    if (m->slot->failed < 0 || i < m->slot->failed) {
        m->slot->failed = i;
        m->slot->error = error;
    }
    pthread_mutex_unlock(&l->mutex);
}

static void for_samples(struct making *m, pool_work *work) {
    int n = m->slot->batch.n;
    if (m->loader->pool)
        pool_run(m->loader->pool, n, work, m);
    else
        for (int i = 0; i < n; i++)
            work(m, i, 0);
}

// Rows of x for all samples but those that may be left out.
static void give_rows(struct making *m, bool whole) {
    struct batch *batch = &m->slot->batch;
    int rows = 0;
    for (int i = 0; i < batch->n; i++)
        batch->row[i] = 0;
    if (m->loader->set.spares && !whole)
        for_samples(m, find_spared);
    for (int i = 0; i < batch->n; i++)
        if (batch->row[i] >= 0)
            batch->row[i] = rows++;
    batch->spared = batch->n - rows;
}

static void make_batch(struct loader *l, int64_t step, bool whole, struct slot *slot) {
    struct batch *batch = &slot->batch;
    struct making making = {l, slot};
    int first = (int)(step % l->steps) * l->set.batch;
    int rest = l->data->count - first;
    int64_t epoch = step / l->steps;
    permute(l, epoch);
    slot->failed = -1;
    batch->view = (uint32_t)(l->set.views > 0 ? epoch % l->set.views : epoch);
    batch->n = rest < l->set.batch ? rest : l->set.batch;
    for (int i = 0; i < batch->n; i++) {
        int sample = l->set.shuffle ? l->order[first + i] : first + i;
        batch->sample[i] = (uint32_t)sample;
        batch->label[i] = l->data->labels[sample];
    }
    give_rows(&making, whole);
    for_samples(&making, make_row);
}

static void *make_ahead(void *argument) {
    struct loader *l = argument;
    pthread_mutex_lock(&l->mutex);
    for (;;) {
        while (l->next >= l->limit && !l->closing)
            pthread_cond_wait(&l->changed, &l->mutex);
        if (l->closing)
            break;
        int64_t step = l->next;
        bool whole = l->whole == step;
        pthread_mutex_unlock(&l->mutex);
        make_batch(l, step, whole, &l->slot[step % RING]);
        pthread_mutex_lock(&l->mutex);
        // Unequal when the reader has asked for other steps meanwhile: then nobody wants this one.
        if (l->next == step)
            l->next++;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

// No batch holds more than the data does.
static int largest_batch(const struct dataset *data, const struct loader_settings *settings) {
    return settings->batch < data->count ? settings->batch : data->count;
}

size_t loader_bytes(const struct dataset *data, const struct loader_settings *settings) {
    size_t sample = shape_count(data->shape) * sizeof(float) + 2 * sizeof(int) + sizeof(uint32_t);
    sample += settings->masks ? shape_count(data->shape) * sizeof(int) : 0;
    return RING * (size_t)largest_batch(data, settings) * sample;
}

static void slot_open(struct slot *slot, size_t sample_size, int batch, bool masks) {
    size_t n = (size_t)batch;
    slot->memory = xmalloc(n * sample_size * sizeof(float) + ALIGN);
    uintptr_t address = (uintptr_t)slot->memory;
    slot->batch.x = (float *)((char *)slot->memory + (ALIGN - address % ALIGN) % ALIGN);
    slot->batch.label = xmalloc(n * sizeof *slot->batch.label);
    slot->batch.sample = xmalloc(n * sizeof *slot->batch.sample);
    slot->batch.row = xmalloc(n * sizeof *slot->batch.row);
    if (masks)
        slot->batch.target = xmalloc(n * sample_size * sizeof *slot->batch.target);
}

static void slot_close(struct slot *slot) {
    free(slot->memory);
    free(slot->batch.label);
    free(slot->batch.sample);
    free(slot->batch.row);
    free(slot->batch.target);
}

struct loader *loader_open(const struct dataset *data, const struct loader_settings *settings) {
    assert(data->count > 0 && settings->batch > 0 && settings->augment.crop >= 0);
    assert(data->shape.c <= LOADER_CHANNELS);
    for (int c = 0; c < data->shape.c; c++)
        assert(settings->std[c] > 0);
    struct loader *l = xcalloc(1, sizeof *l);
    size_t size = shape_count(data->shape);
    l->data = data;
    l->set = *settings;
    l->steps = (data->count - 1) / settings->batch + 1;
    for (int i = 0; i < RING; i++)
        slot_open(&l->slot[i], size, largest_batch(data, settings), settings->masks);
    int threads = data->slow && settings->threads > 1 ? settings->threads : 1;
    l->pool = threads > 1 ? pool_open(threads) : NULL;
    l->image = xmalloc((size_t)threads * size * sizeof *l->image);
    l->order = xmalloc((size_t)data->count * sizeof *l->order);
    l->order_epoch = -1;
    l->whole = -1;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, NULL);
    if (pthread_create(&l->thread, NULL, make_ahead, l)) {
        fputs("thaw: the system refuses a thread for loading data\n", stderr);
        abort();
    }
    return l;
}

void loader_close(struct loader *l) {
    if (!l)
        return;
    pthread_mutex_lock(&l->mutex);
    l->closing = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    for (int i = 0; i < RING; i++)
        slot_close(&l->slot[i]);
    if (l->pool)
        pool_close(l->pool);
    free(l->image);
    free(l->order);
    free(l);
}

int loader_steps(const struct loader *l) {
    return l->steps;
}

// From a step on, anew when it is not among what there is.
static void ask_for(struct loader *l, int64_t step) {
    if (step < l->limit - RING || step > l->next)
        l->next = step;
    l->limit = step + RING;
    pthread_cond_broadcast(&l->changed);
}

void loader_begin(struct loader *l, int64_t step) {
    pthread_mutex_lock(&l->mutex);
    ask_for(l, step);
    pthread_mutex_unlock(&l->mutex);
}

static void wait_for(struct loader *l, int64_t step) {
    ask_for(l, step);
    while (l->next <= step)
        pthread_cond_wait(&l->changed, &l->mutex);
    l->asked = &l->slot[step % RING];
}

static const struct batch *asked_batch(const struct loader *l) {
    return l->asked->failed < 0 ? &l->asked->batch : NULL;
}

const struct batch *loader_batch_spared(struct loader *l, int64_t step) {
    assert(step >= 0);
    pthread_mutex_lock(&l->mutex);
    wait_for(l, step);
    pthread_mutex_unlock(&l->mutex);
    return asked_batch(l);
}

const struct batch *loader_batch(struct loader *l, int64_t step) {
    assert(step >= 0);
    pthread_mutex_lock(&l->mutex);
    l->whole = step;
    wait_for(l, step);
    if (l->asked->batch.spared > 0) { // it was made before
        l->next = step;
        wait_for(l, step);
    }
    pthread_mutex_unlock(&l->mutex);
    return asked_batch(l);
}

bool loader_error(const struct loader *l, struct error *out) {
    if (out)
        *out = l->asked->error;
    return false;
}
