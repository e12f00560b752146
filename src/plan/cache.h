// What the frozen prefix computes of each sample, kept so that it is computed once: from then on
// steps and evaluations begin at the plan's cut, and the samples need not even be read. The kept
// values are exact, so no result depends on whether there was room for them.
//
// What is kept depends on the cut and on the bytes of the frozen tensors behind it (their hashes);
// when either changes, it is computed anew. It is kept in memory within a budget, and all of it
// within another budget in a file (row_file.h), which outlives the process and may be shared by
// several. Owned by the trainer thread; loaders ask it from theirs what they may leave out.
#ifndef THAW_CACHE_H
#define THAW_CACHE_H

#include "data/loader.h"
#include "plan/pass.h"
#include "plan/row_file.h"
#include <pthread.h>
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
    struct cache *cache;
    const struct dataset *data;
    struct loader_settings settings; // what its samples depend on
    int entries;                     // views * samples; 0: each epoch has views of its own
    bool once;                       // it is looked at but once: kept for other processes alone
    enum cache_state state;          // of what the values depend on now
    unsigned char *memory;           // [slots] rows, NULL until there is something to keep
    int slots, used;                 // there is room for; are taken
    // Shared with loaders:
    atomic_bool spares;   // what is known may be left out
    atomic_bool *known;   // [entries]
    atomic_int count;     // of the known
    atomic_int *slot;     // [entries]: the entry's row in memory, or -1
    struct hash128 *keys; // [entries] in files, NULL until there is one; under cache->mutex
    bool *keyed;          // [entries]: whose key is there; likewise
};

// Some samples of a batch, as they are handed on. [n] each.
struct cache_part {
    int *label;
    uint32_t *sample;
    struct hash128 *keys;
    void **rows;
};

enum { CACHE_STORES = 4 };

struct cache_budget {
    size_t memory; // bytes, for all stores together
    uint64_t disk; // bytes of a file
    bool half;     // values are rounded to bfloat16, kept or not
};

struct cache {
    const struct model *model;
    struct cache_budget budget;
    size_t bytes;        // of memory in use
    int *cut, cut_count; // nodes
    size_t floats, row;  // per sample, 0: nothing to keep; bytes of them
    ptrdiff_t *place;    // [node_count]: where a node of the cut stands in a sample's row, or -1
    bool *skip;          // [node_count]: needs not run when the cut is given
    uint64_t key;        // of what the values depend on
    struct cache_store stores[CACHE_STORES];
    int store_count;
    char *note; // for cache_note
    // The file of the prefix in force:
    char *directory;       // NULL: there are no files
    bool shared;           // by other runs
    uint64_t *first;       // [param_count], shared: hashes of all tensors at the run's start
    bool stays;            // the file, when it is left
    struct row_file *file; // NULL: none; the trainer changes it under the mutex
    pthread_mutex_t mutex;
    // Of the batch fetched last:
    struct cache_store *now; // NULL: nothing of it is kept
    int room;                // of what is [n] here: the largest batch so far
    void **rows;             // [n]: where each sample's row is or will be
    bool *fresh;             // [n]: it will
    struct cache_part part;  // room for it
    int missing;             // rows that are not known
    unsigned char *staging;  // [staging_rows]: rows that have no place in memory
    int staging_rows;
};

// What there is of the first store, for showing.
struct cache_view {
    enum cache_state state;
    int known, count; // entries
    size_t bytes;     // of all stores
};

// `model` must outlive it. Without room for anything, it never keeps anything.
void cache_open(struct cache *f, const struct model *model, struct cache_budget budget);
void cache_close(struct cache *f); // a file stays

// The data set (NULL: none) has a store of its own from now on; the first one added comes first in
// the budget. `settings` are its loaders'; `once`: there will be one look at it. `data` must
// outlive it.
void cache_add(struct cache *f, const struct dataset *data, const struct loader_settings *settings,
               bool once);

// Has a loader of `data` leave out what is kept: what to do with its batches then is cache_fetch's
// to say. The cache must outlive the loader.
void cache_tell(struct cache *f, const struct dataset *data, struct loader_settings *settings);

// From the next cache_use on there is room for so many bytes in memory; what was kept is forgotten
// then.
void cache_limit(struct cache *f, size_t budget);

// Keeps files in a directory from now on, "features-" and a hash of what their values depend on.
// With `shared`, other processes may use them at the same time, and those of tensors that are as in
// `start`, the weights before the first step, stay for others; all others go with the prefix.
void cache_keep_files(struct cache *f, const char *directory, bool shared,
                      const struct weights *start);

// Takes away what no other run has a use for. No more files from now on.
void cache_discard_files(struct cache *f);

// Takes all such files away from a directory.
void cache_remove_files(const char *directory);

// Tells the training's plan and the hashes of its frozen tensors ([param_count]; others are not
// read); call it before cache_fetch whenever either may have changed.
void cache_use(struct cache *f, const struct plan *plan, const uint64_t *frozen);

// Looks up a batch of `data`. False when what was left out of it is not known any more: the loader
// must be asked for the whole of it, which is then to be fetched again.
bool cache_fetch(struct cache *f, const struct batch *batch, const struct dataset *data);

// pass_forward on the batch that was fetched, in any plan of these flags. Keeps and uses what it
// can. Returns whether the prefix was skipped.
bool cache_forward(struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step);

// pass_forward with the same values at the cut, of a batch of which nothing is kept.
void cache_pass(const struct cache *f, struct pass *pass, const struct batch *batch, uint32_t step);

// Whether it has room, and the first store's samples have an end: of a prefix, if there is one.
bool cache_would_keep(const struct cache *f);

struct cache_view cache_look(const struct cache *f);

// A line for the person, or NULL: what went wrong with a file. The caller frees.
char *cache_note(struct cache *f);

#endif
