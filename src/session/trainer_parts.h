// What the files of the trainer share among themselves.
#ifndef THAW_TRAINER_PARTS_H
#define THAW_TRAINER_PARTS_H

#include "session/points.h"
#include "session/publish.h"
#include "session/trainer.h"
#include "training/figures.h"
#include "training/measure.h"
#include <stdatomic.h>

struct trainer {
    struct session session; // first: a struct session * is a struct trainer *
    struct training *training;
    struct run run;
    bool interactive;
    struct command_queue commands;
    struct publisher publisher;
    pthread_t thread;
    atomic_bool abandon; // closing: end without saving
    // The trainer thread alone:
    enum session_state state;
    int64_t steps_left; // before pausing by itself; -1: no limit
    bool stop, save;
    double saved; // time of the last saving
    struct error error;
    struct step_result last;
    double images_per_second, step_seconds, forward_seconds, backward_seconds;
    double speed, due; // steps a second at most (0: no limit); time of the next step
    double epoch_seconds;
    int64_t taken; // commands
    struct measure measure;
    struct points points;
    bool forks;    // it stands where something came later already: what happens now is a branch
    int64_t probe; // steps between two probes; 0: off
    int64_t suggestions, lr_finds; // made so far
    double validation_loss;
};

// Each returns false after it has put the session into SESSION_FAILED.
bool trainer_fail(struct trainer *t, const struct error *error);
bool trainer_record(struct trainer *t, struct record *r, const struct figures *figures);
bool trainer_event(struct trainer *t, const char *who, const char *text);
bool trainer_save(struct trainer *t); // in the past: on a branch of its own

void trainer_note(struct trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trainer_publish(struct trainer *t);
bool trainer_keeps_files(const struct trainer *t);
int64_t trainer_epoch(const struct training *t, int64_t step);

// Keeps the training as it is as a point.
void trainer_keep_point(struct trainer *t, bool kept);
// Keeps the start as a point, and where the run was taken up.
void trainer_keep_first(struct trainer *t);
// Goes to a step that was done before, from the nearest point by doing the steps between again, and
// pauses there; a command that interrupts ends it on the way.
void trainer_rewind(struct trainer *t, int64_t step, int branch);
// Whatever happens next happens on a branch of its own, if something came later already.
bool trainer_leave_past(struct trainer *t);

// Makes the changes that the schedule, and then a strategy, has for now. `validation`: what an
// evaluation has just found, or NULL. `again`: they are made again, so that nothing is told or
// logged.
bool trainer_follow_schedule(struct trainer *t, const struct tally *validation, bool again);

// Evaluates on the validation samples and on the old task's when that is due: into *r, and as the
// best weights so far when they are. *figures is for the caller to close.
bool trainer_validate(struct trainer *t, struct record *r, struct figures *figures);
// What the network does on its old task before the first step, if there are samples of it.
bool trainer_look_at_source(struct trainer *t);
// Evaluates on the test samples, if there are any, and records it.
bool trainer_test(struct trainer *t);

// What the thread does.
void trainer_work(struct trainer *t);

#endif
