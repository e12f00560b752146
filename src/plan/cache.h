// What the frozen prefix computes of each sample, kept so that it is computed once: from then on
// steps and evaluations begin at the plan's cut. The kept values are exact, so no result depends on
// whether there was room for them.
//
// What is kept depends on the cut and on the bytes of the frozen tensors behind it (their hashes);
// when either changes, it is computed anew. Owned by the trainer thread.
#ifndef THAW_CACHE_H
#define THAW_CACHE_H

#include "data/dataset.h"
#include "plan/pass.h"

enum cache_state {
    CACHE_OFF,       // no room was asked for
    CACHE_VARY,      // every epoch draws other samples from the same ones
    CACHE_NO_PREFIX, // nothing is frozen at the input
    CACHE_TOO_LARGE, // they do not fit into the room there is
    CACHE_KEPT,
};

// Of one data set.
struct cache_store {
    const struct dataset *data;
    bool varies;            // its samples are augmented: nothing of them can be kept
    enum cache_state state; // of what the values depend on now
    float *values;          // [data->count][floats], NULL until there is something to keep
    bool *known;            // [data->count]
    int count;              // of the known
};

enum { CACHE_STORES = 3 };

struct cache {
    const struct model *model;
    size_t budget, bytes; // for all stores together; in use
    int *cut, cut_count;  // nodes
    size_t floats;        // per sample; 0: nothing to keep
    ptrdiff_t *place;     // [node_count]: where a node of the cut stands in a sample's row, or -1
    bool *skip;           // [node_count]: needs not run when the cut is given
    uint64_t key;         // of what the values depend on
    struct cache_store stores[CACHE_STORES];
    int store_count;
};

// What there is of the first store, for showing.
struct cache_view {
    enum cache_state state;
    int known, count; // samples
    size_t bytes;     // of all stores
};

// `model` must outlive it. Without room for anything, it never keeps anything.
void cache_open(struct cache *f, const struct model *model, size_t budget);
void cache_close(struct cache *f);

// The data set (NULL: none) has a store of its own from now on; the first one added comes first in
// the budget. `data` must outlive it.
void cache_add(struct cache *f, const struct dataset *data, bool varies);

// Tells the training's plan and the hashes of its frozen tensors ([param_count]; others are not
// read); call it before cache_forward whenever either may have changed.
void cache_use(struct cache *f, const struct plan *plan, const uint64_t *frozen);

// pass_forward on samples of `data` (batch->sample counts them), in any plan of these flags. Keeps
// and uses what it can. Returns whether the prefix was skipped.
bool cache_forward(struct cache *f, struct pass *pass, const struct batch *batch,
                   const struct dataset *data, uint32_t step);

struct cache_view cache_look(const struct cache *f);

#endif
