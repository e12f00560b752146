// The processes of a sweep: each is `thaw run`, and ends with the one that started it.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/cli/sweeping.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT = 10000, COULD_NOT_START = 127 }; // microseconds; exit code

struct job {
    pid_t process; // 0: none
    struct sweep_run *run;
    FILE *words; // what it says on stderr
};

struct jobs {
    struct sweeping *sweeping;
    struct job *items; // [sweeping->jobs]
    int done, all;     // runs
    int code;          // of the first that went wrong
    int passed_on;     // interruptions
};

static volatile sig_atomic_t interruptions;

static void on_interrupt(int signal) {
    (void)signal;
    interruptions++;
}

static void catch_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

// ---- Starting

// In the new process. A group of its own: the terminal's Ctrl-C comes by way of the parent, once.
// When the parent is killed, so is this: nobody else may then write to the run's directory.
static void become(pid_t parent, const struct job *job, char **command) {
    int nothing = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || nothing < 0)
        _exit(COULD_NOT_START);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(fileno(job->words), STDERR_FILENO);
    execv("/proc/self/exe", command);
    _exit(COULD_NOT_START);
}

static char **with_program(char **command) {
    int count = 0;
    while (command[count])
        count++;
    char **whole = xcalloc((size_t)count + 2, sizeof *whole);
    whole[0] = xstrdup("thaw");
    memcpy(whole + 1, command, (size_t)count * sizeof *whole);
    free(command);
    return whole;
}

// What a crash left before all of a run's files were there is no run.
static void clear_leftovers(const struct sweep_run *run) {
    if (run->state == SWEEP_NEW && files_exist(run->directory))
        files_remove(run->directory);
}

static bool begin(struct job *job, const struct sweeping *s, struct sweep_run *run) {
    char **command = with_program(sweeping_command(s, run));
    pid_t parent = getpid();
    clear_leftovers(run);
    *job = (struct job){.run = run, .words = tmpfile()};
    if (job->words && (job->process = fork()) == 0)
        become(parent, job, command);
    sweeping_free_command(command);
    if (job->process > 0)
        return true;
    fprintf(stderr, "thaw: cannot start a process for %s: %s\n", run->name, strerror(errno));
    if (job->words)
        fclose(job->words);
    *job = (struct job){0};
    return false;
}

// ---- Ending

// The last line that a process wrote, without "thaw: " in front.
static void last_words(FILE *file, char out[512]) {
    char line[512];
    snprintf(out, 512, "it said nothing");
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line)
            snprintf(out, 512, "%s", strncmp(line, "thaw: ", 6) == 0 ? line + 6 : line);
    }
}

static void say_done(const struct jobs *j, const struct sweep_run *run) {
    if (j->sweeping->quiet)
        return;
    printf("%d/%d %s", j->done, j->all, run->name);
    if (run->state == SWEEP_DIVERGED)
        printf("  diverged");
    else if (!isnan(run->validation))
        printf("  validation %.1f %%", 100 * run->validation);
    if (run->state == SWEEP_DONE && !isnan(run->test))
        printf("  test %.1f %%", 100 * run->test);
    printf("  %.1f s\n", run->seconds);
    fflush(stdout);
}

// A run that diverged is a result; whatever else went wrong ends the sweep.
static void finish(struct jobs *j, struct job *job, int status) {
    char words[512];
    struct error error = {0};
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    bool looked = sweeping_look(j->sweeping, job->run, &error);
    bool over = looked && (job->run->state == SWEEP_DONE || job->run->state == SWEEP_DIVERGED);
    last_words(job->words, words);
    if (WIFSIGNALED(status))
        snprintf(words, sizeof words, "it was killed by signal %d", WTERMSIG(status));
    fclose(job->words);
    if (over) {
        j->done++;
        say_done(j, job->run);
    } else if (interruptions == 0 && j->code == 0) {
        j->code = code ? code : 1;
        fprintf(stderr, "thaw: %s: %s\n", job->run->name, looked ? words : error.text);
    }
    *job = (struct job){0};
}

static bool reap(struct jobs *j) {
    int status;
    pid_t process = waitpid(-1, &status, WNOHANG);
    for (int i = 0; process > 0 && i < j->sweeping->jobs; i++)
        if (j->items[i].process == process)
            finish(j, &j->items[i], status);
    return process > 0;
}

// The first interruption lets them save, the second one does not.
static void pass_on(struct jobs *j, int signal) {
    for (int i = 0; i < j->sweeping->jobs; i++)
        if (j->items[i].process > 0)
            kill(j->items[i].process, signal);
}

// ---- All of them

static struct sweep_run *next_run(struct sweeping *s, int *at) {
    for (; *at < s->run_count; ++*at) {
        struct sweep_run *run = &s->runs[*at];
        if (run->state == SWEEP_NEW || run->state == SWEEP_HALF)
            return &s->runs[(*at)++];
    }
    return NULL;
}

static void start_more(struct jobs *j, int *at) {
    struct sweeping *s = j->sweeping;
    for (int i = 0; i < s->jobs && j->code == 0 && interruptions == 0; i++) {
        struct sweep_run *run = j->items[i].process ? NULL : next_run(s, at);
        if (run && !begin(&j->items[i], s, run))
            j->code = 1;
    }
}

static bool any(const struct jobs *j) {
    for (int i = 0; i < j->sweeping->jobs; i++)
        if (j->items[i].process)
            return true;
    return false;
}

static int count_over(const struct sweeping *s) {
    int over = 0;
    for (int i = 0; i < s->run_count; i++)
        over += s->runs[i].state == SWEEP_DONE || s->runs[i].state == SWEEP_DIVERGED;
    return over;
}

int sweeping_do(struct sweeping *s) {
    struct jobs j = {.sweeping = s, .done = count_over(s), .all = s->run_count};
    int at = 0;
    j.items = xcalloc((size_t)s->jobs, sizeof *j.items);
    fflush(NULL);
    catch_interrupts();
    start_more(&j, &at);
    while (any(&j)) {
        if (j.passed_on < interruptions || (j.code && !j.passed_on))
            pass_on(&j, j.passed_on++ ? SIGKILL : SIGTERM);
        if (!reap(&j))
            usleep(WAIT);
        start_more(&j, &at);
    }
    free(j.items);
    return interruptions ? 130 : j.code;
}
