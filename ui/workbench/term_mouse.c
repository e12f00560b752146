// The mouse, read by hand: curses merges what comes in one burst, and a turning wheel does.
#include "base/clock.h"
#include "ui/workbench/term_parts.h"
#include <curses.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double double_seconds = 0.4; // between the presses of a double click

static bool in_use;
static struct {
    double time; // -1: the next press begins anew
    int row, column;
} last_press = {.time = -1};

static void say(const char *bytes) {
    ssize_t written = write(STDOUT_FILENO, bytes, strlen(bytes));
    (void)written; // a terminal that is gone is noticed when reading
}

void term_mouse_open(bool wanted) {
    in_use = wanted && tigetstr("kmous"); // a terminal that has a mouse at all
    term_mouse_on();
}

// Presses and releases (1000) in decimal numbers (1006), for screens of any width.
void term_mouse_on(void) {
    if (in_use)
        say("\033[?1000h\033[?1006h");
}

void term_mouse_off(void) {
    if (in_use)
        say(TERM_MOUSE_OFF);
}

static bool is_double(int row, int column) {
    double now = clock_seconds();
    bool again = last_press.time >= 0 && now - last_press.time < double_seconds &&
                 last_press.row == row && last_press.column == column;
    last_press.time = again ? -1 : now;
    last_press.row = row;
    last_press.column = column;
    return again;
}

// `code`: buttons 0 to 2, 3 a release; 4, 8, 16 with Shift, Alt, Ctrl; 32 moving; 64 and 65 the
// wheel ("Xterm Control Sequences", Mouse Tracking). Rows and columns count from 1.
static bool event_of(int code, int column, int row, struct term_event *event) {
    int button = code & ~(4 | 8 | 16);
    *event = (struct term_event){TERM_MOUSE, row - 1, column - 1, MOUSE_CLICK};
    if (row < 1 || column < 1)
        return false;
    if (button == 64 || button == 65) {
        event->mouse = button == 64 ? MOUSE_WHEEL_UP : MOUSE_WHEEL_DOWN;
        return true;
    }
    if (button == 0 && is_double(row, column))
        event->mouse = MOUSE_DOUBLE;
    return button == 0;
}

bool term_mouse_decimal(const char *parameters, bool pressed, struct term_event *event) {
    int code, column, row;
    return sscanf(parameters, "<%d;%d;%d", &code, &column, &row) == 3 && pressed &&
           event_of(code, column, row, event);
}

bool term_mouse_bytes(int code, int column, int row, struct term_event *event) {
    return event_of(code - 32, column - 32, row - 32, event);
}
