// What the parts of term share; not for others.
#ifndef THAW_WORKBENCH_TERM_PARTS_H
#define THAW_WORKBENCH_TERM_PARTS_H

#include "ui/workbench/term.h"
#include <stddef.h>
#include <termios.h>

// What the terminal needs to be given back from a signal handler.
struct term_rescue {
    char bytes[512]; // to be written to the terminal
    size_t length;
    struct termios modes;
    int stderr_real, stderr_kept; // -1: stderr was left alone
};

// Catches the signals: those that ask for something wake the fd and are taken one by one, in the
// order of enum term_signal; crashes give the terminal back by `rescue`, which stays the caller's.
bool term_signals_open(const struct term_rescue *rescue, struct error *error);
void term_signals_close(void); // whoever caught them before has them back
int term_signals_fd(void);     // readable when there is something to take
enum term_signal { SIGNAL_NONE, SIGNAL_QUIT, SIGNAL_STOP, SIGNAL_CONTINUED, SIGNAL_RESIZE };
enum term_signal term_signals_take(void);
void term_signals_stop(void); // stops this process as Ctrl-Z would have; returns when it goes on

// Keys come from a window of their own, so that waiting for them draws nothing.
void term_input_open(void);
void term_input_close(void);

// The mouse. What its reports mean: those in decimal ("ESC [ < code ; column ; row" and 'M', or 'm'
// for a release; parameters from the '<'), and those in bytes ("ESC [ M" and three of them); false:
// nothing.
#define TERM_MOUSE_OFF "\033[?1006l\033[?1000l"
void term_mouse_open(bool wanted);
void term_mouse_on(void);
void term_mouse_off(void);
bool term_mouse_decimal(const char *parameters, bool pressed, struct term_event *event);
bool term_mouse_bytes(int code, int column, int row, struct term_event *event);

void term_suspend(void); // gives the terminal back, stops, and takes it again
void term_resume(void);  // takes the terminal again, at the size that it has now
bool term_resized(void); // follows the terminal's size; whether that has changed

#endif
