#include "datasets/idx.h"

#include "base/arena.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/source.h"
#include <limits.h>
#include <stdlib.h>

enum { SIDE_MAX = 1 << 14, CHANNELS_MAX = 4, TYPE_BYTE = 8, FIRST_ROOM = 1 << 16 };

static bool read_magic(struct source *s, enum idx_kind kind, int *rank, struct error *error) {
    const char *right =
        kind == IDX_IMAGES ? "00 00 08 03 or 00 00 08 04 for images" : "00 00 08 01 for labels";
    unsigned char m[4];
    if (source_take(s, m, sizeof m) < sizeof m)
        return source_short(s, "the header", error);
    bool rank_fits = kind == IDX_IMAGES ? m[3] == 3 || m[3] == 4 : m[3] == 1;
    if (m[0] != 0 || m[1] != 0 || m[2] != TYPE_BYTE || !rank_fits)
        return error_set(error,
                         "%s: starts with %02x %02x %02x %02x, but an idx file starts with %s",
                         s->name, m[0], m[1], m[2], m[3], right);
    *rank = m[3];
    return true;
}

// Sizes from 1 to where int arithmetic on one image, and 64-bit on all, stay safe.
static bool read_sizes(struct source *s, int rank, int size[4], struct error *error) {
    static const char *const what[4] = {"count", "height", "width", "number of channels"};
    static const unsigned max[4] = {INT_MAX, SIDE_MAX, SIDE_MAX, CHANNELS_MAX};
    for (int i = 0; i < 4; i++)
        size[i] = 1;
    for (int i = 0; i < rank; i++) {
        unsigned char b[4];
        if (source_take(s, b, sizeof b) < sizeof b)
            return source_short(s, "the header", error);
        uint32_t value = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (value < 1 || value > max[i])
            return error_set(error, "%s: the %s is %u: 1 to %u would be right", s->name, what[i],
                             value, max[i]);
        size[i] = (int)value;
    }
    return true;
}

static bool read_data(struct source *s, size_t total, unsigned char **out, struct error *error) {
    size_t have = 0, room = 0;
    char need_text[32], free_text[32];
    if (total > arena_available())
        return error_set(error, "%s: the header says %s, but only %s of memory are available",
                         s->name, text_bytes((double)total, need_text),
                         text_bytes((double)arena_available(), free_text));
    unsigned char *data = NULL;
    while (have < total) {
        room = room == 0 ? FIRST_ROOM : 2 * room;
        room = room < total ? room : total;
        data = xrealloc(data, room);
        size_t got = source_take(s, data + have, room - have);
        if (got < room - have) {
            free(data);
            return source_short(s, "the data that the header promises", error);
        }
        have = room;
    }
    *out = data;
    return true;
}

bool idx_parse(struct idx *out, enum idx_kind kind, const void *bytes, size_t size,
               const char *name, struct error *error) {
    struct source s;
    int rank = 0, n[4];
    *out = (struct idx){0};
    if (!source_open(&s, bytes, size, name, error))
        return false;
    bool fine = read_magic(&s, kind, &rank, error) && read_sizes(&s, rank, n, error);
    if (fine) {
        *out = (struct idx){.count = n[0], .shape = {n[1], n[2], n[3]}};
        size_t total = (size_t)n[0] * shape_count(out->shape);
        fine = read_data(&s, total, &out->data, error) && source_done(&s, error);
    }
    source_close(&s);
    if (!fine)
        idx_free(out);
    return fine;
}

bool idx_read(struct idx *out, enum idx_kind kind, const char *path, struct error *error) {
    struct mapping m;
    *out = (struct idx){0};
    if (!mapping_open(&m, path, error))
        return false;
    bool fine = idx_parse(out, kind, m.data, m.size, path, error);
    mapping_close(&m);
    return fine;
}

void idx_free(struct idx *x) {
    free(x->data);
    *x = (struct idx){0};
}

struct reader {
    unsigned char *pixels; // [count][h][w][c]
    float value[256];      // of each byte
};

static void reader_read(const struct dataset *d, int index, float *out) {
    const struct reader *r = d->self;
    size_t size = shape_count(d->shape);
    const unsigned char *from = r->pixels + (size_t)index * size;
    for (size_t i = 0; i < size; i++)
        out[i] = r->value[from[i]];
}

static void reader_release(struct dataset *d) {
    struct reader *r = d->self;
    free(r->pixels);
    free(r);
}

static bool labels_fit(const struct idx *labels, int classes, const char *place,
                       struct error *error) {
    for (int i = 0; i < labels->count; i++)
        if (labels->data[i] >= classes)
            return error_set(error, "%s: sample %d has label %d, but the classes are 0 to %d",
                             place, i, labels->data[i], classes - 1);
    return true;
}

static int highest(const struct idx *labels) {
    int max = 0;
    for (int i = 0; i < labels->count; i++)
        max = labels->data[i] > max ? labels->data[i] : max;
    return max;
}

struct dataset *idx_join(struct idx *images, struct idx *labels, const struct idx_meaning *meaning,
                         const char *place, struct error *error) {
    struct dataset *d = NULL;
    int classes = meaning->classes > 0 ? meaning->classes : highest(labels) + 1;
    if (images->count != labels->count)
        error_set(error, "%s: %d images, but %d labels", place, images->count, labels->count);
    else if (labels_fit(labels, classes, place, error)) {
        d = dataset_new(meaning->name, images->shape, images->count, classes, meaning->class_names);
        struct reader *r = xcalloc(1, sizeof *r);
        for (int i = 0; i < 256; i++)
            r->value[i] = (float)i / meaning->white;
        for (int i = 0; i < labels->count; i++)
            d->labels[i] = labels->data[i];
        r->pixels = images->data;
        images->data = NULL;
        d->self = r;
        d->read = reader_read;
        d->release = reader_release;
    }
    idx_free(images);
    idx_free(labels);
    return d;
}

struct dataset *idx_open(const char *images, const char *labels, const struct idx_meaning *meaning,
                         struct error *error) {
    struct idx x, y;
    if (!idx_read(&x, IDX_IMAGES, images, error))
        return NULL;
    if (!idx_read(&y, IDX_LABELS, labels, error)) {
        idx_free(&x);
        return NULL;
    }
    return idx_join(&x, &y, meaning, labels, error);
}
