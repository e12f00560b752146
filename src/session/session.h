// A session as its readers see it: commands in, snapshots and records out. The live trainer, a
// replayed run and a test double offer the same doors. All functions are safe from any thread.
#ifndef THAW_SESSION_H
#define THAW_SESSION_H

#include "session/command.h"
#include "session/snapshot.h"
#include "strategy/lr_find.h"
#include "strategy/suggest.h"

struct session {
    // False when the queue is full.
    bool (*send)(struct session *s, const struct command *c);
    // The latest snapshot.
    void (*look)(struct session *s, struct snapshot *out);
    // Copies up to `most` records from number *cursor on and moves the cursor; returns how many.
    // Records that have left the bounded ring are skipped.
    int (*read)(struct session *s, int64_t *cursor, struct record *out, int most);
    // Sleeps until something changed since version *version (and updates it) or `milliseconds` have
    // passed.
    void (*wait)(struct session *s, int64_t *version, int milliseconds);
    // The latest values of the layers; opened by the reader with layers_open.
    void (*layers)(struct session *s, struct layers_snapshot *out);
    // A copy of the settings in force, for the caller to close.
    void (*settings)(struct session *s, struct settings *out);
    // The points to rewind to, oldest first, at most `most` of them; returns how many.
    int (*points)(struct session *s, struct point_view *out, int most);
    // A copy of the last evaluation's predictions; false when there are none (yet).
    bool (*predictions)(struct session *s, enum evaluated on, struct predictions *out);
    // A copy of the last suggestion; false when there is none yet.
    bool (*suggestion)(struct session *s, struct suggestion *out);
    // A copy of the last range test; false when there is none yet.
    bool (*lr_find)(struct session *s, struct lr_find *out);
    void (*close)(struct session *s); // stops what runs, without saving
};

#endif
