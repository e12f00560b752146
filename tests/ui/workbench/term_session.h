// A terminal (pty), a shell with job control in it, and a job of that shell that runs the
// workbench's terminal layer and reports through a pipe. Waiting is always for a condition.
#ifndef THAW_TESTS_TERM_SESSION_H
#define THAW_TESTS_TERM_SESSION_H

#include "test.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

enum { SESSION_PATIENCE = 30000 }; // milliseconds until a condition counts as missed

struct session {
    int master, slave, report, go;
    pid_t shell;
    struct termios before;
    char output[1 << 18]; // what the terminal was sent
    size_t output_length, output_seen;
    char lines[1 << 12]; // what was reported and not yet looked at
    size_t lines_length;
};

static int session_report; // in the job and the shell

__attribute__((format(printf, 1, 2))) static inline void session_say(const char *format, ...) {
    char line[2048];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[length] = '\n';
    if (write(session_report, line, (size_t)length + 1) < 0)
        _exit(99);
}

static inline void session_follow(pid_t job, int go) {
    char byte;
    int status;
    while (waitpid(job, &status, WUNTRACED) == job) {
        tcsetpgrp(STDIN_FILENO, getpgrp());
        if (!WIFSTOPPED(status)) {
            bool killed = WIFSIGNALED(status);
            session_say(killed ? "signal %d" : "exit %d",
                        killed ? WTERMSIG(status) : WEXITSTATUS(status));
            _exit(0);
        }
        session_say("stopped");
        if (read(go, &byte, 1) != 1)
            kill(-job, SIGKILL);
        tcsetpgrp(STDIN_FILENO, job);
        kill(-job, SIGCONT);
    }
}

static inline void session_shell(int slave, int go, void (*run)(void)) {
    login_tty(slave);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpid());
        // As a shell's job has them, also when the tests run behind a `&`.
        static const int numbers[] = {SIGHUP,  SIGINT, SIGQUIT, SIGTTOU, SIGSEGV,
                                      SIGABRT, SIGBUS, SIGFPE,  SIGILL};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            signal(numbers[i], SIG_DFL);
        run();
        exit(0);
    }
    session_follow(job, go);
}

static inline void session_open(struct session *s, void (*run)(void)) {
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int report[2], go[2];
    *s = (struct session){0};
    assert_int_equal(openpty(&s->master, &s->slave, NULL, NULL, &size), 0);
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    tcgetattr(s->slave, &s->before);
    fflush(NULL);
    s->shell = fork();
    if (s->shell == 0) {
        session_report = report[1];
        close(s->master);
        close(report[0]);
        close(go[1]);
        session_shell(s->slave, go[0], run);
        _exit(98);
    }
    close(report[1]);
    close(go[0]);
    s->report = report[0];
    s->go = go[1];
}

static inline void session_close(struct session *s) {
    waitpid(s->shell, NULL, 0);
    close(s->report);
    close(s->go);
    if (s->master >= 0)
        close(s->master);
    if (s->slave >= 0)
        close(s->slave);
}

static inline void session_take(int fd, char *buffer, size_t *length, size_t size) {
    ssize_t n = read(fd, buffer + *length, size - 1 - *length);
    if (n > 0)
        *length += (size_t)n;
    buffer[*length] = 0;
}

// Reads what has come from either side; fails when nothing comes.
static inline void session_pump(struct session *s, int patience) {
    struct pollfd waits[] = {{s->report, POLLIN, 0}, {s->master, POLLIN, 0}};
    if (poll(waits, 2, patience) == 0 && patience > 0)
        fail_msg("nothing comes; reported: %s", s->lines);
    if (waits[0].revents & POLLIN)
        session_take(s->report, s->lines, &s->lines_length, sizeof s->lines);
    if (waits[1].revents & POLLIN)
        session_take(s->master, s->output, &s->output_length, sizeof s->output);
}

// The next line of the report must be this.
static inline void session_expect(struct session *s, const char *format, ...) {
    char wanted[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(wanted, sizeof wanted, format, args);
    va_end(args);
    char *end;
    while (!(end = memchr(s->lines, '\n', s->lines_length)))
        session_pump(s, SESSION_PATIENCE);
    *end = 0;
    assert_string_equal(s->lines, wanted);
    s->lines_length -= (size_t)(end + 1 - s->lines);
    memmove(s->lines, end + 1, s->lines_length + 1);
}

// The terminal must get this, after what was found before.
static inline void session_shows(struct session *s, const char *text) {
    char *found;
    while (!(found = strstr(s->output + s->output_seen, text)))
        session_pump(s, SESSION_PATIENCE);
    s->output_seen = (size_t)(found - s->output) + strlen(text);
}

static inline void session_type(struct session *s, const char *bytes) {
    assert_int_equal(write(s->master, bytes, strlen(bytes)), strlen(bytes));
}

static inline void session_go_on(struct session *s) {
    assert_int_equal(write(s->go, "", 1), 1);
}

static inline void session_modes_are_back(const struct session *s) {
    struct termios now;
    assert_int_equal(tcgetattr(s->slave, &now), 0);
    assert_int_equal(now.c_iflag, s->before.c_iflag);
    assert_int_equal(now.c_oflag, s->before.c_oflag);
    assert_int_equal(now.c_cflag, s->before.c_cflag);
    assert_int_equal(now.c_lflag, s->before.c_lflag);
    assert_memory_equal(now.c_cc, s->before.c_cc, sizeof now.c_cc);
}

#endif
