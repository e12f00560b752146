// Keys and mouse: bytes and curses' key codes become events.
#include "base/clock.h"
#include "ui/report/utf8.h"
#include "ui/workbench/term_parts.h"
#include <curses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { ESCAPE = 27, RUBOUT = 127 };

static WINDOW *keys; // a pad: reading from it draws nothing
static char bytes[5];
static int byte_count; // of a character that is not yet whole

void term_input_open(void) {
    keys = newpad(1, 1);
    keypad(keys, TRUE);
    keyok(KEY_MOUSE, FALSE);
    nodelay(keys, TRUE);
    byte_count = 0;
}

void term_input_close(void) {
    delwin(keys);
    keys = NULL;
}

static int of_curses(int code) {
    static const struct {
        int code, key;
    } table[] = {
        {KEY_UP, TERM_UP},       {KEY_DOWN, TERM_DOWN},     {KEY_LEFT, TERM_LEFT},
        {KEY_RIGHT, TERM_RIGHT}, {KEY_PPAGE, TERM_PAGE_UP}, {KEY_NPAGE, TERM_PAGE_DOWN},
        {KEY_HOME, TERM_HOME},   {KEY_END, TERM_END},       {KEY_IC, TERM_INSERT},
        {KEY_DC, TERM_DELETE},   {KEY_BTAB, TERM_BACK_TAB}, {KEY_A1, TERM_HOME},
        {KEY_A3, TERM_PAGE_UP},  {KEY_C1, TERM_END},        {KEY_C3, TERM_PAGE_DOWN},
        {KEY_BACKSPACE, RUBOUT}, {KEY_ENTER, '\n'},         {KEY_SR, TERM_UP},
        {KEY_SF, TERM_DOWN},     {KEY_SLEFT, TERM_LEFT},    {KEY_SRIGHT, TERM_RIGHT},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].key;
    return TERM_NONE;
}

// The keys of a sequence that curses did not know under this TERM, by its last byte and, before a
// tilde, its first number: as xterm and those after it send them (with Shift, Ctrl or Alt, too).
static int of_ending(const char *parameters, int last) {
    static const char letters[] = "ABCDHFZ";
    static const int keys_of_letters[] = {TERM_UP,   TERM_DOWN, TERM_RIGHT,   TERM_LEFT,
                                          TERM_HOME, TERM_END,  TERM_BACK_TAB};
    static const int numbered[] = {TERM_NONE,    TERM_HOME,      TERM_INSERT, TERM_DELETE, TERM_END,
                                   TERM_PAGE_UP, TERM_PAGE_DOWN, TERM_HOME,   TERM_END};
    const char *letter = memchr(letters, last, sizeof letters - 1);
    int number = atoi(parameters);
    if (letter)
        return keys_of_letters[letter - letters];
    return last == '~' && number >= 0 && number <= 8 ? numbered[number] : TERM_NONE;
}

// A sequence's meaning, if it has any here. `first` is its '[' or 'O'.
static void of_sequence(int first, const char *parameters, int last, struct term_event *event) {
    *event = (struct term_event){.key = TERM_NONE};
    bool meant = true;
    if (parameters[0] == '<') {
        meant = term_mouse_decimal(parameters, last == 'M', event);
    } else if (first == '[' && last == 'M') {
        int code = wgetch(keys), column = wgetch(keys);
        meant = term_mouse_bytes(code, column, wgetch(keys), event);
    } else {
        event->key = of_ending(parameters, last);
    }
    if (!meant)
        event->key = TERM_NONE;
}

// After an Esc: what begins like a key's sequence and ends like one is swallowed whole, so that
// keys unknown to TERM do not come apart into letters. Else it was Esc alone.
static void read_escape(struct term_event *event) {
    char parameters[24] = "";
    int first = wgetch(keys), next = ERR, count = 0;
    event->key = ESCAPE;
    if (first == '[' || first == 'O') {
        while ((next = wgetch(keys)) >= 0x20 && next < 0x40 && count < 23)
            parameters[count++] = (char)next;
        if (next >= 0x40 && next < 0x7f) {
            of_sequence(first, parameters, next, event);
            return;
        }
    }
    if (next != ERR)
        ungetch(next);
    while (count > 0)
        ungetch(parameters[--count]);
    if (first != ERR)
        ungetch(first);
}

static int of_byte(int byte) {
    uint32_t c;
    if (byte_count > 0 && (byte & 0xc0) != 0x80)
        byte_count = 0; // the character before stays unfinished
    bytes[byte_count++] = (char)byte;
    bytes[byte_count] = 0;
    int length = utf8_length((unsigned char)bytes[0]);
    if (byte_count < length)
        return TERM_NONE;
    byte_count = 0;
    utf8_decode(bytes, &c);
    return length == 0 || c == UTF8_BAD ? TERM_NONE : (int)c;
}

static int of_character(int byte) {
    if (byte == '\r')
        return '\n';
    if (byte == '\b')
        return RUBOUT;
    if (byte < 0x80) {
        byte_count = 0;
        return byte;
    }
    if (term_utf8())
        return of_byte(byte);
    wint_t wide = btowc(byte);
    return wide == WEOF ? TERM_NONE : (int)wide;
}

// The next event among the bytes that have come; false: there is none.
static bool read_key(struct term_event *event) {
    int code;
    while ((code = wgetch(keys)) != ERR) {
        *event = (struct term_event){0};
        if (code == ESCAPE)
            read_escape(event);
        else
            event->key = code > 0xff ? of_curses(code) : of_character(code);
        if (event->key != TERM_NONE)
            return true;
    }
    return false;
}

static bool read_signal(struct term_event *event) {
    for (enum term_signal s; (s = term_signals_take()) != SIGNAL_NONE;) {
        if (s == SIGNAL_RESIZE && !term_resized())
            continue;
        if (s == SIGNAL_STOP)
            term_suspend();
        if (s == SIGNAL_CONTINUED) // stopped by SIGSTOP: the shell may have used the screen
            term_resume();
        int key = s == SIGNAL_QUIT ? TERM_QUIT : s == SIGNAL_RESIZE ? TERM_RESIZE : TERM_CONTINUED;
        *event = (struct term_event){.key = key};
        return true;
    }
    return false;
}

struct term_event term_read(int milliseconds) {
    struct pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {term_signals_fd(), POLLIN, 0}};
    double end = clock_seconds() + milliseconds / 1e3;
    struct term_event event;
    for (;;) {
        if (read_signal(&event) || read_key(&event))
            return event;
        double left = end - clock_seconds();
        int wait = left > 0 ? (int)(left * 1e3) + 1 : 0;
        int ready = poll(waits, 2, wait);
        if (ready > 0 && (waits[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
            return (struct term_event){.key = TERM_QUIT};
        if (ready == 0)
            return (struct term_event){.key = TERM_NONE};
    }
}
