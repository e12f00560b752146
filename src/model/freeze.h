// Which parameters are frozen: flags, and the patterns and presets that set them.
//
// A flag belongs to a storage: tied parameters toggle together. A BatchNorm has three rows: weight,
// bias, and statistics (running_mean, running_var, num_batches_tracked move as one); a pattern
// that names the module moves all three as far as the BatchNorm policy says, a pattern on
// parameters never touches statistics, and `NAME.statistics` names them alone.
#ifndef THAW_FREEZE_H
#define THAW_FREEZE_H

#include "base/error.h"
#include "model/model.h"

// thawed[param]: true when training may change it (statistics: when the batch moves them).
struct flags {
    const struct model *model;
    bool *thawed;
};

struct flags flags_open(const struct model *model); // everything frozen
struct flags flags_copy(const struct flags *f);
void flags_close(struct flags *f);
bool flags_equal(const struct flags *a, const struct flags *b);

// What happens to BatchNorm's statistics.
enum bn_policy {
    BN_FROZEN, // never move; normalise by the stored ones, also in training (the default)
    BN_BATCH,  // move where the module is thawed
    BN_TORCH,  // move everywhere, as model.train() does in PyTorch whatever requires_grad says
};

const char *bn_policy_name(enum bn_policy policy);
bool bn_policy_find(const char *name, enum bn_policy *policy); // false: no such name

// Parameters that a pattern means. hit[param] is set (never cleared). A pattern is
// - a preset (it wins over a module of the same name):
//     all              every row
//     none             nothing, and that is no error
//     head             the classifier
//     last-N-blocks    the last N blocks (1 <= N <= blocks in the model), and the head
//     bias             every bias, also of normalisation layers, and nothing else: BitFit is
//                      `bias` and `head`, two rules
//     norm             weights and biases of normalisation layers, never their statistics
// - a glob on dotted names in which `*` crosses dots. A module's name means its subtree, statistics
//   included; a parameter's full name means that weight or bias.
// - `GLOB.statistics`: the statistics alone of the modules (and their subtrees) that GLOB names.
// No match is an error that lists the nearest names.
bool freeze_match(const struct model *model, const char *pattern, bool *hit, struct error *error);

// Whether a pattern has the form `GLOB.statistics`.
bool freeze_names_statistics(const char *pattern);

// One rule: "thaw PATTERN" or "freeze PATTERN"; white space may stand anywhere between and around.
// What a pattern that names modules does to their statistics: BN_FROZEN: `freeze` freezes them,
// `thaw` leaves them; BN_BATCH: they follow; BN_TORCH: they stay. `GLOB.statistics` always acts.
// After an error the flags are as before.
bool freeze_apply(struct flags *flags, enum bn_policy policy, const char *rule,
                  struct error *error);

// Starts from everything frozen (BN_TORCH: from all statistics thawed, the rest frozen) and applies
// the rules in order; for each name the last one wins. Rules that end up asking different things of
// two names for one storage are refused. After an error the flags are as before.
bool freeze_apply_all(struct flags *flags, enum bn_policy policy, const char *const *rules,
                      int count, struct error *error);

// Makes the statistics' flags what the policy says: none, those of modules with a thawed weight or
// bias of their own, or all.
void freeze_policy(struct flags *flags, enum bn_policy policy);

// Whether a parameter belongs to a statistics row: running_mean, running_var, num_batches_tracked.
bool freeze_is_statistic(const struct param *param);

bool freeze_has_statistics(const struct model *model);

// Flips one row and all that is tied to it; a statistics row is all such tensors of the module.
void freeze_set(struct flags *flags, int param, bool thawed);

enum freeze_state { STATE_FROZEN, STATE_THAWED, STATE_MIXED, STATE_EMPTY };

// Of a module's subtree: of its weights and biases; of its statistics only where it has no others.
enum freeze_state freeze_state(const struct flags *flags, int module);
const char *freeze_state_name(enum freeze_state state);

// Elements of thawed weights and biases, each storage once.
size_t freeze_thawed_count(const struct flags *flags);

#endif
