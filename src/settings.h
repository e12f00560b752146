// What a person may change while a run goes on: flags, BatchNorm policy, learning rates, weight
// decay, epochs. Plain values, changed by the same words everywhere: in an experiment's rules, on
// the command line of the workbench, in events. A settings is a function of the experiment and the
// texts applied to it alone, so a reader can apply a text to a copy of its own to see what it would
// do.
#ifndef THAW_SETTINGS_H
#define THAW_SETTINGS_H

#include "experiment.h"
#include "freeze.h"

struct settings {
    const struct model *model;
    struct flags flags;
    enum bn_policy bn;
    double peak;      // the experiment's learning rate, which `lr 0.01` sets anew by lr_factor
    double lr_factor; // of all parameters
    double *lr_scale; // of each parameter
    double weight_decay;
    int64_t epochs;
};

// As the experiment says: its rules in order, its multipliers.
bool settings_open(struct settings *s, const struct model *model, const struct experiment *e,
                   struct error *error);
struct settings settings_copy(const struct settings *s);
void settings_close(struct settings *s);

// One change, or several with ';' between them, of which either all or none take effect:
//     thaw PATTERN, freeze PATTERN, only PATTERN (thaws it and freezes all else)
//     bn frozen | batch | torch
//     lr RATE (a new peak), lr xFACTOR, lr PATTERN xFACTOR
//     wd DECAY
//     epochs N
// Errors say what would be right.
bool settings_apply(struct settings *s, const char *text, struct error *error);

// A line per kind of change, for help: what to write, and what it does. NULL-terminated pairs.
extern const char *const settings_help[][2];

// Settings that can be taken back. `undo` and `redo` are texts as well.
struct settings_history {
    struct settings *items; // [count]
    int count, at;          // items[at] is in force
    char **texts; // [text_count]: all that was applied, in order; what the rest follows from
    int text_count;
};

void settings_history_open(struct settings_history *h, struct settings first); // takes it over

// A history of its own with the first `text_count` texts of h.
struct settings_history settings_history_prefix(const struct settings_history *h, int text_count);
void settings_history_close(struct settings_history *h);
struct settings *settings_now(const struct settings_history *h);

// What a text, `undo` or `redo` among them, would put in force: a copy that the caller closes.
bool settings_history_try(const struct settings_history *h, const char *text, struct settings *out,
                          struct error *error);

// Puts it in force.
bool settings_history_apply(struct settings_history *h, const char *text, struct error *error);

#endif
