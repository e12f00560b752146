// The run directory: what a run was asked, what happened, and where it can be taken up again.
//
//   experiment.yaml     as resolved
//   metrics.jsonl       one object a line: steps, epochs, test
//   events.jsonl        what changed the run, see event.h
//   state-N/, state     a saved training state, and the file that names the one in force
//   best.safetensors    the weights with the best validation
//   last.safetensors    the weights at the end; both also say what the network tells apart (card.h)
//
// Owned by the trainer thread.
#ifndef THAW_RUN_H
#define THAW_RUN_H

#include "session/event.h"
#include "session/snapshot.h"
#include "training/figures.h"
#include "training/training.h"
#include <stdio.h>

struct run {
    char *directory; // NULL: nothing is written
    FILE *metrics, *events;
    struct event_list log;          // all events so far
    int64_t next_event, last_event; // ids; the parent of the next event
    int branch, branches;           // in force; how many there are
    int64_t *reached;               // [branches]: the last step done on each
    int64_t state;                  // number of the state in force; 0: none yet
    struct tally best;              // validation of best.safetensors
    int64_t best_step;              // 0: none yet
    struct event_list script; // the user's events to do again, at their steps; a state tells what
    int scripted;             // is left of them; how many were done
};

// A run that writes nothing.
void run_open(struct run *run);

// Makes the directory with experiment.yaml and empty logs. An existing directory is refused unless
// it is empty.
bool run_create(struct run *run, const char *directory, const struct experiment *e,
                struct error *error);

// Takes up a run from its last saved state: reads the state into t, truncates the logs to where
// they were then, and hands out the user's events that are to be done again: those that came later,
// and what was left of a script (the caller closes the list). A run without a state starts from its
// beginning.
bool run_resume(struct run *run, const char *directory, struct training *t,
                struct event_list *later, struct error *error);

// True when the run in this directory has ended with all its steps done.
bool run_finished(const char *directory);

void run_close(struct run *run);

// Appends to metrics.jsonl (a step, an epoch, a test) and flushes; `figures` as record_line has it.
// ERROR_RUN when the disk is full.
bool run_metrics(struct run *run, const struct record *record, const struct figures *figures,
                 struct error *error);

// Notes that a step of the branch in force is done.
void run_reach(struct run *run, int64_t step);

// A new branch, in force from now on.
void run_fork(struct run *run);

// Appends an event at `step`.
bool run_event(struct run *run, int64_t step, const char *who, const char *text,
               struct error *error);

// Notes a validation result; saves best.safetensors and says true in *best when it is the best so
// far by the experiment's train.best. A figure that is not defined is never better than another.
bool run_best(struct run *run, const struct training *t, const struct tally *validation, bool *best,
              struct error *error);

// Saves the full training state, atomically.
bool run_save_state(struct run *run, const struct training *t, struct error *error);

// Saves last.safetensors.
bool run_save_last(struct run *run, const struct training *t, struct error *error);

// "thaw 0.1.0, gcc 12.2.0, avx512, OpenBLAS ...": what the bits of a run depend on beside the
// experiment. The caller frees.
char *run_fingerprint(void);

#endif
