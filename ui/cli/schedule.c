// thaw schedule: what an experiment's strategy means, or what was done in a run, as keys of an
// experiment to edit and run.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "experiment/experiment.h"
#include "session/event.h"
#include "training/settings.h"
#include "ui/cli/cli.h"
#include "ui/cli/workbench_open.h"
#include "ui/setup.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct schedule_request {
    struct open_request open; // subject and sets
    int branch;               // of a run; -1: the newest
};

static const struct option long_options[] = {
    {"set", required_argument, NULL, 's'},
    {"branch", required_argument, NULL, 'b'},
    {0},
};

static int parse_option(void *request, int option) {
    struct schedule_request *r = request;
    int64_t branch;
    switch (option) {
    case 's':
        return cli_add_set(&cli_schedule, &r->open.sets, optarg);
    case 'b':
        if (!text_to_int(optarg, &branch) || branch < 0 || branch > INT_MAX)
            return cli_usage(&cli_schedule, "--branch %s: give a branch's number, from 0 on",
                             optarg);
        r->branch = (int)branch;
        return 0;
    default:
        return CLI_UNKNOWN;
    }
}

static int parse(struct schedule_request *r, int argc, char **argv) {
    *r = (struct schedule_request){.branch = -1};
    int code = cli_options(&cli_schedule, argc, argv, long_options, parse_option, r);
    if (code == 0 && argc - optind != 1)
        code = cli_usage(&cli_schedule, "give an experiment or a run");
    r->open.subject = argv[optind];
    return code;
}

static bool is_change(const struct event *e) {
    return strcmp(e->who, "thaw") != 0 && strcmp(e->text, "rewind") != 0;
}

static void keep_only(struct event_list *list, const bool *keep) {
    int kept = 0;
    for (int i = 0; i < list->count; i++)
        if (keep[i])
            list->items[kept++] = list->items[i];
        else
            free(list->items[i].text);
    list->count = kept;
}

// Leaves changes that were not taken back. As the trainer has it, undo and redo move among settings
// and pass over what cannot be undone.
static void keep_changes(struct event_list *list) {
    bool *keep = xcalloc((size_t)list->count + 1, sizeof *keep);
    int *settings = xcalloc((size_t)list->count + 1, sizeof *settings), count = 0, at = 0;
    for (int i = 0; i < list->count; i++) {
        const struct event *e = &list->items[i];
        if (!is_change(e))
            continue;
        if (strcmp(e->text, "undo") == 0) {
            at -= at > 0;
            keep[settings[at]] = false;
        } else if (strcmp(e->text, "redo") == 0) {
            at += at < count;
            keep[settings[at - 1]] = true;
        } else {
            keep[i] = true;
            if (!settings_is_act(e->text)) {
                settings[at++] = i;
                count = at;
            }
        }
    }
    keep_only(list, keep);
    free(keep);
    free(settings);
}

// A phase for every step at which something was done.
static bool add_phases(struct experiment *e, const struct event_list *list, struct error *error) {
    struct text_list *phases = &e->schedule.phases;
    struct text phase = {0};
    for (int i = 0; i < phases->count; i++)
        free(phases->item[i]);
    phases->count = 0;
    for (int i = 0; i < list->count; i++) {
        const struct event *event = &list->items[i];
        bool last = i == list->count - 1 || list->items[i + 1].step != event->step;
        if (phases->count == EXPERIMENT_LIST_MAX)
            return error_set(error,
                             "something was done at more than %d steps, which is more than "
                             "schedule.phases can hold; use thaw run --events",
                             EXPERIMENT_LIST_MAX);
        if (phase.length)
            text_add(&phase, "; %s", event->text);
        else if (event->step == 0)
            text_add(&phase, "start -> %s", event->text);
        else
            text_add(&phase, "step %" PRId64 " -> %s", event->step, event->text);
        if (!last)
            continue;
        phases->item[phases->count++] = xstrdup(phase.data);
        text_free(&phase);
    }
    return true;
}

static bool read_events(struct experiment *e, const struct schedule_request *r,
                        struct error *error) {
    struct event_list list = {0};
    char *path = files_join(r->open.subject, "events.jsonl");
    bool ok = event_read(path, &list, error);
    if (ok && list.count > 0) {
        int64_t newest = list.items[list.count - 1].branch;
        ok = event_keep_branch(&list, r->branch < 0 ? (int)newest : r->branch, error) ||
             error_prefix(error, "%s: ", path);
    }
    if (ok)
        keep_changes(&list);
    ok = ok && add_phases(e, &list, error);
    event_list_close(&list);
    free(path);
    return ok;
}

// Sets in the experiment what is asked for.
static bool find_out(struct opening *o, const struct schedule_request *r, struct error *error) {
    struct setup setup;
    if (!opening_read(o, &r->open, error))
        return false;
    if (o->resume)
        return read_events(&o->experiment, r, error);
    if (!setup_open(&setup, &o->experiment, 0, error))
        return false;
    struct training *t = setup_training(&setup, error); // checks the schedule
    training_close(t);
    setup_close(&setup);
    return t != NULL;
}

static int schedule_main(int argc, char **argv) {
    static const char *const prefixes[] = {"freeze.", "optim.layer_decay", "optim.lr_scale",
                                           "schedule.", NULL};
    struct schedule_request request;
    struct opening opening;
    struct error error;
    int code = parse(&request, argc, argv);
    if (code)
        return code;
    if (find_out(&opening, &request, &error)) {
        char *text = experiment_text_changed(&opening.experiment, prefixes);
        fputs(text ? text : "", stdout);
        free(text);
    } else {
        code = cli_fail(&error);
    }
    opening_close(&opening, false);
    return code;
}

const struct subcommand cli_schedule = {
    "schedule", "schedule EXPERIMENT.yaml|RUN [--set KEY=VALUE]... [--branch N]",
    "what a strategy means, or what was done in a run, as keys to edit", schedule_main};
