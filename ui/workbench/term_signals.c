#include "ui/workbench/term_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

// SIGINT and SIGTSTP are Ctrl-C and Ctrl-Z: the terminal sends them, as to any program.
static const struct {
    int number;
    enum term_signal means; // SIGNAL_NONE: a crash
} caught[] = {
    {SIGINT, SIGNAL_QUIT},  {SIGTERM, SIGNAL_QUIT},      {SIGHUP, SIGNAL_QUIT},
    {SIGTSTP, SIGNAL_STOP}, {SIGCONT, SIGNAL_CONTINUED}, {SIGWINCH, SIGNAL_RESIZE},
    {SIGSEGV, SIGNAL_NONE}, {SIGABRT, SIGNAL_NONE},      {SIGBUS, SIGNAL_NONE},
    {SIGFPE, SIGNAL_NONE},  {SIGILL, SIGNAL_NONE},       {SIGQUIT, SIGNAL_NONE},
};
enum { CAUGHT = sizeof caught / sizeof caught[0] };

static struct sigaction before[CAUGHT];
static int wake[2] = {-1, -1};
static atomic_uint pending; // bits of 1 << enum term_signal
static const struct term_rescue *rescue;
static atomic_flag rescued = ATOMIC_FLAG_INIT;

static void on_request(int number) {
    int saved = errno;
    for (int i = 0; i < CAUGHT; i++)
        if (caught[i].number == number)
            atomic_fetch_or(&pending, 1u << caught[i].means);
    ssize_t written = write(wake[1], "", 1); // full: it wakes anyway
    (void)written;
    errno = saved;
}

static void write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        length -= (size_t)n;
    }
}

// What was said on stderr meanwhile matters most in a crash (an assertion's text).
static void show_stderr(void) {
    char bytes[512];
    ssize_t n;
    if (rescue->stderr_real < 0)
        return;
    dup2(rescue->stderr_real, STDERR_FILENO);
    lseek(rescue->stderr_kept, 0, SEEK_SET);
    while ((n = read(rescue->stderr_kept, bytes, sizeof bytes)) > 0)
        write_all(STDERR_FILENO, bytes, (size_t)n);
}

// Only async-signal-safe calls from here. The former action is put back, and the signal comes
// again: by itself when an instruction caused it, else because it is raised.
static void on_crash(int number, siginfo_t *info, void *context) {
    (void)context;
    if (!atomic_flag_test_and_set(&rescued)) {
        write_all(STDOUT_FILENO, rescue->bytes, rescue->length);
        tcsetattr(STDIN_FILENO, TCSANOW, &rescue->modes);
        show_stderr();
    }
    for (int i = 0; i < CAUGHT; i++)
        if (caught[i].number == number)
            sigaction(number, &before[i], NULL);
    if (info->si_code <= 0 || number == SIGQUIT)
        raise(number);
}

// So that running out of stack can be caught, too.
static void use_other_stack(void) {
    static char bytes[1 << 16];
    stack_t old, other = {.ss_sp = bytes, .ss_size = sizeof bytes};
    if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE))
        sigaltstack(&other, NULL);
}

static void catch_signal(int i) {
    struct sigaction action = {.sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    if (caught[i].means == SIGNAL_NONE) {
        action.sa_sigaction = on_crash;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    } else {
        action.sa_handler = on_request;
    }
    sigaction(caught[i].number, &action, &before[i]);
    // Whoever started us may have wished it ignored (nohup, a shell without job control).
    bool request = caught[i].means != SIGNAL_NONE || caught[i].number == SIGQUIT;
    if (request && before[i].sa_handler == SIG_IGN)
        sigaction(caught[i].number, &before[i], NULL);
}

bool term_signals_open(const struct term_rescue *by, struct error *error) {
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_run(error, "cannot open a pipe for signals: %s", strerror(errno));
    rescue = by;
    atomic_store(&pending, 0);
    atomic_flag_clear(&rescued);
    use_other_stack();
    for (int i = 0; i < CAUGHT; i++)
        catch_signal(i);
    return true;
}

void term_signals_close(void) {
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i].number, &before[i], NULL);
    close(wake[0]);
    close(wake[1]);
    wake[0] = wake[1] = -1;
}

int term_signals_fd(void) {
    return wake[0];
}

enum term_signal term_signals_take(void) {
    char bytes[64];
    while (read(wake[0], bytes, sizeof bytes) > 0)
        continue;
    unsigned bits = atomic_exchange(&pending, 0);
    for (int s = SIGNAL_QUIT; s <= SIGNAL_RESIZE; s++) {
        if (bits & 1u << s) {
            atomic_fetch_or(&pending, bits & ~(1u << s)); // the others wait for the next call
            return (enum term_signal)s;
        }
    }
    return SIGNAL_NONE;
}

void term_signals_stop(void) {
    struct sigaction ours, plain = {.sa_handler = SIG_DFL};
    sigaction(SIGTSTP, &plain, &ours);
    raise(SIGTSTP); // returns when SIGCONT has come
    sigaction(SIGTSTP, &ours, NULL);
    // Going on is the caller's doing, no news to it.
    atomic_fetch_and(&pending, ~((1u << SIGNAL_CONTINUED) | (1u << SIGNAL_STOP)));
}
