#include "datasets/store.h"

#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

struct store *store_open(struct listing listing, int size, int resize, enum picture_colour colour,
                         size_t budget) {
    struct store *s = xcalloc(1, sizeof *s);
    s->owners = 1;
    s->listing = listing;
    s->kept = xcalloc((size_t)listing.count + 1, sizeof *s->kept);
    s->size = size;
    s->resize = resize ? resize : size;
    s->colour = colour;
    s->budget = budget;
    return s;
}

// Reserves bytes of the budget; false when they are not left.
static bool reserve(struct store *s, size_t bytes) {
    size_t used = atomic_load(&s->used);
    do {
        if (bytes > s->budget || used > s->budget - bytes)
            return false;
    } while (!atomic_compare_exchange_weak(&s->used, &used, used + bytes));
    return true;
}

// Puts a block where another thread may do the same: the first one stays. Takes ownership.
static void publish(struct store *s, _Atomic(unsigned char *) *place, unsigned char *block,
                    size_t bytes) {
    unsigned char *none = NULL;
    if (atomic_compare_exchange_strong(place, &none, block))
        return;
    atomic_fetch_sub(&s->used, bytes);
    free(block);
}

static void keep_ready(struct store *s, int item, const unsigned char *pixels, size_t bytes) {
    if (!atomic_load(&s->kept[item].ready) && reserve(s, bytes))
        publish(s, &s->kept[item].ready, xmemdup(pixels, bytes), bytes);
}

// Whole pictures are kept only where random crops are cut from them.
static void keep_whole(struct store *s, int item, const struct picture *p) {
    size_t header = sizeof p->shape, bytes = header + shape_count(p->shape);
    if (atomic_load(&s->kept[item].whole) || !reserve(s, bytes))
        return;
    // The shape stands before the pixels, so that both appear at once.
    unsigned char *block = xmalloc(bytes);
    memcpy(block, &p->shape, header);
    memcpy(block + header, p->pixels, bytes - header);
    publish(s, &s->kept[item].whole, block, bytes);
}

static void cut(const struct store *s, struct shape shape, const unsigned char *pixels,
                const struct crop *crop, unsigned char *out) {
    struct box all = {0, 0, shape.h, shape.w}, square = {0, 0, s->size, s->size};
    if (crop) {
        resample_bytes(pixels, shape, crop_box(crop, shape.h, shape.w), s->size, s->size, square,
                       out);
        return;
    }
    int h, w;
    square = crop_fit(shape.h, shape.w, s->resize, s->size, &h, &w);
    resample_bytes(pixels, shape, all, h, w, square, out);
}

bool store_read(struct store *s, int item, const struct crop *crop, unsigned char *out,
                struct error *error) {
    size_t bytes = (size_t)s->size * (size_t)s->size * (size_t)s->colour;
    const unsigned char *ready = atomic_load(&s->kept[item].ready),
                        *whole = atomic_load(&s->kept[item].whole);
    char shown[LISTING_SHOWN];
    struct picture p;
    if (!crop && ready) {
        memcpy(out, ready, bytes);
        return true;
    }
    if (whole) {
        struct shape shape;
        memcpy(&shape, whole, sizeof shape);
        cut(s, shape, whole + sizeof shape, crop, out);
        return true;
    }
    const char *path = s->listing.items[item].path;
    if (!picture_read(&p, path, s->colour, error))
        return error_prefix(error, "%s: ", listing_shown(path, shown));
    cut(s, p.shape, p.pixels, crop, out);
    if (crop)
        keep_whole(s, item, &p);
    else
        keep_ready(s, item, out, bytes);
    picture_close(&p);
    return true;
}

bool store_read_floats(struct store *s, int item, const struct crop *crop, float *out,
                       struct error *error) {
    size_t count = (size_t)s->size * (size_t)s->size * (size_t)s->colour;
    unsigned char *bytes = xmalloc(count);
    bool fine = store_read(s, item, crop, bytes, error);
    for (size_t i = 0; i < count; i++)
        out[i] = fine ? (float)bytes[i] / 255 : 0;
    free(bytes);
    return fine;
}

bool store_hash(const struct store *s, int item, struct hash128 *out) {
    int cut[] = {s->size, s->resize, (int)s->colour};
    if (!hash128_file(s->listing.items[item].path, out))
        return false;
    *out = hash128_more(*out, cut, sizeof cut);
    return true;
}

void store_drop(struct store *s, const bool *dropped) {
    int kept = 0;
    for (int i = 0; i < s->listing.count; i++) {
        if (dropped[i]) {
            free(s->listing.items[i].path);
            continue;
        }
        s->listing.items[kept] = s->listing.items[i];
        atomic_store(&s->kept[kept].ready, atomic_load(&s->kept[i].ready));
        if (kept++ != i)
            atomic_store(&s->kept[i].ready, NULL);
    }
    s->listing.count = kept;
}

void store_close(struct store *s) {
    if (!s || --s->owners > 0)
        return;
    for (int i = 0; i < s->listing.count; i++) {
        free(atomic_load(&s->kept[i].ready));
        free(atomic_load(&s->kept[i].whole));
    }
    free(s->kept);
    listing_close(&s->listing);
    free(s);
}
