#include "datasets/folder.h"

#include "base/arena.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 4 }; // unreadable pictures that an error names

// One part of the store's items.
struct folder {
    struct store *store;
    int first; // the item of sample 0
};

static bool folder_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                         struct error *error) {
    const struct folder *f = d->self;
    return store_read_floats(f->store, f->first + index, crop, out, error);
}

static void folder_read(const struct dataset *d, int index, float *out) {
    folder_fetch(d, index, NULL, out, NULL);
}

static bool folder_hash(const struct dataset *d, int index, struct hash128 *out) {
    const struct folder *f = d->self;
    return store_hash(f->store, f->first + index, out);
}

static void folder_release(struct dataset *d) {
    struct folder *f = d->self;
    store_close(f->store);
    free(f);
}

// NULL when the part has no pictures.
static struct dataset *open_part(struct store *s, enum data_part part) {
    const struct listing *l = &s->listing;
    int first = 0, count = 0;
    while (first < l->count && l->items[first].part < part)
        first++;
    while (first + count < l->count && l->items[first + count].part == part)
        count++;
    if (count == 0)
        return NULL;
    struct shape shape = {s->size, s->size, (int)s->colour};
    struct dataset *d =
        dataset_new("folder", shape, count, l->class_count, (const char *const *)l->classes);
    struct folder *f = xmalloc(sizeof *f);
    *f = (struct folder){s, first};
    s->owners++;
    for (int i = 0; i < count; i++)
        d->labels[i] = l->items[first + i].label;
    if (l->items[first].group >= 0) {
        d->groups = xmalloc((size_t)count * sizeof *d->groups);
        for (int i = 0; i < count; i++)
            d->groups[i] = l->items[first + i].group;
    }
    d->slow = true;
    d->read = folder_read;
    d->fetch = folder_fetch;
    d->hash = folder_hash;
    d->release = folder_release;
    d->self = f;
    return d;
}

// Looking for unreadable pictures

struct search {
    struct store *store;
    char **fault; // of each item; NULL: none
    bool decode;  // or only look at the first bytes
};

static void search_item(void *context, int item, int worker) {
    struct search *search = context;
    struct store *s = search->store;
    const char *path = s->listing.items[item].path;
    char shown[LISTING_SHOWN];
    struct error error = {0};
    (void)worker;
    if (search->fault[item])
        return;
    if (!search->decode) {
        if (!picture_check(path, &error))
            search->fault[item] = xprintf("%s: %s", listing_shown(path, shown), error.text);
        return;
    }
    unsigned char *bytes = xmalloc((size_t)s->size * (size_t)s->size * (size_t)s->colour);
    if (!store_read(s, item, NULL, bytes, &error))
        search->fault[item] = xstrdup(error.text);
    free(bytes);
}

// How many were found.
static int search_all(struct search *search) {
    struct pool *pool = pool_open(pool_processors());
    int count = search->store->listing.count, found = 0;
    pool_run(pool, count, search_item, search);
    pool_close(pool);
    for (int i = 0; i < count; i++)
        found += search->fault[i] != NULL;
    return found;
}

// "a.jpg: the file is empty; b.jpg: ... and 7 more", at most `most` of them named.
static void name_faults(const struct search *search, int found, int most, struct text *t) {
    int named = 0;
    for (int i = 0; i < search->store->listing.count && named < most; i++)
        if (search->fault[i])
            text_add(t, "%s%s", named++ ? "; " : "", search->fault[i]);
    if (found > named)
        text_add(t, "; and %d more", found - named);
}

static bool refuse(const struct search *search, int found, struct error *error) {
    struct text t = {0};
    char names[760]; // leaves room for the advice
    name_faults(search, found, NAMED, &t);
    snprintf(names, sizeof names, "%s", t.data);
    error_set(error,
              "%d of %d pictures cannot be read (data.skip_unreadable: true leaves such out): %s",
              found, search->store->listing.count, names);
    text_free(&t);
    return false;
}

static bool classes_remain(const struct store *s, struct error *error) {
    const struct listing *l = &s->listing;
    bool *seen = xcalloc((size_t)l->class_count, sizeof *seen), fine = true;
    for (int i = 0; i < l->count; i++)
        if (l->items[i].part == PART_TRAIN)
            seen[l->items[i].label] = true;
    for (int k = 0; k < l->class_count && fine; k++)
        if (!seen[k])
            fine = error_set(error, "none of the pictures of class %s can be read", l->classes[k]);
    free(seen);
    return fine;
}

static bool leave_out(const struct search *search, int found, char **note, struct error *error) {
    struct text t = {0};
    bool *dropped = xmalloc((size_t)search->store->listing.count + 1);
    text_add(&t, "left out %d unreadable picture%s of %d: ", found, found == 1 ? "" : "s",
             search->store->listing.count);
    name_faults(search, found, found, &t);
    for (int i = 0; i < search->store->listing.count; i++)
        dropped[i] = search->fault[i] != NULL;
    store_drop(search->store, dropped);
    free(dropped);
    *note = t.data;
    return classes_remain(search->store, error);
}

static bool check_pictures(struct store *s, bool skip, char **note, struct error *error) {
    struct search search = {.store = s};
    int count = s->listing.count;
    search.fault = xcalloc((size_t)count + 1, sizeof *search.fault);
    int found = search_all(&search);
    bool fine = true;
    if (found > 0 && !skip)
        fine = refuse(&search, found, error);
    if (skip) {
        search.decode = true;
        found = search_all(&search);
        fine = found == 0 || leave_out(&search, found, note, error);
    }
    for (int i = 0; i < count; i++)
        free(search.fault[i]);
    free(search.fault);
    return fine;
}

static bool check_request(const struct dataset_request *r, struct error *error) {
    if (!r->path || !*r->path)
        return error_set(error, "folder: set data.path to a folder with a folder of pictures for "
                                "each class, or to a .csv file of path,label");
    if (r->size == 0)
        return error_set(error, "folder: set data.size, the side in pixels that pictures are made "
                                "to have, such as 32 or 224");
    if (r->resize && r->resize < r->size)
        return error_set(error,
                         "data.resize: %d is below data.size, which is %d; 0, or at least "
                         "that, would be right",
                         r->resize, r->size);
    return true;
}

bool folder_open(const struct dataset_request *r, struct dataset_pair *out, struct error *error) {
    *out = (struct dataset_pair){0};
    if (!check_request(r, error))
        return false;
    struct listing listing;
    if (!listing_open(&listing, r->path, error)) {
        listing_close(&listing);
        return error_prefix(error, "data.path: ");
    }
    size_t half = arena_available() / 2;
    struct store *s = store_open(listing, r->size, r->resize, r->grey ? PICTURE_GREY : PICTURE_RGB,
                                 r->cache < half ? r->cache : half);
    bool fine = check_pictures(s, r->skip_unreadable, &out->note, error);
    if (fine) {
        out->train = open_part(s, PART_TRAIN);
        out->validation = open_part(s, PART_VALIDATION);
        out->test = open_part(s, PART_TEST);
    }
    store_close(s);
    if (!fine)
        dataset_pair_close(out);
    return fine || error_prefix(error, "data.path: ");
}
