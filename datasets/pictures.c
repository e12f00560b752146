#include "datasets/pictures.h"

#include "base/xalloc.h"
#include "datasets/store.h"
#include <assert.h>
#include <stdlib.h>

struct pictures {
    struct store *store;
    char **fault; // [count]; each written by the one thread that reads the picture
};

static bool pictures_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                           struct error *error) {
    const struct pictures *p = d->self;
    struct error own;
    (void)error;
    if (!store_read_floats(p->store, index, crop, out, &own)) {
        free(p->fault[index]);
        p->fault[index] = xstrdup(own.text);
    }
    return true;
}

static void pictures_read(const struct dataset *d, int index, float *out) {
    pictures_fetch(d, index, NULL, out, NULL);
}

static void pictures_release(struct dataset *d) {
    struct pictures *p = d->self;
    for (int i = 0; i < d->count; i++)
        free(p->fault[i]);
    free(p->fault);
    store_close(p->store);
    free(p);
}

struct dataset *pictures_open(struct listing listing, const struct dataset *like, int resize) {
    struct shape shape = like->shape;
    assert(shape.h == shape.w && (shape.c == 1 || shape.c == 3));
    size_t count = (size_t)listing.count;
    struct pictures *p = xmalloc(sizeof *p);
    p->store = store_open(listing, shape.h, resize, (enum picture_colour)shape.c, 0);
    p->fault = xcalloc(count + 1, sizeof *p->fault);
    struct dataset *d = dataset_new("pictures", shape, listing.count, like->classes,
                                    (const char *const *)like->class_names);
    for (size_t i = 0; i < count; i++)
        d->labels[i] = -1;
    d->slow = true;
    d->read = pictures_read;
    d->fetch = pictures_fetch;
    d->release = pictures_release;
    d->self = p;
    return d;
}

const char *pictures_path(const struct dataset *d, int index) {
    const struct pictures *p = d->self;
    return p->store->listing.items[index].path;
}

const char *pictures_fault(const struct dataset *d, int index) {
    const struct pictures *p = d->self;
    return p->fault[index];
}
