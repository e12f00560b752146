// The other door: snapshots out. Plain data, copied whole; nobody waits for a reader.
#ifndef THAW_SNAPSHOT_H
#define THAW_SNAPSHOT_H

#include "base/error.h"
#include "training/training.h"
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
    int64_t commands;      // taken from the queue so far; fewer than were sent: some are pending
    int branch;            // 0 at first; every rewind that is trained on from opens a new one
    int64_t suggestions;   // made so far
    int64_t lr_finds;      // range tests made so far
    int64_t probe;         // steps between two looks at the frozen layers' gradients; 0: off
    struct error error;    // of a failed session, or of the last refused command
    int64_t step, total;   // steps done, steps in all
    int64_t epoch, epochs; // the running one, from 1
    struct step_result last;
    struct tally running;     // of the running epoch
    double images_per_second; // of training steps, smoothed
    double speed;             // at most so many steps a second; 0: no limit
    double step_seconds, forward_seconds, backward_seconds; // of the last training step
    size_t thawed, parameters;                              // elements
    size_t bytes;                                           // of the arena
    struct plan_cost cost;                                  // of the plan
    double spared; // of cost.forward, in the last step, by the cache
    struct cache_view cache;
};

// One parameter as the layer tree shows it, by norms, which add up over a module. NAN: not known,
// or not wanted.
struct layer_values {
    float gradient_norm;  // of the last step; of a frozen one, of the last probe
    float update, before; // |change of the last measured step|, and |weights| before it
    float drift, start;   // |weights - start|, and |start|
    float lr;             // of the last step, with its multipliers
};

// Latest values by parameter and module. A reader opens one and has it filled again and again.
struct layers_snapshot {
    int64_t step; // of the values; -1: none yet
    int param_count, module_count;
    struct layer_values *params; // [param_count]
    float *seconds;              // [module_count]: of a module's own nodes in the last step
};
struct layers_snapshot layers_open(const struct model *model);
void layers_close(struct layers_snapshot *l);

// A point that one can rewind to.
struct point_view {
    int64_t step;
    int branch;
    bool kept;              // the start, or a change of settings: never thinned out
    double validation_loss; // of the last evaluation before it; NAN: none
};

// What a model was evaluated on.
enum evaluated { EVALUATED_VALIDATION, EVALUATED_TEST, EVALUATED };

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
    int branch;
    struct step_result result; // RECORD_STEP
    struct tally train, validation, test;
    struct tally source, source_before; // on the old task: now, and before the first step
    bool best;                          // RECORD_EPOCH: the best validation so far
    double seconds;                     // RECORD_EPOCH: of training, evaluation apart
    int64_t thawed, parameters;         // RECORD_EPOCH: weights and biases at its end
    char text[RECORD_TEXT];
};

#endif
