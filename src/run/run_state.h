// The saved training state: weights, moments, and state.json. Used by run.c.
#ifndef THAW_RUN_STATE_H
#define THAW_RUN_STATE_H

#include "run/run.h"

// Where the logs stood, and the events of the script that were still to be done (on reading the
// caller's to close; without ids).
struct run_marks {
    int64_t metrics_bytes, events_bytes, last_event, next_event;
    struct event_list script;
};

bool run_state_write(const char *directory, const struct run *run, const struct training *t,
                     const struct run_marks *marks, struct error *error);

// On failure t is of no use any more.
bool run_state_read(const char *directory, struct run *run, struct training *t,
                    struct run_marks *marks, struct error *error);

#endif
