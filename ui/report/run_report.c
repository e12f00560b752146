#include "ui/report/run_report.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "run/run.h"
#include "ui/network.h"
#include "ui/report/metrics.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, SIDE = 224 }; // of a network that is built for its names alone
enum { BRANCHES_MOST = 1000 };

static char *in_run(const struct run_report *r, const char *name) {
    return files_join(r->path, name);
}

static bool read_experiment(struct run_report *r, struct error *error) {
    char *path = in_run(r, "experiment.yaml");
    bool ok = files_exist(path);
    if (ok)
        ok = experiment_read(&r->experiment, path, error);
    else
        error_set(error, "%s is not the directory of a run: it holds no experiment.yaml", r->path);
    free(path);
    return ok;
}

// ---- Branches

static void add_branch(struct run_report *r, int number) {
    for (int i = 0; i < r->branch_count; i++)
        if (r->branches[i].number == number)
            return;
    if (r->branch_count == BRANCHES_MOST)
        return;
    r->branches = xrealloc(r->branches, ((size_t)r->branch_count + 1) * sizeof *r->branches);
    struct run_branch *b = &r->branches[r->branch_count++];
    *b = (struct run_branch){.number = number,
                             .best = NAN,
                             .last = NAN,
                             .test = NAN,
                             .source_before = NAN,
                             .source = NAN};
    b->name = number ? xprintf("%s/%d", r->path, number) : xstrdup(r->path);
}

// By number: a later branch begins later.
static void add_branches(struct run_report *r, const struct event_list *events) {
    add_branch(r, 0);
    for (int i = 0; i < events->count; i++)
        add_branch(r, (int)events->items[i].branch);
}

static void read_masks(struct run_report *r, const struct event_list *events) {
    struct shape input = {0};
    struct error error;
    if (*r->experiment.model.file)
        input = (struct shape){SIDE, SIDE, 3};
    r->model = network_build(&r->experiment, input, CLASSES, 0, &error);
    bool ok = r->model != NULL;
    for (int i = 0; ok && i < r->branch_count; i++)
        ok = runs_masks_of_branch(&r->branches[i].masks, r->model, &r->experiment, events,
                                  r->branches[i].number, &error);
    if (!ok)
        r->no_masks = xstrdup(error.text);
}

static bool is_end(const struct event *e) {
    return strcmp(e->who, "thaw") == 0 && strncmp(e->text, "diverged", 8) == 0;
}

// ---- Metrics

struct reading {
    struct run_report *report;
    const struct event_list *events;
};

static void take(struct run_branch *b, const struct record *r) {
    curves_add(&b->curves, r);
    b->steps = r->step > b->steps ? r->step : b->steps;
    if (r->kind == RECORD_TEST)
        b->test = tally_accuracy(&r->test);
    if (r->source.samples > 0)
        b->source = tally_accuracy(&r->source);
    if (r->source_before.samples > 0)
        b->source_before = tally_accuracy(&r->source_before);
    if (r->kind != RECORD_EPOCH)
        return;
    b->epochs = r->epoch;
    b->seconds += isfinite(r->seconds) ? r->seconds : 0;
    b->thawed = r->thawed > b->thawed ? r->thawed : b->thawed;
    b->parameters = r->parameters;
    if (r->validation.samples > 0) {
        b->last = tally_accuracy(&r->validation);
        b->best = fmax(b->best, b->last); // of a number and NAN: the number
    }
}

// A record counts for each branch whose path comes by; a test only where it was done.
static void add_record(void *context, const struct record *r) {
    const struct reading *reading = context;
    struct run_report *report = reading->report;
    for (int i = 0; i < report->branch_count; i++) {
        struct run_branch *b = &report->branches[i];
        bool own = r->branch == b->number;
        if (own || (r->kind != RECORD_TEST &&
                    event_leads_to(reading->events, r->branch, r->step, b->number, INT64_MAX)))
            take(b, r);
    }
}

static bool read_metrics(struct run_report *r, const struct event_list *events,
                         struct error *error) {
    struct reading reading = {r, events};
    char *path = in_run(r, "metrics.jsonl");
    bool ok = !files_exist(path) || metrics_read(path, add_record, &reading, error);
    free(path);
    return ok;
}

static bool read_logs(struct run_report *r, struct error *error) {
    struct event_list events = {0};
    char *path = in_run(r, "events.jsonl");
    bool ok = !files_exist(path) || event_read(path, &events, error);
    free(path);
    if (ok) {
        add_branches(r, &events);
        read_masks(r, &events);
        r->diverged = events.count > 0 && is_end(&events.items[events.count - 1]);
        ok = read_metrics(r, &events, error);
    }
    event_list_close(&events);
    return ok;
}

bool run_report_read(struct run_report *r, const char *path, struct error *error) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') // as the shell completes it
        length--;
    *r = (struct run_report){.path = xstrndup(path, length)};
    r->finished = run_finished(path);
    return read_experiment(r, error) && read_logs(r, error);
}

void run_report_close(struct run_report *r) {
    for (int i = 0; i < r->branch_count; i++) {
        curves_close(&r->branches[i].curves);
        runs_masks_close(&r->branches[i].masks);
        free(r->branches[i].name);
    }
    free(r->branches);
    if (r->model)
        model_close(r->model);
    experiment_close(&r->experiment);
    free(r->no_masks);
    free(r->path);
    *r = (struct run_report){0};
}

// "thaw a, thaw b" as "a, b"; with a freeze among them as they are.
static void add_rules(struct text *t, const struct text_list *rules) {
    bool thaw_only = true;
    for (int i = 0; i < rules->count; i++)
        thaw_only &= strncmp(rules->item[i], "thaw ", 5) == 0;
    for (int i = 0; i < rules->count; i++)
        text_add(t, "%s%s", i ? ", " : "", rules->item[i] + (thaw_only ? 5 : 0));
    if (rules->count == 0)
        text_add(t, "nothing");
}

char *run_report_thawed(const struct run_report *r, const struct run_branch *b) {
    struct text t = {0};
    add_rules(&t, &r->experiment.freeze.rules);
    for (int i = 0; i < b->masks.count; i++)
        if (b->masks.items[i].text)
            text_add(&t, "; at %" PRId64 " %s", b->masks.items[i].step, b->masks.items[i].text);
    return t.data;
}
