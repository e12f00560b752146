// A finished or stopped run, played again: the doors of struct session over its files, with a clock
// instead of a trainer.
//
// Beginning paused at step 0, it plays one branch from the root to its end. COMMAND_RUN,
// COMMAND_PAUSE, COMMAND_STEPS and COMMAND_STOP do what they do to a trainer; COMMAND_SPEED says
// how many steps a second are played (at first as many as fill half a minute); COMMAND_REWIND goes
// to any step, onward too, whatever its `branch` says, and pauses there. All other commands are
// refused: the snapshot's error says so. Commands are taken at once.
//
// At the end the session is finished if the run was, and stopped otherwise; COMMAND_REWIND leads
// back from there.
//
// Records come in order, each once: going back and playing the same steps again tells none anew.
// Points are all that a trainer could have kept, also those ahead. What the files do not hold is
// NAN: times, clip_scale, the layers' values; images_per_second is the last epoch's (0 before), and
// there are no predictions. snapshot.bytes is that of a training on one thread. The total is that
// of the settings in force, or the last step if no epoch was finished.
#ifndef THAW_REPLAY_H
#define THAW_REPLAY_H

#include "session/session.h"

// Reads the run's files, which replay_log.h describes. `e` is the run's experiment; it and `model`
// must outlive the session. `branch`: -1 for that of the last event. NULL with an error, also when
// an event's setting does not fit the model. Close with session->close.
struct session *replay_open(const char *run_directory, int branch, const struct model *model,
                            const struct experiment *e, struct error *error);

#endif
