// thaw open, and thaw alone: the workbench.
#include "base/files.h"
#include "base/text.h"
#include "models/experiments.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include "ui/cli/screen_options.h"
#include "ui/cli/workbench_open.h"
#include "ui/timing.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command_line {
    struct open_request open;
    struct app_options screen;
};

static const struct option long_options[] = {
    {"out", required_argument, NULL, 'o'},
    {"set", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},
    {"paused", no_argument, NULL, 'p'},
    {"budget", required_argument, NULL, 'b'},
    {"speed", required_argument, NULL, 'v'},
    SCREEN_OPTIONS,
    {0},
};

static int parse_speed(const char *text, double *speed) {
    int64_t number = 0;
    if (strcmp(text, "max") != 0 && (!text_to_int(text, &number) || number < 1))
        return cli_usage(&cli_open, "--speed %s: give steps a second, from 1 on, or max", text);
    *speed = (double)number;
    return 0;
}

static int parse_option(void *request, int option) {
    struct command_line *c = request;
    switch (option) {
    case 'o':
        c->open.out = optarg;
        return 0;
    case 's':
        return cli_add_set(&cli_open, &c->open.sets, optarg);
    case 't':
        return cli_threads(&cli_open, optarg, &c->open.threads);
    case 'p':
        c->open.paused = true;
        return 0;
    case 'v':
        return parse_speed(optarg, &c->open.speed);
    case 'b':
        if (!timing_parse(optarg, &c->open.budget))
            return cli_usage(&cli_open, TIMING_USAGE, optarg);
        return 0;
    default:
        if (screen_option(&c->screen, option))
            return 0;
        return CLI_UNKNOWN;
    }
}

static int parse(struct command_line *c, int argc, char **argv) {
    int code = cli_options(&cli_open, argc, argv, long_options, parse_option, c);
    if (code == 0 && argc - optind > 1)
        code = cli_usage(&cli_open, "one experiment or run at a time, not %d", argc - optind);
    c->open.subject = optind < argc ? argv[optind] : NULL;
    return code;
}

bool cli_open_means(const char *name) {
    const char *dot = strrchr(name, '.');
    return built_in_experiment_find(name) || opening_is_run(name) || files_exist(name) ||
           (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

// The last words, on the screen of before.
static int tell(const struct opening *o, const struct snapshot *s, const struct app_result *r) {
    if (s->state == SESSION_FAILED)
        return cli_fail(&s->error);
    if (s->state == SESSION_FINISHED && o->directory)
        printf("done; the weights are in %s\n", o->directory);
    else if (s->step > 0 && o->directory)
        printf(r->discard ? "left at step %" PRId64 "; what was saved before is in %s\n"
                          : "stopped after step %" PRId64 "; go on with: thaw %s\n",
               s->step, o->directory);
    return r->interrupted ? 130 : 0;
}

// One workbench from start to end; *next: the run to open after it.
static int open_one(const struct command_line *c, char **next) {
    struct opening o;
    struct error error;
    struct app_result result = {0};
    bool ok = opening_read(&o, &c->open, &error);
    struct app_source source = {o.experiment.name, opening_start, &o};
    ok = ok && app_run(&c->screen, &source, &result, &error);
    if (result.loading)
        _exit(result.interrupted ? 130 : 0); // nothing is written yet, and nobody waits for it
    *next = result.next;
    struct snapshot last = {0};
    if (result.session) {
        result.session->look(result.session, &last);
        result.session->close(result.session);
    }
    int code = ok ? tell(&o, &last, &result) : cli_fail(&error);
    opening_close(&o, last.step == 0);
    return code;
}

static int open_main(int argc, char **argv) {
    struct command_line c = {.screen = screen_options(), .open.speed = -1};
    char *next = NULL;
    int code = parse(&c, argc, argv);
    if (code == 0)
        code = open_one(&c, &next);
    while (code == 0 && next) {
        char *subject = next;
        struct command_line again = c;
        again.open =
            (struct open_request){.subject = subject, .threads = c.open.threads, .speed = -1};
        code = open_one(&again, &next);
        free(subject);
    }
    free(next);
    return code;
}

const struct subcommand cli_open = {
    .name = "open",
    .usage = "[open] [EXPERIMENT | RUN] [--paused] [--set KEY=VALUE]... [--out DIR] [--threads N] "
             "[--budget 60s] [--speed STEPS] " SCREEN_USAGE,
    .help = "the workbench: on an experiment, a run, or the demonstration",
    .run = open_main,
};
