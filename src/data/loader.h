// Batches, made ahead of the trainer on threads of their own. What a batch holds is a pure function
// of (data, settings, step): who asks, when, how far ahead, and how many threads changes nothing.
#ifndef THAW_LOADER_H
#define THAW_LOADER_H

#include "data/augment.h"
#include "data/dataset.h"
#include "data/masking.h"
#include "plan/pass.h"

enum { LOADER_CHANNELS = 4 };

// Whether a sample may be left out of a batch. Called from the loader's threads.
typedef bool loader_spares(void *context, uint32_t sample, uint32_t view);

struct loader_settings {
    int batch;
    uint64_t seed;
    bool shuffle; // a new permutation every epoch; otherwise in order
    struct augment augment;
    int views; // of a sample: an epoch has view epoch % views; 0: one of its own
    float mean[LOADER_CHANNELS], std[LOADER_CHANNELS]; // per channel: (x - mean) / std
    int threads;                                       // for data that is slow to read; 0: one
    loader_spares *spares;                             // NULL: none
    void *context;                                     // for it
    bool masks;                                        // of texts: batches have targets, by
    struct masking masking;
};

struct loader;

// What a loader's batches take.
size_t loader_bytes(const struct dataset *data, const struct loader_settings *settings);

// How many views of a sample there are: 1 where nothing is augmented; 0: every epoch has its own.
int loader_views(const struct loader_settings *settings);

// A hash of all that a view of a sample depends on: views with equal ones are equal, in whatever
// loader and process. False when the sample cannot be read.
bool loader_hash(const struct dataset *data, const struct loader_settings *settings,
                 uint32_t sample, uint32_t view, struct hash128 *out);

// `data` must outlive the loader. Never fails.
struct loader *loader_open(const struct dataset *data, const struct loader_settings *settings);
void loader_close(struct loader *l);

// Steps in one epoch: ceil(count / batch); the last batch may be smaller.
int loader_steps(const struct loader *l);

// Begins to make the batches from a step on, which will be asked for later.
void loader_begin(struct loader *l, int64_t step);

// The batch of a step (epoch = step / loader_steps). It stays valid until the next call. Steps
// asked in rising order come from the thread ahead; any other order is served too, by starting over
// there. NULL when one of its samples cannot be read: loader_error says which and why.
const struct batch *loader_batch(struct loader *l, int64_t step);

// The same without the samples that settings.spares said may be left out, when it was made.
const struct batch *loader_batch_spared(struct loader *l, int64_t step);

// The error of the batch that was asked for last. Returns false.
bool loader_error(const struct loader *l, struct error *out);

#endif
