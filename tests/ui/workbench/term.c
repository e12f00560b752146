#include "ui/workbench/term.h"

#include "term_job.h"
#include "test.h"

static void started_and_stopped(void **state) {
    (void)state;
    struct session s;
    session_open(&s, job);
    session_shows(&s, ENTER);
    session_shows(&s, HIDE_CURSOR);
    session_shows(&s, "hello");
    session_expect(&s, "up 25");
    assert_null(strstr(s.output, MOUSE_ON));
    struct termios now;
    tcgetattr(s.slave, &now);
    assert_false(now.c_lflag & (ECHO | ICANON));
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    terminal_is_given_back(&s);
    session_close(&s);
}

static void started_again_after_a_stop(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    session_type(&s, "R");
    session_expect(&s, "again");
    session_shows(&s, LEAVE);
    session_type(&s, "x");
    session_expect(&s, "key %d", 'x');
    session_shows(&s, ENTER);
    session_type(&s, "X"); // exit() gives it back, too
    session_expect(&s, "exit 3");
    terminal_is_given_back(&s);
    session_close(&s);
}

static void signals_ask_to_quit(void **state) {
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 4; i++) {
        struct session s;
        session_up(&s);
        if (i < 3)
            kill(-tcgetpgrp(s.master), numbers[i]);
        else
            session_type(&s, "\003"); // Ctrl-C
        session_expect(&s, "key %d", TERM_QUIT);
        session_expect(&s, "exit 0");
        terminal_is_given_back(&s);
        session_close(&s);
    }
}

static void a_terminal_that_is_gone_asks_to_quit(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    close(s.slave);
    close(s.master);
    s.master = s.slave = -1;
    session_expect(&s, "key %d", TERM_QUIT);
    session_expect(&s, "exit 0");
    session_close(&s);
}

static void crashes_give_the_terminal_back(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int number;
    } cases[] = {{"S", SIGSEGV}, {"T", SIGSEGV}, {"O", SIGSEGV}, {"A", SIGABRT}};
    job_mouse = true;
    for (int i = 0; i < 4; i++) {
        struct session s;
        session_up(&s);
        session_type(&s, cases[i].key);
        session_expect(&s, "signal %d", cases[i].number);
        session_shows(&s, "\033[?1000l"); // the mouse
        terminal_is_given_back(&s);
        if (cases[i].number == SIGABRT)
            session_shows(&s, "assertion failed: sky is blue"); // after LEAVE
        session_close(&s);
    }
    job_mouse = false;
}

static void crash_signals_from_outside(void **state) {
    (void)state;
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};
    for (int i = 0; i < 7; i++) {
        struct session s;
        session_up(&s);
        if (i < 6)
            kill(-tcgetpgrp(s.master), numbers[i]);
        else
            session_type(&s, "\034"); // Ctrl-backslash
        session_expect(&s, "signal %d", i < 6 ? numbers[i] : SIGQUIT);
        terminal_is_given_back(&s);
        session_close(&s);
    }
}

static void stderr_is_silent_until_the_end(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    session_type(&s, "E");
    session_expect(&s, "said");
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    session_shows(&s, LEAVE);
    session_shows(&s, "said meanwhile");
    const char *first = strstr(s.output, "said meanwhile");
    assert_true(first > strstr(s.output, LEAVE));
    session_close(&s);
}

static void resizing(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    static const int sizes[][2] = {{60, 200}, {1, 1}, {16, 60}};
    for (int i = 0; i < 3; i++) {
        struct winsize size = {.ws_row = (unsigned short)sizes[i][0],
                               .ws_col = (unsigned short)sizes[i][1]};
        ioctl(s.master, TIOCSWINSZ, &size);
        session_expect(&s, "key %d", TERM_RESIZE);
        session_type(&s, "z");
        session_expect(&s, "size %d %d", sizes[i][0], sizes[i][1]);
    }
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    terminal_is_given_back(&s);
    session_close(&s);
}

