#include "data/dataset.h"

#include "base/xalloc.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct dataset *dataset_new(const char *name, struct shape shape, int count, int classes,
                            const char *const *class_names) {
    struct dataset *d = xcalloc(1, sizeof *d);
    d->name = xstrdup(name);
    d->shape = shape;
    d->count = count;
    d->classes = classes;
    d->marks = (struct dataset_marks){-1, -1, -1};
    d->labels = xcalloc((size_t)count, sizeof *d->labels);
    d->class_names = xcalloc((size_t)classes, sizeof *d->class_names);
    for (int i = 0; i < classes; i++)
        d->class_names[i] = class_names ? xstrdup(class_names[i]) : xprintf("%d", i);
    return d;
}

struct dataset *dataset_like(const struct dataset *d) {
    struct dataset *like =
        dataset_new(d->name, d->shape, d->count, d->classes, (const char *const *)d->class_names);
    memcpy(like->labels, d->labels, (size_t)d->count * sizeof *d->labels);
    if (d->groups)
        like->groups = xmemdup(d->groups, (size_t)d->count * sizeof *d->groups);
    like->slow = d->slow;
    like->vocabulary = d->vocabulary;
    like->marks = d->marks;
    return like;
}

bool dataset_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                   struct error *error) {
    if (d->fetch)
        return d->fetch(d, index, crop, out, error);
    if (!crop) {
        d->read(d, index, out);
        return true;
    }
    struct shape s = d->shape;
    float *whole = xmalloc(shape_count(s) * sizeof *whole);
    d->read(d, index, whole);
    resample_floats(whole, s, crop_box(crop, s.h, s.w), s.h, s.w, (struct box){0, 0, s.h, s.w},
                    out);
    free(whole);
    return true;
}

bool dataset_hash(const struct dataset *d, int index, struct hash128 *out) {
    if (d->hash)
        return d->hash(d, index, out);
    size_t size = shape_count(d->shape);
    float *sample = xmalloc(size * sizeof *sample);
    bool ok = dataset_fetch(d, index, NULL, sample, NULL);
    if (ok)
        *out =
            hash128_more(hash128_bytes(&d->shape, sizeof d->shape), sample, size * sizeof *sample);
    free(sample);
    return ok;
}

void sample_text_close(struct sample_text *t) {
    free(t->text);
    free(t->tokens);
    *t = (struct sample_text){0};
}

struct dataset *dataset_share(struct dataset *d) {
    d->sharers++;
    return d;
}

void dataset_close(struct dataset *d) {
    if (!d || d->sharers-- > 0)
        return;
    if (d->release)
        d->release(d);
    for (int i = 0; i < d->classes; i++)
        free(d->class_names[i]);
    free(d->class_names);
    free(d->labels);
    free(d->groups);
    free(d->name);
    free(d);
}

struct subset {
    struct dataset *inner;
    int *index;
};

static void subset_read(const struct dataset *d, int index, float *out) {
    const struct subset *s = d->self;
    s->inner->read(s->inner, s->index[index], out);
}

static bool subset_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                         struct error *error) {
    const struct subset *s = d->self;
    return dataset_fetch(s->inner, s->index[index], crop, out, error);
}

static bool subset_hash(const struct dataset *d, int index, struct hash128 *out) {
    const struct subset *s = d->self;
    return dataset_hash(s->inner, s->index[index], out);
}

static void subset_show(const struct dataset *d, int index, struct sample_text *out) {
    const struct subset *s = d->self;
    s->inner->show(s->inner, s->index[index], out);
}

static const char *subset_spell(const struct dataset *d, int id) {
    const struct subset *s = d->self;
    return s->inner->spell(s->inner, id);
}

static void subset_release(struct dataset *d) {
    struct subset *s = d->self;
    dataset_close(s->inner);
    free(s->index);
    free(s);
}

struct dataset *dataset_subset(struct dataset *inner, const int *index, int count) {
    struct dataset *d = dataset_new(inner->name, inner->shape, count, inner->classes,
                                    (const char *const *)inner->class_names);
    struct subset *s = xmalloc(sizeof *s);
    s->inner = inner;
    s->index = xmemdup(index, (size_t)count * sizeof *index);
    for (int i = 0; i < count; i++) {
        assert(index[i] >= 0 && index[i] < inner->count);
        d->labels[i] = inner->labels[index[i]];
    }
    if (inner->groups) {
        d->groups = xmalloc(((size_t)count + 1) * sizeof *d->groups);
        for (int i = 0; i < count; i++)
            d->groups[i] = inner->groups[index[i]];
    }
    d->slow = inner->slow;
    d->vocabulary = inner->vocabulary;
    d->marks = inner->marks;
    d->read = subset_read;
    d->fetch = subset_fetch;
    d->hash = subset_hash;
    d->show = inner->show ? subset_show : NULL;
    d->spell = inner->spell ? subset_spell : NULL;
    d->release = subset_release;
    d->self = s;
    return d;
}
