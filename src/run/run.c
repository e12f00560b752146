#include "run/run.h"
#include "base/blas.h"
#include "base/files.h"
#include "base/kernels.h"
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include "model/card.h"
#include "run/run_state.h"
#include "session/record.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *in_run(const struct run *run, const char *name) {
    return files_join(run->directory, name);
}

static bool open_log(const struct run *run, const char *name, FILE **log, struct error *error) {
    char *path = in_run(run, name);
    *log = fopen(path, "ae");
    bool ok = *log != NULL;
    if (!ok)
        error_set(error, "%s: cannot write: %s", path, strerror(errno));
    free(path);
    return ok;
}

// Nobody else may write to them until they are closed, also by a crash.
static bool lock(const struct run *run, struct error *error) {
    if (flock(fileno(run->metrics), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return true;
    return error_set(error, "%s: another thaw is at work on this run", run->directory);
}

static bool open_logs(struct run *run, struct error *error) {
    return open_log(run, "metrics.jsonl", &run->metrics, error) && lock(run, error) &&
           open_log(run, "events.jsonl", &run->events, error);
}

static bool directory_empty(const char *path) {
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT;
    int entries = 0;
    while (readdir(dir))
        entries++;
    closedir(dir);
    return entries <= 2;
}

void run_open(struct run *run) {
    *run =
        (struct run){.next_event = 1, .branches = 1, .reached = xcalloc(1, sizeof *run->reached)};
}

bool run_create(struct run *run, const char *directory, const struct experiment *e,
                struct error *error) {
    run_open(run);
    run->directory = xstrdup(directory);
    if (!*directory)
        return error_set(error, "the name of the run's directory is empty; give --out another");
    if (!directory_empty(directory))
        return error_set(error,
                         "%s exists and is not an empty directory; choose another --out, or "
                         "continue it with --resume",
                         directory);
    if (!files_make_directory(directory, error))
        return false;
    char *path = in_run(run, "experiment.yaml"), *text = experiment_text(e);
    bool ok = files_write(path, text, strlen(text), error) && open_logs(run, error);
    free(path);
    free(text);
    return ok;
}

void run_close(struct run *run) {
    if (run->metrics)
        fclose(run->metrics);
    if (run->events)
        fclose(run->events);
    event_list_close(&run->script);
    event_list_close(&run->log);
    free(run->reached);
    free(run->directory);
    *run = (struct run){0};
}

static int64_t bytes_written(FILE *log) {
    fseek(log, 0, SEEK_END);
    return ftell(log);
}

// A line that does not fit on the disk is taken back whole.
static bool append(FILE *log, const struct run *run, const char *name, const char *line,
                   struct error *error) {
    int64_t before = bytes_written(log);
    if (fprintf(log, "%s\n", line) >= 0 && fflush(log) == 0)
        return true;
    error_run(error, "%s/%s: cannot write: %s", run->directory, name, strerror(errno));
    __fpurge(log);
    if (ftruncate(fileno(log), before) != 0)
        error_prefix(error, "(the last line is incomplete) ");
    return false;
}

bool run_metrics(struct run *run, const struct record *record, const struct figures *figures,
                 struct error *error) {
    char *line = record_line(record, figures);
    bool ok = append(run->metrics, run, "metrics.jsonl", line, error);
    free(line);
    return ok;
}

bool run_event(struct run *run, int64_t step, const char *who, const char *text,
               struct error *error) {
    struct event e = {
        .id = run->next_event, .parent = run->last_event, .branch = run->branch, .step = step};
    snprintf(e.who, sizeof e.who, "%s", who);
    e.text = xstrdup(text);
    char *line = event_line(&e);
    bool ok = !run->events || append(run->events, run, "events.jsonl", line, error);
    if (ok) {
        event_add(&run->log, &e);
        run->last_event = run->next_event++;
    }
    free(line);
    free(e.text);
    return ok;
}

void run_reach(struct run *run, int64_t step) {
    int64_t *reached = &run->reached[run->branch];
    *reached = step > *reached ? step : *reached;
}

void run_fork(struct run *run) {
    run->branch = run->branches++;
    run->reached = xrealloc(run->reached, (size_t)run->branches * sizeof *run->reached);
    run->reached[run->branch] = 0;
}

static bool save(const struct run *run, const struct training *t, const char *name,
                 struct error *error) {
    char *path = in_run(run, name), step[32];
    snprintf(step, sizeof step, "%" PRId64, t->step);
    char *classes = card_classes(t->data.train), *input = card_input(t->data.train);
    const char *const metadata[] = {"arch",     t->model->arch, "experiment", t->experiment->name,
                                    "step",     step,           CARD_CLASSES, classes,
                                    CARD_INPUT, input};
    bool ok = save_weights(&t->weights, path, metadata, 5, error);
    free(path);
    free(classes);
    free(input);
    return ok;
}

bool run_best(struct run *run, const struct training *t, const struct tally *validation, bool *best,
              struct error *error) {
    *best = run->best_step == 0 || training_better(t, validation, &run->best);
    if (!*best)
        return true;
    run->best = *validation;
    run->best_step = t->step;
    return save(run, t, "best.safetensors", error);
}

bool run_save_last(struct run *run, const struct training *t, struct error *error) {
    return save(run, t, "last.safetensors", error);
}

static char *state_directory(const struct run *run, int64_t number) {
    char *name = xprintf("state-%" PRId64, number), *path = in_run(run, name);
    free(name);
    return path;
}

static void drop_state(const struct run *run, int64_t number) {
    char *path = state_directory(run, number);
    files_remove(path);
    free(path);
}

static bool point_to_state(const struct run *run, int64_t number, struct error *error) {
    char *text = xprintf("state-%" PRId64 "\n", number), *pointer = in_run(run, "state");
    bool ok = files_write(pointer, text, strlen(text), error);
    free(text);
    free(pointer);
    return ok;
}

// A state never speaks of lines that a power failure can still take away.
static bool logs_to_disk(const struct run *run, struct error *error) {
    if (fsync(fileno(run->metrics)) == 0 && fsync(fileno(run->events)) == 0)
        return true;
    return error_run(error, "%s: cannot write its logs: %s", run->directory, strerror(errno));
}

static bool save_state(struct run *run, const struct training *t, const struct run_marks *marks,
                       struct error *error) {
    int64_t old = run->state, number = old + 1;
    char *path = state_directory(run, number);
    drop_state(run, number); // left by a crash
    bool ok = files_make_directory(path, error) && run_state_write(path, run, t, marks, error) &&
              point_to_state(run, number, error);
    if (ok)
        run->state = number;
    drop_state(run, ok ? old : number);
    free(path);
    return ok;
}

bool run_save_state(struct run *run, const struct training *t, struct error *error) {
    struct run_marks marks = {
        .metrics_bytes = bytes_written(run->metrics),
        .events_bytes = bytes_written(run->events),
        .last_event = run->last_event,
        .next_event = run->next_event,
    };
    if (run->scripted < run->script.count)
        marks.script = (struct event_list){run->script.items + run->scripted,
                                           run->script.count - run->scripted};
    return logs_to_disk(run, error) && save_state(run, t, &marks, error);
}

// The number in the pointer file; 0 when there is none yet.
static bool read_pointer(const struct run *run, int64_t *number, struct error *error) {
    char *path = in_run(run, "state");
    struct mapping file = {0};
    *number = 0;
    bool ok = true;
    if (files_exist(path) && (ok = mapping_open(&file, path, error))) {
        char *text = xstrndup((const char *)file.data, file.size < 64 ? file.size : 64);
        text[strcspn(text, "\n")] = '\0';
        ok = strncmp(text, "state-", 6) == 0 && text_to_int(text + 6, number) && *number > 0;
        if (!ok)
            error_set(error, "%s: does not name a saved state, such as 'state-3'", path);
        free(text);
        mapping_close(&file);
    }
    free(path);
    return ok;
}

static bool cut_log(const struct run *run, const char *name, int64_t bytes, struct error *error) {
    char *path = in_run(run, name);
    struct stat status;
    bool ok = stat(path, &status) == 0 && status.st_size >= bytes;
    if (!ok)
        error_set(error, "%s: is missing or shorter than when the state was saved", path);
    else if (!(ok = truncate(path, bytes) == 0))
        error_set(error, "%s: cannot shorten to the saved state: %s", path, strerror(errno));
    free(path);
    return ok;
}

// The log up to a state, and what the user did after it.
static bool read_events(struct run *run, int64_t next_event, struct event_list *later,
                        struct error *error) {
    char *path = in_run(run, "events.jsonl");
    bool ok = event_read(path, later, error);
    free(path);
    if (!ok)
        return false;
    for (int i = 0; i < later->count && later->items[i].id < next_event; i++)
        event_add(&run->log, &later->items[i]);
    event_keep_user(later, next_event - 1);
    event_keep_own(later, run->branch); // what was done elsewhere is not for this one
    return true;
}

// Appends what a script still had to do when the state was saved, but for what has been done of it
// since then: that stands in `later` already. Takes the script over.
static void add_script(struct event_list *later, struct event_list *script) {
    int done = 0, count = later->count;
    for (int i = 0; i < count && done < script->count; i++)
        done += later->items[i].step == script->items[done].step &&
                strcmp(later->items[i].text, script->items[done].text) == 0;
    for (int i = 0; i < done; i++)
        free(script->items[i].text);
    if (done < script->count) {
        later->count += script->count - done;
        later->items = xrealloc(later->items, (size_t)later->count * sizeof *later->items);
        memcpy(later->items + count, script->items + done,
               (size_t)(later->count - count) * sizeof *later->items);
    }
    free(script->items);
    *script = (struct event_list){0};
}

// The events to do again. Those that only the log has are saved with the state, before the log is
// cut.
static bool collect_events(struct run *run, struct training *t, struct run_marks *marks,
                           struct event_list *later, struct error *error) {
    bool ok = read_events(run, marks->next_event, later, error), logged = later->count > 0;
    add_script(later, &marks->script);
    if (!ok || !logged)
        return ok;
    struct run_marks with_events = *marks;
    with_events.script = *later;
    return save_state(run, t, &with_events, error);
}

bool run_resume(struct run *run, const char *directory, struct training *t,
                struct event_list *later, struct error *error) {
    run_open(run);
    run->directory = xstrdup(directory);
    *later = (struct event_list){0};
    struct run_marks marks = {.next_event = 1};
    if (!read_pointer(run, &run->state, error) || !open_logs(run, error))
        return false;
    char *path = state_directory(run, run->state);
    bool ok = (run->state == 0 || run_state_read(path, run, t, &marks, error)) &&
              collect_events(run, t, &marks, later, error) &&
              cut_log(run, "metrics.jsonl", marks.metrics_bytes, error) &&
              cut_log(run, "events.jsonl", marks.events_bytes, error);
    event_list_close(&marks.script);
    run->last_event = marks.last_event;
    run->next_event = marks.next_event;
    if (ok)
        drop_state(run, run->state - 1); // left by a crash
    free(path);
    return ok;
}

bool run_finished(const char *directory) {
    char *path = files_join(directory, "last.safetensors");
    bool finished = files_exist(path);
    free(path);
    return finished;
}

char *run_fingerprint(void) {
    return xprintf("thaw %s, compiler %s, kernels %s, %s", THAW_VERSION, __VERSION__,
                   kernels()->isa, blas_description());
}
