// The headless reader of a session: a progress line on a terminal, plain lines in a pipe, JSON
// lines, or nothing.
#ifndef THAW_UI_PRINTER_H
#define THAW_UI_PRINTER_H

#include "session/session.h"
#include "ui/setup.h"
#include <stdio.h>

enum printer_style { PRINT_LINES, PRINT_JSON, PRINT_NOTHING };

struct printer {
    FILE *out;
    enum printer_style style;
    bool live;       // rewrite a progress line
    bool line_shown; // it stands on the screen
    bool header_shown;
    bool tested;                              // on test samples
    bool source;                              // the old task is looked at
    bool tokens;                              // of a language model
    struct tally source_before, source_after; // on it, as far as was told
    double lr;                                // of the last step seen
    // Of the classes; NULL where not known.
    char *const *class_names;
    int64_t cursor;
};

// Says what will be done: model, weights, data, what is thawed, what that saves.
void printer_start(struct printer *p, const struct setup *s, const struct training *t,
                   const char *directory);

// Prints what is new in the session.
void printer_update(struct printer *p, struct session *session);

// The closing lines.
void printer_end(struct printer *p, struct session *session, const char *directory, double seconds);

#endif
