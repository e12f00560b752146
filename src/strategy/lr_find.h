// The learning-rate range test: some steps under a rate that rises exponentially, to see from where
// to where it trains (Smith 2017, "Cyclical learning rates for training neural networks", section
// 3.3). As in fastai's lr_find the loss is smoothed by an exponential mean over steps (0.98,
// bias-corrected), the test ends early when that is four times its least, and suggested are where
// the loss falls fastest and a tenth of where it is least; fastai takes the first from the smoothed
// loss, which lags behind, and on small batches mostly shows noise.
//
// Afterwards the training is what it was: weights, statistics, moments, settings, step, and so the
// bits of all that follows.
#ifndef THAW_STRATEGY_LR_FIND_H
#define THAW_STRATEGY_LR_FIND_H

#include "training/training.h"

struct lr_find_options {
    double from, to; // rates, 0 < from < to
    int steps;       // from LR_FIND_STEPS_LEAST on
    // Whether to give up, asked before each step; NULL: never.
    bool (*give_up)(void *context);
    void *context;
};

#define LR_FIND_FROM 1e-5
#define LR_FIND_TO 10.0
enum {
    LR_FIND_STEPS = 100,
    LR_FIND_STEPS_LEAST = 20,
    LR_FIND_STEPS_MOST = 100000,
    LR_FIND_WINDOW = 5
};

struct lr_find {
    int count;               // steps done
    double *lr;              // [count]: before the multipliers of parameters
    double *loss, *smoothed; // [count]
    bool ended_early;        // the loss rose too far, or was no longer finite
    bool falling;            // it was least at the last step: a higher rate may be better still
    // Suggestions; NAN: the loss never fell.
    double steepest; // where the loss falls fastest over the logarithm of the rate, by least
                     // squares over 1 / LR_FIND_WINDOW of the steps: the middle of them
    double tenth;    // a tenth of the rate with the least smoothed loss; the first steps, where
                     // the mean has seen little, are left out
};

// Parameters whose rate is annealed keep their own. Fails (the training is as before) when nothing
// is thawed, a sample cannot be read or when told to give up (ERROR_RUN). The caller closes *out;
// after an error it is empty.
bool lr_find(struct training *t, const struct lr_find_options *options, struct lr_find *out,
             struct error *error);
void lr_find_close(struct lr_find *f);
struct lr_find lr_find_copy(const struct lr_find *f);

#endif
