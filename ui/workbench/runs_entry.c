#include "ui/workbench/runs_entry.h"
#include "base/files.h"
#include "base/xalloc.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BRANCHES_MOST = 1000 };

static const char *const file_names[RUNS_FILES] = {"experiment.yaml", "events.jsonl",
                                                   "metrics.jsonl"};

struct runs_entry runs_entry_open(const char *path) {
    struct runs_entry e = {.path = path ? xstrdup(path) : NULL};
    for (int i = 0; i < RUNS_FILES; i++)
        e.stamps[i].size = -2; // as no file is
    return e;
}

static void close_branches(struct runs_entry *e) {
    for (int i = 0; i < e->branch_count; i++) {
        curves_close(&e->branches[i].curves);
        runs_masks_close(&e->branches[i].masks);
    }
    free(e->branches);
    e->branches = NULL;
    e->branch_count = 0;
}

void runs_entry_close(struct runs_entry *e) {
    close_branches(e);
    free(e->path);
    free(e->unreadable);
    free(e->no_masks);
    if (e->path) // the session's is the scene's
        experiment_close(&e->experiment);
    *e = (struct runs_entry){0};
}

int runs_entry_find(const struct runs_entry *e, int number) {
    for (int i = 0; i < e->branch_count; i++)
        if (e->branches[i].number == number)
            return i;
    return -1;
}

// Made when there is none; by number, so that branch 0 is the first. NULL: there are too many.
static struct runs_branch *branch_of(struct runs_entry *e, int number) {
    int at = runs_entry_find(e, number);
    if (at >= 0)
        return &e->branches[at];
    if (e->branch_count >= BRANCHES_MOST)
        return NULL;
    size_t size = sizeof *e->branches;
    e->branches = xrealloc(e->branches, ((size_t)e->branch_count + 1) * size);
    for (at = e->branch_count++; at > 0 && e->branches[at - 1].number > number; at--)
        e->branches[at] = e->branches[at - 1];
    e->branches[at] = (struct runs_branch){.number = number, .parent = -1, .test = NAN};
    if (e->path)
        e->branches[at].curves =
            (struct curves){.branch = -1,
                            .parent = -1,
                            .name = number ? xprintf("%s/%d", e->path, number) : xstrdup(e->path)};
    return &e->branches[at];
}

// ---- What the files hold

static char *file_path(const struct runs_entry *e, enum runs_file file) {
    return files_join(e->path, file_names[file]);
}

