#include "plan/row_index.h"

#include "base/xalloc.h"
#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_ROOM = 1024, NOTHING = -1, DROPPED = -2 };

void row_index_close(struct row_index *x) {
    free(x->places);
    *x = (struct row_index){0};
}

// The key's place, or the free one where it would go. There is always a free one.
static struct row_place *place_of(const struct row_index *x, struct hash128 key) {
    const uint64_t salted[3] = {key.low, key.high, x->salt};
    size_t i = (size_t)hash_bytes(salted, sizeof salted) & (x->room - 1);
    while (x->places[i].at != NOTHING && !hash128_equal(x->places[i].key, key))
        i = (i + 1) & (x->room - 1);
    return &x->places[i];
}

static void grow(struct row_index *x) {
    struct row_index more = {.salt = x->salt, .room = x->room ? 2 * x->room : FIRST_ROOM};
    if (x->room == 0 && getrandom(&more.salt, sizeof more.salt, GRND_NONBLOCK) < 0)
        more.salt = (uint64_t)(uintptr_t)&more; // better than nothing
    more.places = xmalloc(more.room * sizeof *more.places);
    for (size_t i = 0; i < more.room; i++)
        more.places[i].at = NOTHING;
    for (size_t i = 0; i < x->room; i++)
        if (x->places[i].at >= 0)
            row_index_set(&more, x->places[i].key, x->places[i].at);
    free(x->places);
    *x = more;
}

int64_t row_index_find(const struct row_index *x, struct hash128 key) {
    int64_t at = x->room ? place_of(x, key)->at : NOTHING;
    return at >= 0 ? at : -1;
}

void row_index_set(struct row_index *x, struct hash128 key, int64_t at) {
    if (2 * x->used >= x->room)
        grow(x);
    struct row_place *place = place_of(x, key);
    x->used += place->at == NOTHING;
    *place = (struct row_place){key, at};
}

void row_index_drop(struct row_index *x, struct hash128 key) {
    struct row_place *place = x->room ? place_of(x, key) : NULL;
    if (place && place->at >= 0)
        place->at = DROPPED;
}
