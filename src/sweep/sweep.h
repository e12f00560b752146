// A sweep: one experiment under several strategies, rates and seeds. Read from YAML:
//
//     experiment: clothes-noise        # a built-in one, or a file beside this one
//     set: {data.shift: [invert]}      # keys over the experiment's, for all
//     variants:                        # what is compared, by name
//       head: {freeze.rules: [thaw head]}
//       all: {freeze.rules: [thaw all]}
//     grid: {optim.lr: [0.01, 0.1]}    # every combination of values of any keys
//     seeds: 5                         # 0 to 4; or a list
//     halving: {factor: 3, epochs: 2}  # successive halving
//
// An arm is a variant at one rate: optim.lr is what is chosen for each variant, all other keys of
// the grid make more variants. Each arm is run once for each seed.
//
// Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and
// hyperparameter optimization"): all arms are first trained for a few epochs, the best of them by
// validation, one in `factor`, for `factor` times as many, until those of the experiment are
// reached. Each is a run from the start, as schedules stretch over all of a run's epochs.
#ifndef THAW_SWEEP_H
#define THAW_SWEEP_H

#include "base/error.h"
#include <stdint.h>

struct sweep_sets {
    char **items; // "optim.lr=0.05": for experiment_set
    int count;
};

struct sweep_arm {
    int variant;
    char *name;       // "head-lr0.05": letters, digits and . _ + - only
    int line, column; // where the file names its variant, or else has the grid
    struct sweep_sets sets;
};

struct sweep {
    char *experiment;
    bool experiment_is_file; // an absolute path; false: maybe a built-in name
    struct sweep_sets sets;
    char **variants; // [variant_count], at least one: their names
    int variant_count;
    struct sweep_arm *arms; // [arm_count], those of a variant beside each other
    int arm_count;
    int64_t *seeds; // [seed_count]; none: the experiment's own
    int seed_count;
    int64_t factor, first_epochs; // 0: no halving
    bool within_variants;         // arms compete with those of their variant alone
};

// Errors name file, line, column, key and what would be right, as for an experiment: names of keys
// and values are checked, not whether they go together. Paths in values count from the file's
// directory. On failure s is empty.
bool sweep_read(struct sweep *s, const char *path, struct error *error);
void sweep_close(struct sweep *s);

// Epochs of a round of halving, from 0 on; `epochs` are the experiment's, which the last one has.
// Without halving there is one round.
int64_t sweep_round_epochs(const struct sweep *s, int round, int64_t epochs);

// How many of `count` arms go on after a round.
int sweep_keep(const struct sweep *s, int count);

#endif
