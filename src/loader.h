// Batches, made ahead of the trainer on a thread of its own. What a batch holds is a pure function
// of (data, settings, step): who asks, when, and how far ahead changes nothing.
#ifndef THAW_LOADER_H
#define THAW_LOADER_H

#include "dataset.h"
#include "pass.h"

enum { LOADER_CHANNELS = 4 };

struct loader_settings {
    int batch;
    uint64_t seed;
    bool shuffle; // a new permutation every epoch; otherwise in order
    bool flip;    // mirror left to right with probability 1/2, keyed by seed, sample, epoch
    int crop;     // random crop from the image padded with this many zeros (after normalising, as
                  // padding the pixels with the mean); 0: none
    float mean[LOADER_CHANNELS], std[LOADER_CHANNELS]; // per channel: (x - mean) / std
};

struct loader;

// What a loader's batches take.
size_t loader_bytes(const struct dataset *data, const struct loader_settings *settings);

// `data` must outlive the loader. Never fails.
struct loader *loader_open(const struct dataset *data, const struct loader_settings *settings);
void loader_close(struct loader *l);

// Steps in one epoch: ceil(count / batch); the last batch may be smaller.
int loader_steps(const struct loader *l);

// The batch of a step (epoch = step / loader_steps). It stays valid until the next call. Steps
// asked in rising order come from the thread ahead; any other order is served too, by starting over
// there.
const struct batch *loader_batch(struct loader *l, int64_t step);

#endif
