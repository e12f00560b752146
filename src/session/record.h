// A record as one line of metrics.jsonl.
#ifndef THAW_RECORD_H
#define THAW_RECORD_H

#include "session/snapshot.h"
#include "training/figures.h"

// One JSON object without a newline; the caller frees. `figures`: of the record's validation or
// test; NULL: only their scores. What they say of each class is left out where there are more
// classes than these, so that lines stay short.
enum { RECORD_EPOCH_CLASSES = 20, RECORD_TEST_CLASSES = 100 };
char *record_line(const struct record *r, const struct figures *figures);

#endif