// Ctrl-Z, and what a shell and a person may do meanwhile.
static void stopped_and_continued(void **state) {
    (void)state;
    struct session s;
    session_up(&s);
    session_type(&s, "\032");
    session_expect(&s, "stopped");
    terminal_is_given_back(&s);
    struct winsize size = {.ws_row = 30, .ws_col = 90};
    ioctl(s.master, TIOCSWINSZ, &size);
    session_go_on(&s);
    session_expect(&s, "key %d", TERM_CONTINUED);
    session_shows(&s, ENTER);
    session_shows(&s, "hello"); // drawn again
    session_type(&s, "z");
    session_expect(&s, "size 30 90");
    session_type(&s, "\032"); // and once more
    session_expect(&s, "stopped");
    terminal_is_given_back(&s);
    session_go_on(&s);
    session_expect(&s, "key %d", TERM_CONTINUED);
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    terminal_is_given_back(&s);
    session_close(&s);
}

// SIGSTOP cannot be caught; what the shell changed is put right when we go on.
static void stopped_by_force_and_continued(void **state) {
    (void)state;
    struct session s;
    struct termios now;
    session_up(&s);
    kill(-tcgetpgrp(s.master), SIGSTOP);
    session_expect(&s, "stopped");
    tcsetattr(s.slave, TCSANOW, &s.before);
    session_go_on(&s);
    session_expect(&s, "key %d", TERM_CONTINUED);
    session_shows(&s, "hello");
    tcgetattr(s.slave, &now);
    assert_false(now.c_lflag & (ECHO | ICANON));
    session_type(&s, "q");
    session_expect(&s, "exit 0");
    terminal_is_given_back(&s);
    session_close(&s);
}

static void refuse(const char *terminal, const char *text) {
    struct session s;
    job_terminal = terminal;
    session_open(&s, job);
    job_terminal = "xterm-256color";
    session_expect(&s, "error %s; for a run without one use: thaw run EXPERIMENT.yaml", text);
    session_expect(&s, "exit 2");
    session_pump(&s, 0);
    assert_int_equal(s.output_length, 0);
    session_modes_are_back(&s);
    session_close(&s);
}

static void terminals_that_do_not_serve(void **state) {
    (void)state;
    refuse(NULL, "the workbench needs to know the terminal: set TERM (often xterm-256color)");
    refuse("", "the workbench needs to know the terminal: set TERM (often xterm-256color)");
    refuse("dumb", "the workbench needs a terminal that can place its cursor, which \"dumb\" "
                   "(TERM) cannot");
    refuse("no-such-terminal", "the workbench does not know the terminal \"no-such-terminal\" "
                               "(TERM): try TERM=xterm-256color");
}

static void job_into_a_pipe(void) {
    int ends[2];
    char byte;
    if (pipe(ends) == 0)
        dup2(ends[1], STDOUT_FILENO);
    struct error error = {0};
    bool started = term_start(&(struct term_options){0}, &error);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    session_say("%d %zd %s", started, read(ends[0], &byte, 1), error.text);
    term_stop(); // nothing to give back
}

static void no_terminal_no_codes(void **state) {
    (void)state;
    struct session s;
    session_open(&s, job_into_a_pipe);
    session_expect(&s, "0 -1 the workbench needs a terminal; for a run without one use: thaw run "
                       "EXPERIMENT.yaml");
    session_expect(&s, "exit 0");
    session_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_and_stopped),
        cmocka_unit_test(started_again_after_a_stop),
        cmocka_unit_test(signals_ask_to_quit),
        cmocka_unit_test(a_terminal_that_is_gone_asks_to_quit),
        cmocka_unit_test(crashes_give_the_terminal_back),
        cmocka_unit_test(crash_signals_from_outside),
        cmocka_unit_test(stderr_is_silent_until_the_end),
        cmocka_unit_test(resizing),
        cmocka_unit_test(stopped_and_continued),
        cmocka_unit_test(stopped_by_force_and_continued),
        cmocka_unit_test(terminals_that_do_not_serve),
        cmocka_unit_test(no_terminal_no_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
