// The job of a session: starts the terminal, draws a word, reports every key, obeys a few letters.
#ifndef THAW_TESTS_TERM_JOB_H
#define THAW_TESTS_TERM_JOB_H

#include "term_session.h"
#include "ui/workbench/term.h"
#include <curses.h>
#include <pthread.h>
#include <sys/resource.h>

// xterm-256color's.
#define ENTER "\033[?1049h"
#define LEAVE "\033[?1049l"
#define SHOW_CURSOR "\033[?25h"
#define HIDE_CURSOR "\033[?25l"
#define MOUSE_ON "\033[?1000h\033[?1006h"

static const char *job_terminal = "xterm-256color", *job_locale = "C.UTF-8";
static bool job_mouse;

static inline void *crash(void *nothing) {
    volatile int *nowhere = nothing;
    *nowhere = 1;
    return NULL;
}

static inline int deep(volatile int n) {
    volatile char room[4096];
    room[n % 4096] = 1;
    return n < 0 ? 0 : deep(n + 1) + room[0];
}

static inline double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static inline void wait_idle(void) {
    double before = cpu_seconds();
    int key = term_read(200).key;
    session_say("idle %d %s", key, cpu_seconds() - before < 0.1 ? "asleep" : "busy");
}

__attribute__((no_sanitize("address", "undefined"))) static inline void crash_by(int key) {
    pthread_t thread;
    if (key == 'S')
        crash(NULL);
    if (key == 'T' && pthread_create(&thread, NULL, crash, NULL) == 0)
        pthread_join(thread, NULL);
    if (key == 'O')
        session_say("%d", deep(0));
    if (key == 'A') {
        fputs("assertion failed: sky is blue\n", stderr);
        abort();
    }
}

// The letters that the job obeys; everything else it reports.
static inline void obey(int key) {
    int rows, columns;
    crash_by(key);
    switch (key) {
    case 'q':
        term_stop();
        term_stop();
        exit(0);
    case 'X':
        exit(3); // without term_stop
    case 'E':
        fputs("said meanwhile\n", stderr);
        session_say("said");
        break;
    case 'i':
        wait_idle();
        break;
    case 'R': // leaves and starts again
        term_stop();
        term_start(&(struct term_options){.mouse = job_mouse}, NULL);
        session_say("again");
        break;
    case 'z':
        term_size(&rows, &columns);
        session_say("size %d %d", rows, columns);
        break;
    }
}

static inline void job(void) {
    struct error error;
    if (job_terminal)
        setenv("TERM", job_terminal, 1);
    else
        unsetenv("TERM");
    setenv("LC_ALL", job_locale, 1);
    if (!term_start(&(struct term_options){.mouse = job_mouse}, &error)) {
        session_say("error %s", error.text);
        exit(error_exit_code(&error));
    }
    mvaddstr(2, 4, "hello");
    term_flush();
    session_say("up %d", get_escdelay());
    for (;;) {
        struct term_event event = term_read(60000);
        if (event.key == TERM_MOUSE)
            session_say("mouse %d %d %d", event.mouse, event.row, event.column);
        else if (event.key < 128 && strchr("qXEiRzSTOA", event.key))
            obey(event.key);
        else
            session_say("key %d", event.key);
        if (event.key == TERM_QUIT)
            obey('q');
        term_flush();
    }
}

static inline void session_up(struct session *s) {
    session_open(s, job);
    session_expect(s, "up 25");
    session_shows(s, "hello");
}

static inline void terminal_is_given_back(struct session *s) {
    session_shows(s, LEAVE);
    assert_non_null(strstr(s->output, SHOW_CURSOR));
    session_modes_are_back(s);
}

#endif
