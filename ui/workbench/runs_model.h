// Networks for runs of other experiments, built once each: what a pattern means in them.
#ifndef THAW_WORKBENCH_RUNS_MODEL_H
#define THAW_WORKBENCH_RUNS_MODEL_H

#include "ui/workbench/scene.h"

struct runs_models {
    struct runs_model {
        char *network; // what it was built by
        struct model *model;
    } * items;
    int count;
};

// The session's own network where it is the same, else one that lives as long as `models`. It has
// the data's classes and size only where the experiments share their data; otherwise *exact is
// false, and numbers of weights may be off by a little. NULL with an error when thaw has no such
// network.
const struct model *runs_model(struct runs_models *models, const struct scene *s,
                               const struct experiment *e, bool *exact, struct error *error);
void runs_models_close(struct runs_models *models);

#endif
