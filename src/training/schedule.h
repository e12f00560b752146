// What an experiment changes on the way: phases, one after the other, each with what makes it begin
// and what it then does; and what ends the run early. The texts of schedule.phases and
// schedule.stop:
//
//     WHEN -> WHAT; WHAT...        a phase
//     TRIGGER or TRIGGER...        WHEN: the first of them counts
//     start                        a trigger: before the first step
//     epoch 3, step 120, 40%       so many are done
//     after 2 epochs, after 50 steps                 since the phase before it began
//     plateau loss 3, plateau accuracy 3 0.001       so many evaluations in a row were not better
//                                  than the best since the phase before it began, by more than
//                                  the last number (0 if it is not there); the figures are those
//                                  of train.best
//
// WHAT are the words of settings_apply. What has begun is a function of the training alone, so that
// a run taken up again or gone back in does the same again.
#ifndef THAW_SCHEDULE_H
#define THAW_SCHEDULE_H

#include "experiment/experiment.h"
#include "training/moment.h"
#include "training/settings.h"

enum trigger_kind { TRIGGER_AT, TRIGGER_AFTER, TRIGGER_PLATEAU };

struct trigger {
    enum trigger_kind kind;
    struct moment moment; // AT: when; AFTER: how long
    int figure, patience; // PLATEAU: of schedule_figure_names
    double delta;
};

enum { SCHEDULE_TRIGGERS = 4 };

struct phase {
    struct trigger triggers[SCHEDULE_TRIGGERS];
    int trigger_count;
    struct text_list actions;
};

struct schedule {
    struct phase *phases; // [count]
    int count;
    struct phase stop; // without triggers: never; without actions
    bool restores;     // whether a phase goes back to the best weights
};

// How far a schedule has come. Plain data, all zeros at the start of a run.
struct schedule_watch {
    bool seen;
    double best; // of the figure that is watched
    int stale;   // evaluations in a row that were not better
};
struct schedule_state {
    int next;      // the phase that comes next
    int64_t since; // the step at which the one before it began
    struct schedule_watch phase, stop;
};

// An evaluation, as a schedule looks at it: figures of which more is better, NAN where not defined.
enum { SCHEDULE_FIGURES = 5 };
extern const char *const schedule_figure_names[SCHEDULE_FIGURES];
struct schedule_figures {
    double of[SCHEDULE_FIGURES];
};

// Reads the texts; errors name the line.
bool schedule_open(struct schedule *s, const struct experiment *e, struct error *error);
void schedule_close(struct schedule *s);

// Whether it fits a model and the length of a run: every phase can be reached, stands behind what
// comes before it, names what the model has, and changes something; and something is trained in the
// end. `first`: the settings at the start. `validated`: whether there are validation samples.
struct schedule_length {
    int64_t epoch_steps, total, evaluate_every; // epochs between evaluations
    bool validated;
};
bool schedule_check(const struct schedule *s, const struct experiment *e,
                    const struct settings *first, const struct schedule_length *length,
                    struct error *error);

// Whether what comes next depends on evaluations.
bool schedule_watches(const struct schedule *s, const struct schedule_state *state);

// Takes note of an evaluation.
void schedule_observe(const struct schedule *s, struct schedule_state *state,
                      const struct schedule_figures *figures);

// The next phase if it begins now, with `step` steps done: the state then is past it. NULL: not
// yet, or none is left.
const struct phase *schedule_due(const struct schedule *s, struct schedule_state *state,
                                 int64_t step, int64_t epoch_steps, int64_t total);

// Whether the run is to end now.
bool schedule_ends(const struct schedule *s, const struct schedule_state *state, int64_t step,
                   int64_t epoch_steps, int64_t total);

#endif
