// The other door: snapshots out. Plain data, copied whole; nobody waits for a reader.
#ifndef THAW_SNAPSHOT_H
#define THAW_SNAPSHOT_H

#include "base/error.h"
#include "training.h"
#include <stdint.h>

enum session_state {
    SESSION_RUNNING,
    SESSION_PAUSED,
    SESSION_FINISHED, // all steps done, everything saved
    SESSION_STOPPED,  // ended by a command, state saved
    SESSION_FAILED,   // see snapshot.error
};

struct snapshot {
    enum session_state state;
    struct error error;    // of a failed session, or of the last refused command
    int64_t step, total;   // steps done, steps in all
    int64_t epoch, epochs; // the running one, from 1
    struct step_result last;
    struct tally running;     // of the running epoch
    double images_per_second; // of training steps, smoothed
    double forward_seconds, backward_seconds;
    size_t thawed, parameters; // elements
    size_t bytes;              // of the arena
    struct plan_cost cost;
};

enum { RECORD_TEXT = 256 };

enum record_kind {
    RECORD_STEP,
    RECORD_EPOCH, // train and validation
    RECORD_EVENT, // text
    RECORD_TEST,  // test
    RECORD_NOTE,  // text: something a person should know
};

// What happened, in order. The reader pulls the records that it has not seen yet.
struct record {
    enum record_kind kind;
    int64_t step, epoch;
    struct step_result result; // RECORD_STEP
    struct tally train, validation, test;
    bool best;      // RECORD_EPOCH: the best validation so far
    double seconds; // RECORD_EPOCH: of training, evaluation apart
    char text[RECORD_TEXT];
};

#endif
