// Reads a run's metrics.jsonl back into records, for curves of runs that are over or under way
// elsewhere.
#ifndef THAW_UI_METRICS_H
#define THAW_UI_METRICS_H

#include "base/error.h"
#include "session/snapshot.h"
#include <stddef.h>

typedef void metrics_sink(void *context, const struct record *record);

enum metrics_line { METRICS_RECORD, METRICS_OTHER, METRICS_DAMAGED };

// One line without its newline. METRICS_OTHER: an object that is no step, epoch or test.
enum metrics_line metrics_parse(const char *line, size_t length, struct record *out);

// Steps, epochs and tests in order. Lines that are no records (also a last one that is still being
// written) are skipped. An unreadable file is an error.
bool metrics_read(const char *path, metrics_sink *sink, void *context, struct error *error);

// A place in a file that may still grow, or be cut off and written anew. Zero: the beginning.
struct metrics_place {
    int64_t at;
    char before[32]; // what stands right in front of it
    int64_t damaged; // lines so far
    bool cut;        // the last line has no end yet
};

// Reads on from there, some 128 KiB at most, and moves the place. False at the end of the file (or
// when it cannot be read: `cut` and `damaged` are as before). When the file is not the one of
// before any more, the place goes back to the beginning and *anew is set: what was read no longer
// counts.
bool metrics_follow(struct metrics_place *place, const char *path, metrics_sink *sink,
                    void *context, bool *anew);

#endif
