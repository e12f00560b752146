// What a person may change while a run goes on: flags, BatchNorm policy, learning rates, weight
// decay, epochs. Plain values, changed by the same words everywhere: in an experiment's rules, on
// the command line of the workbench, in events. A settings is a function of the experiment and the
// texts applied to it, with their steps, alone, so a reader can apply a text to a copy of its own
// to see what it would do.
#ifndef THAW_SETTINGS_H
#define THAW_SETTINGS_H

#include "experiment/experiment.h"
#include "model/freeze.h"
#include "training/moment.h"

// From step `from` on, a cycle of the learning rate's schedule (MOMENT_NONE: to the end of the
// run), or the annealing of a parameter's rate to an end (MOMENT_NONE: it is not annealed).
struct settings_span {
    int64_t from;
    struct moment to; // a length, or an end
};

struct settings {
    const struct model *model;
    int64_t step; // at which the next text is applied
    struct flags flags;
    enum bn_policy bn;
    double peak;      // the experiment's learning rate, which `lr 0.01` sets anew by lr_factor
    double lr_factor; // of all parameters
    double *lr_scale; // of each parameter
    struct settings_span cycle;   // of the learning rate's schedule
    struct settings_span *anneal; // of each parameter
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
//     rates FACTOR...: the multipliers of all parts (strategy/parts.h), from the input to the head
//     lr restart, lr restart for N epochs|steps: the schedule begins anew at s->step
//     anneal PATTERN until N%|epoch N|step N: its rate falls to 0, and stays there
//     wd DECAY
//     epochs N
//     restore best, reset moments, bn reestimate: change no setting but the training; each stands
//     alone; see training_apply
// Errors say what would be right.
bool settings_apply(struct settings *s, const char *text, struct error *error);

// Whether a text is one that changes no setting but, once, the training itself.
bool settings_is_act(const char *text);

// A line per kind of change, for help: what to write, and what it does. NULL-terminated pairs.
extern const char *const settings_help[][2];

// Settings that can be taken back. `undo` and `redo` are texts as well.
struct settings_history {
    struct settings *items; // [count]
    int count, at;          // items[at] is in force
    char **texts;   // [text_count]: all that was applied, in order; what the rest follows from
    int64_t *steps; // [text_count]: at which
    int text_count;
    int64_t step; // at which the next text is applied: the owner's to set
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
