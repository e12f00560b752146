#include "ui/workbench/term.h"

#include "ui/workbench/term_parts.h"
#include <assert.h>
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

enum { ESCAPE_MILLISECONDS = 25 }; // how long the rest of a key's sequence may take

static SCREEN *screen; // NULL: not started
static pid_t owner;    // a forked child has no terminal to give back
static struct term_rescue rescue;

bool term_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

// Adds a string of terminfo, without the pauses ("$<5>") that old terminals want.
static void add_bytes(const char *text) {
    while (text && *text && rescue.length < sizeof rescue.bytes) {
        const char *end = strncmp(text, "$<", 2) == 0 ? strchr(text, '>') : NULL;
        if (end)
            text = end + 1;
        else
            rescue.bytes[rescue.length++] = *text++;
    }
}

// What gives this terminal back when there is no time for curses.
static void prepare_rescue(bool mouse) {
    rescue.length = 0;
    if (mouse && key_mouse)
        add_bytes(TERM_MOUSE_OFF);
    add_bytes(exit_attribute_mode);
    add_bytes(orig_pair);
    add_bytes(keypad_local);
    add_bytes(cursor_normal);
    add_bytes(exit_ca_mode ? exit_ca_mode : "\r\n");
}

bool term_check(struct error *error) {
    static const char instead[] = "for a run without one use: thaw run EXPERIMENT.yaml";
    const char *name = getenv("TERM");
    int found = 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(error, "the workbench needs a terminal; %s", instead);
    if (!name || !name[0])
        return error_set(error,
                         "the workbench needs to know the terminal: set TERM (often "
                         "xterm-256color); %s",
                         instead);
    if (setupterm(name, STDOUT_FILENO, &found) == ERR || found != 1)
        return error_set(error,
                         "the workbench does not know the terminal \"%s\" (TERM): try "
                         "TERM=xterm-256color; %s",
                         name, instead);
    if (!cursor_address || !clear_screen)
        return error_set(error,
                         "the workbench needs a terminal that can place its cursor, which \"%s\" "
                         "(TERM) cannot; %s",
                         name, instead);
    return true;
}

// What is bound elsewhere than for the terminal goes on to there.
static bool keep_stderr(struct error *error) {
    rescue.stderr_real = rescue.stderr_kept = -1;
    if (!isatty(STDERR_FILENO))
        return true;
    FILE *file = tmpfile();
    if (file) {
        rescue.stderr_kept = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
        fclose(file);
    }
    if (rescue.stderr_kept < 0)
        return error_run(error, "cannot make a temporary file for messages: %s", strerror(errno));
    fflush(stderr);
    rescue.stderr_real = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(rescue.stderr_kept, STDERR_FILENO);
    return true;
}

static void show_stderr(void) {
    char bytes[4096];
    ssize_t n;
    if (rescue.stderr_real < 0)
        return;
    fflush(stderr);
    dup2(rescue.stderr_real, STDERR_FILENO);
    lseek(rescue.stderr_kept, 0, SEEK_SET);
    while ((n = read(rescue.stderr_kept, bytes, sizeof bytes)) > 0)
        fwrite(bytes, 1, (size_t)n, stderr);
    close(rescue.stderr_real);
    close(rescue.stderr_kept);
    rescue.stderr_real = rescue.stderr_kept = -1;
}

// Every key is a character, but Ctrl-C and Ctrl-Z, which are signals as elsewhere; Ctrl-S, Ctrl-Q,
// Ctrl-V and Ctrl-O, which terminals keep for themselves, are keys.
static void set_modes(void) {
    struct termios modes;
    cbreak();
    noecho();
    nonl();
    if (tcgetattr(STDIN_FILENO, &modes) == 0) {
        modes.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
        modes.c_lflag &= ~(tcflag_t)IEXTEN;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
        def_prog_mode();
    }
    set_escdelay(ESCAPE_MILLISECONDS);
    intrflush(stdscr, FALSE);
    curs_set(0);
}

static bool start_curses(struct error *error) {
    use_env(FALSE); // the size is the terminal's, whatever LINES and COLUMNS say
    use_tioctl(TRUE);
    screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return error_run(error, "cannot start the screen on the terminal \"%s\"", getenv("TERM"));
    return true;
}

bool term_start(const struct term_options *options, struct error *error) {
    static bool at_exit;
    assert(!screen);
    setlocale(LC_CTYPE, "");
    if (!term_check(error))
        return false;
    tcgetattr(STDIN_FILENO, &rescue.modes);
    prepare_rescue(options->mouse);
    del_curterm(cur_term);
    fflush(stdout);
    if (!keep_stderr(error))
        return false;
    if (!term_signals_open(&rescue, error)) {
        show_stderr();
        return false;
    }
    if (!start_curses(error)) {
        term_signals_close();
        show_stderr();
        return false;
    }
    owner = getpid();
    if (!at_exit)
        at_exit = atexit(term_stop) == 0;
    set_modes();
    term_input_open();
    term_mouse_open(options->mouse);
    return true;
}

// Where there is no other screen to go back to, the last row is made free for what comes next.
static void leave_screen(void) {
    if (!exit_ca_mode) {
        move(LINES - 1, 0);
        clrtoeol();
        refresh();
    }
    endwin();
}

void term_stop(void) {
    if (!screen || owner != getpid())
        return;
    term_mouse_off();
    term_input_close();
    leave_screen();
    delscreen(screen);
    screen = NULL;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &rescue.modes);
    term_signals_close();
    show_stderr();
}

// <term.h> has macros named lines and columns.
void term_size(int *height, int *width) {
    getmaxyx(stdscr, *height, *width);
}

void term_flush(void) {
    refresh();
}

void term_redraw(void) {
    clearok(curscr, TRUE);
}

bool term_resized(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0 ||
        !is_term_resized(size.ws_row, size.ws_col))
        return false;
    resizeterm(size.ws_row, size.ws_col);
    return true;
}

void term_resume(void) {
    if (!isendwin()) // stopped by force: nothing is as curses believes
        endwin();
    reset_prog_mode();
    term_mouse_on();
    term_resized();
    clearok(curscr, TRUE); // nothing is left of what was there
    refresh();
}

void term_suspend(void) {
    term_mouse_off();
    leave_screen();
    term_signals_stop();
    term_resume();
}
