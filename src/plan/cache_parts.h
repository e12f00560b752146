// What the files of the cache share among themselves.
#ifndef THAW_CACHE_PARTS_H
#define THAW_CACHE_PARTS_H

#include "plan/cache.h"

// Where the cut's nodes stand in a row, and what needs not run when it is given.
void cache_take_cut(struct cache *f, const int *nodes, int count);

// Of the cut, and of every frozen tensor behind it: within a process.
uint64_t cache_key(const struct cache *f, const uint64_t *frozen);

// A hash of all that the cut's values depend on beside the sample: the operations before it and
// their frozen tensors, how they are computed, the program, the processor's kernels. False when
// that cannot be told.
bool cache_file_key(const struct cache *f, const struct plan *plan, const uint64_t *frozen,
                    struct hash128 *out);

// Whether every tensor before the cut is as it was at the run's start.
bool cache_is_pristine(const struct cache *f, const uint64_t *frozen);

// Takes up the file of the prefix in force, and leaves the one before. Under f->mutex.
void cache_use_file(struct cache *f, const struct plan *plan, const uint64_t *frozen);

int cache_entry(const struct cache_store *s, uint32_t sample, uint32_t view);
void cache_know(struct cache_store *s, int entry, bool known);

// Whether the file has the entry, which is then known. Safe from any thread.
bool cache_look_in_file(struct cache_store *s, int entry, uint32_t sample, uint32_t view);

// The entry's key in files. False when the sample cannot be read. Safe from any thread.
bool cache_entry_key(struct cache_store *s, int entry, uint32_t sample, uint32_t view,
                     struct hash128 *out);

// Something for the person to know; the first is told. Takes the text over.
void cache_say(struct cache *f, char *text);

#endif
