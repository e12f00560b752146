#include "datasets/resize.h"

#include "base/xalloc.h"
#include <assert.h>
#include <stdlib.h>

// Where an output pixel lies on one axis: between pixels a and b, at `weight` of the way to b.
struct place {
    int a, b;
    float weight;
};

struct resize {
    struct dataset *inner;
    struct place *row, *column; // [size]
};

static struct place *places(int old, int size) {
    struct place *p = xmalloc((size_t)size * sizeof *p);
    float scale = (float)old / (float)size;
    for (int i = 0; i < size; i++) {
        float at = ((float)i + 0.5f) * scale - 0.5f;
        if (at < 0)
            at = 0;
        int a = (int)at < old - 1 ? (int)at : old - 1;
        p[i] = (struct place){a, a + 1 < old ? a + 1 : a, at - (float)a};
    }
    return p;
}

static void resize_read(const struct dataset *d, int index, float *out) {
    const struct resize *r = d->self;
    struct shape from = r->inner->shape;
    size_t pixel = (size_t)from.c, line = (size_t)from.w * pixel;
    float *image = xmalloc(shape_count(from) * sizeof *image);
    r->inner->read(r->inner, index, image);
    for (int y = 0; y < d->shape.h; y++) {
        struct place v = r->row[y];
        const float *top = image + (size_t)v.a * line, *bottom = image + (size_t)v.b * line;
        for (int x = 0; x < d->shape.w; x++) {
            struct place u = r->column[x];
            size_t a = (size_t)u.a * pixel, b = (size_t)u.b * pixel;
            for (size_t c = 0; c < pixel; c++) {
                float upper = (1 - u.weight) * top[a + c] + u.weight * top[b + c];
                float lower = (1 - u.weight) * bottom[a + c] + u.weight * bottom[b + c];
                *out++ = (1 - v.weight) * upper + v.weight * lower;
            }
        }
    }
    free(image);
}

static bool resize_hash(const struct dataset *d, int index, struct hash128 *out) {
    const struct resize *r = d->self;
    if (!dataset_hash(r->inner, index, out))
        return false;
    *out = hash128_more(*out, &d->shape, sizeof d->shape);
    return true;
}

static void resize_release(struct dataset *d) {
    struct resize *r = d->self;
    dataset_close(r->inner);
    free(r->row);
    free(r->column);
    free(r);
}

struct dataset *resize_open(struct dataset *inner, int size) {
    assert(size > 0);
    struct shape from = inner->shape, to = {size, size, from.c};
    if (shape_equal(from, to))
        return inner;
    struct dataset *d = dataset_like(inner);
    struct resize *r = xmalloc(sizeof *r);
    *r = (struct resize){inner, places(from.h, size), places(from.w, size)};
    d->shape = to;
    d->read = resize_read;
    d->hash = resize_hash;
    d->release = resize_release;
    d->self = r;
    return d;
}
