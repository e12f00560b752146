// Experiments that the program carries inside itself, ready to be looked at and changed.
#ifndef THAW_EXPERIMENTS_H
#define THAW_EXPERIMENTS_H

#include "base/embed.h"

struct built_in_experiment {
    const char *name;              // "clothes-noise"
    struct embedded (*file)(void); // YAML
};

// The table, ended by an entry without a name. The first one is the demonstration.
extern const struct built_in_experiment built_in_experiments[];

// By name, or NULL.
const struct built_in_experiment *built_in_experiment_find(const char *name);

#endif
