// What a run directory tells of one branch, from the root to its end, as one list in the order in
// which it happened.
#ifndef THAW_REPLAY_LOG_H
#define THAW_REPLAY_LOG_H

#include "session/snapshot.h"

struct replay_item {
    struct record record;
    char *setting; // the text of an event that changed settings; NULL for all else
};

struct replay_log {
    struct replay_item *items; // by step; at one step: the step, epoch, test, then events
    int count;
    int64_t epoch_steps; // steps in an epoch; 0: no epoch was finished, so nobody knows
};

// Reads metrics.jsonl and events.jsonl of a run. A last line without a newline (a crash while
// writing, or a run still being written) is left out; anything else that thaw would not have
// written is an error with file and line. `branch`: -1 for that of the last event. `batch` is the
// experiment's: the file holds a step's means, and the records' sums need its samples. What the
// files do not hold is NAN: clip_scale. Close with replay_log_close.
bool replay_log_read(struct replay_log *log, const char *directory, int branch, int64_t batch,
                     struct error *error);
void replay_log_close(struct replay_log *log);

#endif
