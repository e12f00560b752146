// What the frozen prefix computes of each sample, kept so that it is computed once: from then on
// steps and evaluations begin at the plan's cut, and the samples need not even be read. The kept
// values are exact, so no result depends on whether there was room for them.
//
// What is kept depends on the cut and on the bytes of the frozen tensors behind it (their hashes);
// when either changes, it is computed anew. Owned by the trainer thread; loaders ask it from theirs
// what they may leave out.
#ifndef THAW_CACHE_H
#define THAW_CACHE_H

#include "data/loader.h"
#include "plan/pass.h"
#include <stdatomic.h>

enum cache_state {
    CACHE_OFF,       // no room was asked for
    CACHE_VARY,      // every epoch draws other samples from the same ones
    CACHE_NO_PREFIX, // nothing is frozen at the input
    CACHE_TOO_LARGE, // there is no room for a single sample
    CACHE_KEPT,
};

// Of one data set. An entry is one view of a sample.
struct cache_store {
    const struct cache *cache;
    const struct dataset *data;
    int entries;            // views * samples; 0: each epoch has views of its own
    enum cache_state state; // of what the values depend on now
    atomic_bool *known;     // [entries], for loaders
    int *slot;              // [entries]: the entry's row in memory, or -1
    float *memory;          // [slots][floats], NULL until there is something to keep
    int slots, count;       // there is room for; of the known
};

enum { CACHE_STORES = 3 };

struct cache {
    const struct model *model;
    size_t budget, bytes; // for all stores together; in use
    int *cut, cut_count;  // nodes
    size_t floats;        // per sample; 0: nothing to keep
    ptrdiff_t *place;     // [node_count]: where a node of the cut stands in a sample's row, or -1
    bool *skip;           // [node_count]: needs not run when the cut is given
    atomic_bool spares;   // what runs then does not read the samples
    uint64_t key;         // of what the values depend on
    struct cache_store stores[CACHE_STORES];
    int store_count;
    // Of the batch fetched last:
    struct cache_store *now; // NULL: nothing of it is kept
    float **rows;            // [n]: where each sample's row is or will be
    int missing;             // rows that are not known
    float *staging;          // [staging_rows][floats]: rows that have no place in memory
    int staging_rows;
};

// What there is of the first store, for showing.
struct cache_view {
    enum cache_state state;
    int known, count; // entries
    size_t bytes;     // of all stores
};

// `model` must outlive it. Without room for anything, it never keeps anything.
void cache_open(struct cache *f, const struct model *model, size_t budget);
void cache_close(struct cache *f);

// The data set (NULL: none) has a store of its own from now on; the first one added comes first in
// the budget. `views` of each sample are told apart; 0: there is no end of them, and nothing is
// kept. `data` must outlive it.
void cache_add(struct cache *f, const struct dataset *data, int views);

// Has a loader of `data` leave out what is kept: what to do with its batches then is cache_fetch's
// to say. The cache must outlive the loader.
void cache_tell(struct cache *f, const struct dataset *data, struct loader_settings *settings);

// From the next cache_use on there is room for so many bytes; what was kept is forgotten then.
void cache_limit(struct cache *f, size_t budget);

// Tells the training's plan and the hashes of its frozen tensors ([param_count]; others are not
// read); call it before cache_fetch whenever either may have changed.
void cache_use(struct cache *f, const struct plan *plan, const uint64_t *frozen);

// Looks up a batch of `data`. False when what was left out of it is not known any more: the loader
// must be asked for the whole of it, which is then to be fetched again.
bool cache_fetch(struct cache *f, const struct batch *batch, const struct dataset *data);

// pass_forward on the batch that was fetched, in any plan of these flags. Keeps and uses what it
// can. Returns whether the prefix was skipped.
bool cache_forward(struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step);

struct cache_view cache_look(const struct cache *f);

#endif
