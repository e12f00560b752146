#include "loader.h"

#include "base/xalloc.h"
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Batches in memory: the one handed out and those ahead of it.
enum { RING = 4, ALIGN = 64 };

enum draw { DRAW_FLIP, DRAW_TOP, DRAW_LEFT };

struct slot {
    struct batch batch;
    void *memory; // what batch.x is an aligned address in
};

struct loader {
    const struct dataset *data;
    struct loader_settings set;
    int steps;
    struct slot slot[RING]; // step s lives in slot s % RING

    // The making thread's own.
    float *image; // [h][w][c], one sample before augmentation
    int *order;   // the permutation of `order_epoch`
    int64_t order_epoch;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // Under the mutex. Batches limit - RING .. next - 1 are ready, the first of them handed out;
    // the thread may go on to limit - 1.
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

// Writes the image as seen through a window that starts `top` rows below and `left` columns right
// of the image's corner; outside of the image are zeros.
static void place(const float *image, struct shape s, bool flip, int top, int left, float *out) {
    size_t pixel = (size_t)s.c * sizeof *out;
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++, out += s.c) {
            int from_y = y + top, from_x = x + left;
            if (from_y < 0 || from_y >= s.h || from_x < 0 || from_x >= s.w) {
                memset(out, 0, pixel);
                continue;
            }
            if (flip)
                from_x = s.w - 1 - from_x;
            memcpy(out, image + ((size_t)from_y * (size_t)s.w + (size_t)from_x) * (size_t)s.c,
                   pixel);
        }
}

static void make_sample(struct loader *l, uint32_t sample, uint32_t epoch, float *out) {
    struct shape shape = l->data->shape;
    int crop = l->set.crop, top = 0, left = 0;
    bool augment = l->set.flip || crop > 0, flip = false;
    float *image = augment ? l->image : out;
    l->data->read(l->data, (int)sample, image);
    normalise(l, image);
    if (!augment)
        return;
    struct random_key key = random_key(l->set.seed, RANDOM_AUGMENT, 0);
    if (l->set.flip)
        flip = random_below(key, sample, epoch, DRAW_FLIP, 2) == 1;
    if (crop > 0) {
        uint32_t places = 2 * (uint32_t)crop + 1;
        top = (int)random_below(key, sample, epoch, DRAW_TOP, places) - crop;
        left = (int)random_below(key, sample, epoch, DRAW_LEFT, places) - crop;
    }
    place(image, shape, flip, top, left, out);
}

static void permute(struct loader *l, int64_t epoch) {
    if (!l->set.shuffle || l->order_epoch == epoch)
        return;
    struct random_key key = random_key(l->set.seed, RANDOM_SHUFFLE, 0);
    random_permutation(key, (uint32_t)epoch, 0, l->data->count, l->order);
    l->order_epoch = epoch;
}

static void make_batch(struct loader *l, int64_t step, struct batch *batch) {
    int64_t epoch = step / l->steps;
    int first = (int)(step % l->steps) * l->set.batch;
    int rest = l->data->count - first;
    size_t size = shape_count(l->data->shape);
    permute(l, epoch);
    batch->n = rest < l->set.batch ? rest : l->set.batch;
    for (int i = 0; i < batch->n; i++) {
        int sample = l->set.shuffle ? l->order[first + i] : first + i;
        batch->sample[i] = (uint32_t)sample;
        batch->label[i] = l->data->labels[sample];
        make_sample(l, (uint32_t)sample, (uint32_t)epoch, batch->x + (size_t)i * size);
    }
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
        make_batch(l, step, &l->slot[step % RING].batch);
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
    assert(data->count > 0 && settings->batch > 0 && settings->crop >= 0);
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
    l->image = xmalloc(size * sizeof *l->image);
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
    return &l->slot[step % RING].batch;
}
