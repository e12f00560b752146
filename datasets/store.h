// The pictures of a listing, decoded when they are asked for and kept within a budget.
#ifndef THAW_DATASETS_STORE_H
#define THAW_DATASETS_STORE_H

#include "base/hash.h"
#include "data/crop.h"
#include "datasets/listing.h"
#include "datasets/picture.h"
#include <stdatomic.h>

struct kept {
    _Atomic(unsigned char *) ready; // resized and cropped: [size][size][c]
    _Atomic(unsigned char *) whole; // a struct shape, then that many bytes, as in the file
};

struct store {
    struct listing listing;
    struct kept *kept; // [listing.count]
    int size, resize;
    enum picture_colour colour;
    size_t budget;
    atomic_size_t used;
    int owners;
};

// Takes over the listing. resize 0: as `size`; budget: bytes. One owner, who closes it.
struct store *store_open(struct listing listing, int size, int resize, enum picture_colour colour,
                         size_t budget);

// Writes picture `item` as [size][size][c] bytes: a random crop of it, or (crop NULL) the middle.
// Safe from any thread. Errors name the file.
bool store_read(struct store *s, int item, const struct crop *crop, unsigned char *out,
                struct error *error);

// The same as [size][size][c] floats of 0 to 1.
bool store_read_floats(struct store *s, int item, const struct crop *crop, float *out,
                       struct error *error);

// A hash of the file, and of how it is cut. False when it cannot be read.
bool store_hash(const struct store *s, int item, struct hash128 *out);

// Drops the items that are marked; the others keep their order.
void store_drop(struct store *s, const bool *dropped);

void store_close(struct store *s);

#endif
