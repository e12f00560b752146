// Where in a file the row of each key is: a hash table of open addresses.
#ifndef THAW_ROW_INDEX_H
#define THAW_ROW_INDEX_H

#include "base/hash.h"

struct row_place {
    struct hash128 key;
    int64_t at; // -1: nothing here
};

// {0} is empty. Keys come from files that others may have written: a number of this process alone
// keeps them from all falling into one place.
struct row_index {
    uint64_t salt;
    struct row_place *places; // [room], a power of two
    size_t room, used;
};

void row_index_close(struct row_index *x); // leaves it empty

// -1 when there is none.
int64_t row_index_find(const struct row_index *x, struct hash128 key);

// A later row of a key takes the place of an earlier one.
void row_index_set(struct row_index *x, struct hash128 key, int64_t at);

// Forgets a key's row; none is fine.
void row_index_drop(struct row_index *x, struct hash128 key);

#endif
