// Ready-made ways of freezing: each is nothing but a few keys of an experiment, which may as well
// be written by hand: rules, phases of the schedule, rates.
#ifndef THAW_STRATEGY_STRATEGY_H
#define THAW_STRATEGY_STRATEGY_H

#include "experiment/experiment.h"
#include "strategy/parts.h"

// What a strategy makes keys from.
struct strategy_ground {
    const struct experiment *experiment;
    const struct model *model;
    struct parts parts;
    bool new_head; // the experiment starts the head anew
};

struct strategy {
    const char *name, *help, *source; // source: the paper, or NULL
    // Appends "KEY=VALUE" lines, as experiment_set takes them, each with a newline.
    bool (*keys)(const struct strategy_ground *g, struct text *out, struct error *error);
};

// By name; the last one's name is NULL. The key strategy.name has the same names, and "none".
extern const struct strategy strategies[];

// Sets what strategy.name means for this model, and leaves strategy.name as it is. A key that the
// experiment sets otherwise is an error that names it; the default and an empty list are as good as
// left out. Doing it again changes nothing. `new_head`: the weights start without a fitting head.
bool strategy_expand(struct experiment *e, const struct model *model, bool new_head,
                     struct error *error);

#endif
