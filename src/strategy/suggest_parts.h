// What the files of the suggestion share among themselves.
#ifndef THAW_STRATEGY_SUGGEST_PARTS_H
#define THAW_STRATEGY_SUGGEST_PARTS_H

#include "strategy/suggest.h"

// A training borrowed for looking: its pass runs on a copy of the weights until scratch_close.
struct scratch {
    struct training *training;
    const struct suggest_options *options;
    struct weights weights;
};

// Whether everything of the head, or of what is below it, has its initial values, by experiment and
// seed. The scratch copy must not have been used yet.
bool suggest_is_new(struct scratch *s, const struct parts *parts, bool head);

// Trains the head in the copy, on the features of the frozen rest.
bool suggest_fit_head(struct scratch *s, int epochs, struct error *error);

// Fills in what the batches of the coming steps say of each part.
bool suggest_probe(struct scratch *s, struct suggestion *out, struct error *error);

// Whether the owner asked to give up, as an error.
bool suggest_goes_on(const struct scratch *s, struct error *error);

#endif
