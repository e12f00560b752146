// A small data set for tests: pixel i of sample s is a simple, known number.
#ifndef THAW_TESTS_TOY_H
#define THAW_TESTS_TOY_H

#include "base/xalloc.h"
#include "data/dataset.h"

// Exact in a float for the sizes used here.
static inline float toy_pixel(int sample, size_t i) {
    return (float)((sample * 131 + (int)i * 7) % 251) / 256;
}

static inline void toy_read(const struct dataset *d, int index, float *out) {
    for (size_t i = 0; i < shape_count(d->shape); i++)
        out[i] = toy_pixel(index, i);
}

static inline void toy_release(struct dataset *d) {
    int *released = d->self;
    if (released)
        ++*released;
}

static inline void toy_show(const struct dataset *d, int index, struct sample_text *out) {
    (void)d;
    out->text = xprintf("text %d", index);
    out->tokens = xprintf("[CLS] text ##%d [SEP]", index);
}

static inline const char *toy_spell(const struct dataset *d, int id) {
    (void)d;
    return id == 0 ? "[CLS]" : "text";
}

// Sample s has label s % classes. `released`, if not NULL, counts calls of release.
static inline struct dataset *toy_open(struct shape shape, int count, int classes, int *released) {
    struct dataset *d = dataset_new("toy", shape, count, classes, NULL);
    for (int i = 0; i < count; i++)
        d->labels[i] = i % classes;
    d->read = toy_read;
    d->release = toy_release;
    d->self = released;
    return d;
}

#endif