static struct runs_stamp stamp_of(const struct runs_entry *e, enum runs_file file) {
    struct stat info;
    char *path = file_path(e, file);
    bool there = stat(path, &info) == 0;
    free(path);
    if (!there)
        return (struct runs_stamp){.size = -1};
    return (struct runs_stamp){(uint64_t)info.st_dev, (uint64_t)info.st_ino, info.st_size,
                               info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

static bool same_stamp(const struct runs_stamp *a, const struct runs_stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

static void replace(char **text, char *fresh) {
    free(*text);
    *text = fresh;
}

// An error without the path in front: the row has it already.
static char *without_path(const struct runs_entry *e, const struct error *error) {
    size_t n = strlen(e->path);
    bool begins = strncmp(error->text, e->path, n) == 0 && error->text[n] == '/';
    return xstrdup(error->text + (begins ? n + 1 : 0));
}

// Everything anew, but what is shown.
static void read_experiment(struct runs_entry *e) {
    struct error error;
    char *path = file_path(e, RUNS_EXPERIMENT);
    experiment_close(&e->experiment);
    e->experiment = (struct experiment){0};
    e->model = NULL;
    if (!files_exist(path))
        replace(&e->unreadable, xstrdup("there is no experiment.yaml"));
    else
        replace(&e->unreadable,
                experiment_read(&e->experiment, path, &error) ? NULL : without_path(e, &error));
    free(path);
}

static bool read_masks(struct runs_entry *e, const struct event_list *events,
                       struct runs_models *models, const struct scene *s, struct error *error) {
    e->model = runs_model(models, s, &e->experiment, &e->exact, error);
    bool ok = e->model != NULL;
    for (int i = 0; ok && i < e->branch_count; i++)
        ok = runs_masks_of_branch(&e->branches[i].masks, e->model, &e->experiment, events,
                                  e->branches[i].number, error);
    return ok;
}

static void add_branches(struct runs_entry *e, const struct event_list *events) {
    branch_of(e, 0);
    for (int i = 0; i < events->count; i++)
        branch_of(e, (int)events->items[i].branch);
    for (int i = 0; i < e->branch_count; i++) {
        struct runs_branch *b = &e->branches[i];
        b->forked = event_fork(events, b->number, &b->parent);
        b->curves.forked = b->forked;
        runs_masks_close(&b->masks);
    }
}

static void read_events(struct runs_entry *e, struct runs_models *models, const struct scene *s) {
    struct event_list events = {0};
    struct error error;
    char *path = file_path(e, RUNS_EVENTS);
    bool ok = event_read(path, &events, &error);
    add_branches(e, &events);
    ok = ok && read_masks(e, &events, models, s, &error);
    replace(&e->no_masks, ok ? NULL : without_path(e, &error));
    event_list_close(&events);
    free(path);
}

bool runs_entry_look(struct runs_entry *e, struct runs_models *models, const struct scene *s) {
    bool changed[RUNS_FILES];
    for (int i = 0; i < RUNS_FILES; i++) {
        struct runs_stamp now = stamp_of(e, i);
        changed[i] = !same_stamp(&now, &e->stamps[i]);
        e->stamps[i] = now;
    }
    if (changed[RUNS_EXPERIMENT])
        read_experiment(e);
    if (!e->unreadable && (changed[RUNS_EXPERIMENT] || changed[RUNS_EVENTS]))
        read_events(e, models, s);
    e->unread |= !e->unreadable && changed[RUNS_METRICS];
    return changed[RUNS_EXPERIMENT] || changed[RUNS_EVENTS] || changed[RUNS_METRICS];
}

static void add_record(void *context, const struct record *r) {
    struct runs_entry *e = context;
    struct runs_branch *b = branch_of(e, r->branch);
    if (!b)
        return;
    curves_add(&b->curves, r);
    if (r->kind == RECORD_TEST)
        b->test = tally_accuracy(&r->test);
    if (r->kind == RECORD_EPOCH && r->epoch > 0 && e->epoch_steps == 0)
        e->epoch_steps = r->step / r->epoch;
}

static void forget_metrics(struct runs_entry *e) {
    for (int i = 0; i < e->branch_count; i++) {
        struct curves *c = &e->branches[i].curves, empty = *c;
        empty = (struct curves){.name = xstrdup(c->name), .branch = -1, .parent = -1};
        empty.forked = c->forked;
        curves_close(c);
        *c = empty;
        e->branches[i].test = NAN;
    }
    e->epoch_steps = 0;
}

void runs_entry_read(struct runs_entry *e) {
    bool anew;
    char *path = file_path(e, RUNS_METRICS);
    e->unread = metrics_follow(&e->place, path, add_record, e, &anew);
    if (anew)
        forget_metrics(e);
    free(path);
}

// ---- The session

static struct event_list path_of(const struct scene *s, int branch) {
    struct event_list list = {0};
    for (int i = 0; i < s->mark_count; i++) {
        const struct event_mark *m = &s->marks[i];
        struct event event = {.id = i + 1, .step = m->step, .text = m->text};
        memcpy(event.who, m->who, sizeof event.who);
        if (scene_leads_to(s, m->branch, m->step, branch))
            event_add(&list, &event);
    }
    return list;
}

static void take_branches(struct runs_entry *e, const struct scene *s) {
    close_branches(e);
    branch_of(e, 0);
    for (int i = 0; i < s->curve_count; i++) {
        const struct curves *c = &s->curves[i];
        struct runs_branch *b = c->branch >= 0 ? branch_of(e, c->branch) : NULL;
        if (!b)
            continue;
        b->parent = c->parent;
        b->forked = c->parent >= 0 ? c->forked : 0;
    }
}

void runs_entry_take(struct runs_entry *e, const struct scene *s) {
    struct error error;
    take_branches(e, s);
    e->experiment = *s->experiment;
    e->model = s->model;
    e->exact = true;
    replace(&e->no_masks, NULL);
    for (int i = 0; i < e->branch_count; i++) {
        struct event_list path = path_of(s, e->branches[i].number);
        e->branches[i].shown = true;
        if (!runs_masks_read(&e->branches[i].masks, s->model, s->experiment, &path, &error))
            replace(&e->no_masks, xstrdup(error.text));
        event_list_close(&path);
    }
}
