// What the files of the saved state share among themselves.
#ifndef THAW_RUN_STATE_PARTS_H
#define THAW_RUN_STATE_PARTS_H

#include "run/run_state.h"
#include <jansson.h>

json_t *run_state_tally(const struct tally *t);
bool run_state_tally_restore(const json_t *object, struct tally *t);

// The same with scores.
json_t *run_state_evaluation(const struct tally *t);
bool run_state_evaluation_restore(const json_t *object, struct tally *t);

// How far the schedule has come; restoring comes after run_state_read_best.
json_t *run_state_schedule(const struct training *t);
bool run_state_schedule_restore(const json_t *object, struct training *t);

// The best weights that the schedule may go back to, if there are any.
bool run_state_write_best(const char *directory, const struct training *t, struct error *error);
bool run_state_read_best(const char *directory, struct training *t, struct error *error);

#endif
