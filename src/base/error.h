// Errors that a person can act on: one line that says what, where, and what would be right.
//
// Functions that read input or touch files return bool and fill a struct error. Running out of
// memory on a small allocation aborts (xalloc.h); a programmer's mistake is an assert.
#ifndef THAW_BASE_ERROR_H
#define THAW_BASE_ERROR_H

#include <stdbool.h>

enum error_kind {
    ERROR_NONE,
    ERROR_REQUEST, // the request or the input was wrong: exit code 2
    ERROR_RUN,     // the run failed (diverged, disk full): exit code 1
};

struct error {
    enum error_kind kind;
    char text[1024]; // one line, no newline at the end
};

// Sets *e to a wrong request; always returns false, so that callers can `return error_set(...)`.
// A null e is allowed: the message is dropped.
bool error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same for a run that failed.
bool error_run(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts a formatted text (a path, a place) in front of the message that e holds; returns false. The
// format brings its own separator: error_prefix(e, "%s: ", path). The kind stays.
//
// All three cut what is too long (marked by "...") and turn control characters into '?'
// (text_plain).
bool error_prefix(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The exit code that e calls for: 0, 1 or 2.
int error_exit_code(const struct error *e);

#endif
