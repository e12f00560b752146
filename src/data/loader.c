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

static bool make_sample(struct loader *l, uint32_t sample, uint32_t epoch, float *image, float *out,
                        struct error *error) {
    const struct augment *a = &l->set.augment;
    struct random_key key = random_key(l->set.seed, RANDOM_AUGMENT, 0);
    struct shape shape = l->data->shape;
    struct crop crop;
    bool places = a->flip || a->crop > 0, crops = augment_crop(a, key, sample, epoch, &crop);
    float *pixels = places ? image : out;
    if (!dataset_fetch(l->data, (int)sample, crops ? &crop : NULL, pixels, error))
        return false;
    augment_colour(a, key, sample, epoch, shape, pixels);
    normalise(l, pixels);
    if (places)
        augment_place(a, key, sample, epoch, shape, image, out);
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
    uint32_t epoch;
};

static void make_row(void *context, int row, int worker) {
    struct making *m = context;
    struct loader *l = m->loader;
    struct batch *batch = &m->slot->batch;
    struct error error = {0};
    size_t size = shape_count(l->data->shape);
    if (make_sample(l, batch->sample[row], m->epoch, l->image + (size_t)worker * size,
                    batch->x + (size_t)row * size, &error))
        return;
    // The first row's error, whichever thread comes first.
    pthread_mutex_lock(&l->mutex);
    if (m->slot->failed < 0 || row < m->slot->failed) {
        m->slot->failed = row;
        m->slot->error = error;
    }
    pthread_mutex_unlock(&l->mutex);
}

static void make_batch(struct loader *l, int64_t step, struct slot *slot) {
    struct batch *batch = &slot->batch;
    struct making making = {l, slot, (uint32_t)(step / l->steps)};
    int first = (int)(step % l->steps) * l->set.batch;
    int rest = l->data->count - first;
    permute(l, making.epoch);
    slot->failed = -1;
    batch->n = rest < l->set.batch ? rest : l->set.batch;
    for (int i = 0; i < batch->n; i++) {
        int sample = l->set.shuffle ? l->order[first + i] : first + i;
        batch->sample[i] = (uint32_t)sample;
        batch->label[i] = l->data->labels[sample];
    }
    if (l->pool)
        pool_run(l->pool, batch->n, make_row, &making);
    else
        for (int i = 0; i < batch->n; i++)
            make_row(&making, i, 0);
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
        pthread_mutex_unlock(&l->mutex);
        make_batch(l, step, &l->slot[step % RING]);
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
    size_t sample = shape_count(data->shape) * sizeof(float) + sizeof(int) + sizeof(uint32_t);
    return RING * (size_t)largest_batch(data, settings) * sample;
}

static void slot_open(struct slot *slot, size_t sample_size, int batch) {
    size_t n = (size_t)batch;
    slot->memory = xmalloc(n * sample_size * sizeof(float) + ALIGN);
    uintptr_t address = (uintptr_t)slot->memory;
    slot->batch.x = (float *)((char *)slot->memory + (ALIGN - address % ALIGN) % ALIGN);
    slot->batch.label = xmalloc(n * sizeof *slot->batch.label);
    slot->batch.sample = xmalloc(n * sizeof *slot->batch.sample);
}

static void slot_close(struct slot *slot) {
    free(slot->memory);
    free(slot->batch.label);
    free(slot->batch.sample);
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
        slot_open(&l->slot[i], size, largest_batch(data, settings));
    int threads = data->slow && settings->threads > 1 ? settings->threads : 1;
    l->pool = threads > 1 ? pool_open(threads) : NULL;
    l->image = xmalloc((size_t)threads * size * sizeof *l->image);
    l->order = xmalloc((size_t)data->count * sizeof *l->order);
    l->order_epoch = -1;
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

const struct batch *loader_batch(struct loader *l, int64_t step) {
    assert(step >= 0);
    pthread_mutex_lock(&l->mutex);
    if (step < l->limit - RING || step > l->next)
        l->next = step;
    l->limit = step + RING;
    pthread_cond_broadcast(&l->changed);
    while (l->next <= step)
        pthread_cond_wait(&l->changed, &l->mutex);
    pthread_mutex_unlock(&l->mutex);
    l->asked = &l->slot[step % RING];
    return l->asked->failed < 0 ? &l->asked->batch : NULL;
}

bool loader_error(const struct loader *l, struct error *out) {
    if (out)
        *out = l->asked->error;
    return false;
}
