// The terminal: started and given back whole, whatever happens; keys, mouse and size as plain
// values. UI thread only, but for the signal handlers inside.
#ifndef THAW_WORKBENCH_TERM_H
#define THAW_WORKBENCH_TERM_H

#include "base/error.h"
#include <stdbool.h>

enum term_key {
    TERM_NONE = 0, // nothing within the time
    // 1 .. 0x10ffff: a character; Ctrl-A is 1, Esc 27, Enter '\n', Backspace 127
    TERM_UP = 0x110000,
    TERM_DOWN,
    TERM_LEFT,
    TERM_RIGHT,
    TERM_PAGE_UP,
    TERM_PAGE_DOWN,
    TERM_HOME,
    TERM_END,
    TERM_INSERT,
    TERM_DELETE,
    TERM_BACK_TAB,
    TERM_RESIZE,
    TERM_MOUSE,
    TERM_CONTINUED,
    TERM_QUIT, // SIGTERM, SIGHUP, SIGINT, or the terminal is gone
};

struct term_event {
    int key;
    int row, column; // of TERM_MOUSE
    enum { MOUSE_CLICK, MOUSE_DOUBLE, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN } mouse;
};

struct term_options {
    bool mouse;
};

// Whether stdin and stdout are a terminal that the workbench can be drawn on; at any time.
bool term_check(struct error *error);

// Starts curses on the controlling terminal: alternate screen, no echo, keypad, Esc without delay,
// stderr kept silent (what would go to the terminal is collected and shown after term_stop). TERM
// unknown or dumb, or stdin or stdout not a terminal: an error that says what to use instead (`thaw
// run`), and nothing was written to the terminal. May be started again after term_stop.
bool term_start(const struct term_options *options, struct error *error);

// Gives the terminal back: echo, cursor, main screen; safe to call twice; also called at exit.
// Crashes (SIGSEGV, SIGABRT, ...) give it back too, through a handler that uses only
// async-signal-safe calls and then lets the signal take its former course.
void term_stop(void);

// The next event, waiting at most `milliseconds`. Ctrl-Z suspends and comes back as TERM_CONTINUED;
// after that, as after TERM_RESIZE, ask term_size again. Once the terminal is gone every call gives
// TERM_QUIT. Bytes that are no character and keys unknown here are passed over.
struct term_event term_read(int milliseconds);

void term_size(int *rows, int *columns);
void term_flush(void);  // puts what was drawn on the screen
void term_redraw(void); // the next term_flush draws every cell anew
bool term_utf8(void);   // whether the locale is UTF-8; at any time

#endif
