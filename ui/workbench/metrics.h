// Reads a run's metrics.jsonl back into records, for curves of runs that are over or under way
// elsewhere.
#ifndef THAW_WORKBENCH_METRICS_H
#define THAW_WORKBENCH_METRICS_H

#include "base/error.h"
#include "snapshot.h"

typedef void metrics_sink(void *context, const struct record *record);

// Steps, epochs and tests in order. Lines that are no records (also a last one that is still being
// written) are skipped. An unreadable file is an error.
bool metrics_read(const char *path, metrics_sink *sink, void *context, struct error *error);

#endif
