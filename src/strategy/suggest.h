// Which parts of a network to thaw, from a few probing batches. Nothing of the training changes:
// the probe works on a copy of the weights, with gradients of every part and no update (but for a
// new head, see below).
//
// Of each part, over the gradients g_b of the mean loss of B batches:
//   gradient   mean of |g_b|
//   relative   mean of |g_b| / |w|                          (Auto-RGN)
//   snr        mean over parameters of mean(g)^2 / var(g)    (Auto-SNR; batches stand for samples)
//   alignment  mean of g_b . g_c over pairs of batches, divided by the mean of |g_b|^2: 1 where all
//              batches ask for the same change, 0 where each asks for its own
// Auto-RGN and Auto-SNR: Lee et al., Surgical Fine-Tuning Improves Adaptation to Distribution
// Shifts (ICLR 2023), section 5. Statistics of BatchNorm are no part of a part's numbers.
//
// A head that still has its initial random values sends random gradients into every part below it.
// It is trained first, in the copy, on the features of the frozen rest.
//
// Suggested are the head and every part whose relative gradient is at least SUGGEST_NEAR of the
// largest below the head; the head alone where the batches share less than SUGGEST_SHARED of the
// gradient below it: each then asks for a change of its own, which is how fitting by heart begins;
// everything where nothing was pretrained.
#ifndef THAW_STRATEGY_SUGGEST_H
#define THAW_STRATEGY_SUGGEST_H

#include "strategy/parts.h"
#include "training/training.h"

#define SUGGEST_NEAR 0.5
#define SUGGEST_SHARED 0.1

// With fewer than 4 batches the mean of mean^2 / var over noise is not even finite.
enum {
    SUGGEST_BATCHES = 8,
    SUGGEST_BATCHES_LEAST = 4,
    SUGGEST_BATCHES_MOST = 1000,
    SUGGEST_HEAD_STEPS = 200
};

struct suggest_options {
    int batches;     // to probe, from SUGGEST_BATCHES_LEAST on
    int head_epochs; // for the head first; below 0: if it is new, enough for SUGGEST_HEAD_STEPS
                     // steps
    bool timed;      // measure seconds as well
    // Whether to give up, asked between batches; NULL: never.
    bool (*give_up)(void *context);
    void *context;
};

struct suggest_row {
    double gradient, relative, snr, alignment;
    // Of a step with this part and the head thawed:
    struct plan_cost cost; // without the cache
    double spared;         // of cost.forward, by the cache, once it is filled
    double seconds;        // forward and backward without the cache; 0: not measured
    int rank;              // from 1: by `relative`
    bool chosen;           // belongs to what is suggested
};

struct suggestion {
    const struct model *model;
    struct parts parts;
    struct suggest_row *rows; // [parts.count]
    struct plan_cost full;    // of a step with everything thawed
    double full_seconds;
    int batches;
    bool new_head;         // it had its initial values
    bool untrained;        // so had everything below it: nothing was pretrained
    int head_epochs;       // what it was trained before the probe
    double loss, accuracy; // mean over the probed batches
    double alignment;      // of everything but the head
};

// Fails when the copies do not fit in memory, the loss is not finite, a sample cannot be read or
// when told to give up (ERROR_RUN). A function of experiment, weights, settings and step alone, but
// for the seconds. The caller closes *out; after an error it is empty.
bool suggest(struct training *t, const struct suggest_options *options, struct suggestion *out,
             struct error *error);
void suggestion_close(struct suggestion *s);
struct suggestion suggestion_copy(const struct suggestion *s);

// The row of a rank, from 1 to parts.count.
int suggest_ranked(const struct suggestion *s, int rank);

// What a row stands for, by the fewest patterns: its part and the head; row -1: what is suggested.
// Each pattern comes behind `next`, the first one behind `first`: "thaw " and ", thaw " make rules,
// "only " and "; thaw " a change of settings.
void suggest_patterns(const struct suggestion *s, int row, const char *first, const char *next,
                      struct text *out);

#endif
