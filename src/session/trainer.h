// The live session: a thread that owns a training and a run directory, takes commands between
// steps, and publishes snapshots and records.
#ifndef THAW_TRAINER_H
#define THAW_TRAINER_H

#include "run/run.h"
#include "session/event.h"
#include "session/session.h"
#include "training/training.h"

// An epoch's end saves the state unless the last saving is younger; losing less is not worth it.
#define TRAINER_SAVE_SECONDS 1.0

struct trainer_options {
    bool paused;          // wait for COMMAND_RUN before the first step
    bool interactive;     // measure layers, keep points, pause instead of ending: for the workbench
    double speed;         // at most so many steps a second; 0: as fast as it goes
    size_t point_bytes;   // budget for points; the kept ones stay even beyond it
    const char *features; // directory of files to share with other runs (cache.h), in place of
                          // train.cache_directory; NULL: as that says
    struct event_list script; // the user's events to do again, at their steps (taken over)
};

// Starts the thread. Takes ownership of `training` and of what `run` holds (run->directory NULL:
// nothing is written). Close with session->close, which waits for the thread; while it runs, nobody
// else may touch the training.
struct session *trainer_start(struct training *training, struct run *run,
                              const struct trainer_options *options);

// After the session has ended (not while it runs): its training, for reading.
const struct training *trainer_training(const struct session *session);

#endif
