// From actions and words to commands.
#ifndef THAW_WORKBENCH_ACT_H
#define THAW_WORKBENCH_ACT_H

#include "ui/workbench/app.h"

// `key` tells which view ACTION_VIEW means.
void act(struct app *a, enum action action, int key);

// What was entered behind ':'.
void act_words(struct app *a, const char *text);

// Asks first when something would be lost.
void act_quit(struct app *a);

// Back to a point.
void act_rewind(struct app *a, int64_t step, int branch);
void act_restart(struct app *a);

bool act_send(struct app *a, enum command_kind kind, int64_t count);
bool act_apply(struct app *a, const char *text);
void act_run(struct app *a);
// Opens the list of what to thaw; `batches` to probe, 0: as many as usual.
void act_suggest(struct app *a, int64_t batches);
// Opens the learning-rate range test; `steps` to do, 0: as many as usual.
void act_lr_find(struct app *a, int64_t steps);
void act_epoch(struct app *a);

// Words of the command line that are not settings, for completion and help; ended by a NULL name.
struct act_word {
    const char *name, *arguments, *help;
    void (*act)(struct app *a, const char *rest);
};
extern const struct act_word act_word_table[];

#endif
