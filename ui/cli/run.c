// thaw run: fine-tunes headless.
#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "session/trainer.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include "ui/cli/printer.h"
#include "ui/cli/profile.h"
#include "ui/timing.h"
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROFILE_EPOCHS = 100000 }; // as train.epochs allows

struct run_request {
    const char *experiment, *out, *resume, *events, *features;
    struct cli_sets sets;
    int threads;
    int branch;    // of `events`; -1: the newest
    double budget; // seconds; 0: as many epochs as the experiment says
    bool profile;
    enum printer_style style;
};

// The first interruption asks for a stop after the step; the second one ends the process at once.
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal) {
    (void)signal;
    if (interrupted++)
        _exit(130);
}

static void catch_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static const struct option long_options[] = {
    {"out", required_argument, NULL, 'o'},      {"set", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},  {"resume", required_argument, NULL, 'r'},
    {"events", required_argument, NULL, 'e'},   {"branch", required_argument, NULL, 'b'},
    {"features", required_argument, NULL, 'f'}, {"budget", required_argument, NULL, 'u'},
    {"quiet", no_argument, NULL, 'q'},          {"json", no_argument, NULL, 'j'},
    {"profile", no_argument, NULL, 'p'},        {0},
};

static int parse_option(void *request, int option) {
    struct run_request *r = request;
    int64_t number = 0;
    switch (option) {
    case 'o':
        r->out = optarg;
        return 0;
    case 'r':
        r->resume = optarg;
        return 0;
    case 'f':
        r->features = optarg;
        return 0;
    case 'e':
        r->events = optarg;
        return 0;
    case 'b':
        if (!text_to_int(optarg, &number) || number < 0 || number > INT_MAX)
            return cli_usage(&cli_run, "--branch %s: give a branch's number, from 0 on", optarg);
        r->branch = (int)number;
        return 0;
    case 'u':
        if (!timing_parse(optarg, &r->budget))
            return cli_usage(&cli_run, TIMING_USAGE, optarg);
        return 0;
    case 'q':
        r->style = PRINT_NOTHING;
        return 0;
    case 'j':
        r->style = PRINT_JSON;
        return 0;
    case 'p':
        r->profile = true;
        return 0;
    case 's':
        return cli_add_set(&cli_run, &r->sets, optarg);
    case 't':
        return cli_threads(&cli_run, optarg, &r->threads);
    default:
        return CLI_UNKNOWN;
    }
}

static int parse(struct run_request *r, int argc, char **argv) {
    int code = cli_options(&cli_run, argc, argv, long_options, parse_option, r);
    if (code != 0)
        return code;
    if (argc - optind > 1)
        return cli_usage(&cli_run, "one experiment at a time, not %d", argc - optind);
    r->experiment = optind < argc ? argv[optind] : NULL;
    if (!r->experiment && !r->resume && !r->events)
        return cli_usage(&cli_run, "which experiment?");
    if (r->branch >= 0 && !r->events)
        return cli_usage(&cli_run, "--branch says whose events to do again: it goes with --events");
    if (r->resume && (r->out || r->experiment || r->events || r->sets.count))
        return cli_usage(&cli_run, "--resume takes up a run as it was: it goes with no experiment, "
                                   "--out, --set or --events");
    if (r->budget > 0 && (r->resume || r->events))
        return cli_usage(&cli_run, "--budget sizes a new run: it does not go with --resume or "
                                   "--events");
    if (r->profile && (r->resume || r->events || r->out || r->budget > 0))
        return cli_usage(&cli_run, "--profile times some steps and writes no run: it goes with no "
                                   "--out, --budget, --resume or --events");
    return 0;
}

// The experiment, from the file that was named, or as a run resolved it.
static bool read_experiment(struct experiment *e, const struct run_request *r,
                            struct error *error) {
    const char *run = r->resume ? r->resume : r->events;
    char *path = r->experiment ? xstrdup(r->experiment) : files_join(run, "experiment.yaml");
    bool ok = cli_read_experiment(e, path, error);
    free(path);
    return ok && cli_apply_sets(&r->sets, e, error) && experiment_check(e, error);
}

char *cli_free_directory(const char *name) {
    char *flat = xstrdup(name), *path = NULL;
    for (char *at = flat; *at; at++)
        *at = *at == '/' ? '-' : *at;
    for (int i = 1; !path; i++) {
        path = xprintf("runs/%s-%d", flat, i);
        if (files_exist(path)) {
            free(path);
            path = NULL;
        }
    }
    free(flat);
    return path;
}

// What the user did from the start to the end of a branch: the chosen one, or the newest.
static bool read_script(const struct run_request *r, struct event_list *script,
                        struct error *error) {
    char *path = files_join(r->events, "events.jsonl");
    bool ok = event_read(path, script, error);
    if (ok && script->count > 0) {
        int64_t newest = script->items[script->count - 1].branch;
        ok = event_keep_branch(script, r->branch < 0 ? (int)newest : r->branch, error) ||
             error_prefix(error, "%s: ", path);
        event_keep_user(script, -1);
    }
    free(path);
    return ok;
}

// Nothing thawed now, and nothing that would thaw something later.
static bool check_thawed(const struct training *t, const struct event_list *script,
                         struct error *error) {
    return script->count > 0 || setup_check_thawed(t, error);
}

// A new run's directory is made last, when nothing is wrong with the request.
static bool open_run(struct run *run, struct training *t, const struct run_request *r,
                     struct event_list *script, struct error *error) {
    if (r->resume)
        return run_resume(run, r->resume, t, script, error) && check_thawed(t, script, error);
    if ((r->events && !read_script(r, script, error)) || !check_thawed(t, script, error))
        return false;
    char *directory = r->out ? xstrdup(r->out) : cli_free_directory(t->experiment->name);
    bool ok = run_create(run, directory, t->experiment, error);
    free(directory);
    return ok;
}

// Here nobody can thaw something: a run that paused because nothing is thawed has failed.
static void stuck(const struct snapshot *s, struct error *error) {
    error_set(error,
              "nothing is thawed after step %lld and no later event thaws something, so "
              "the run cannot go on; its state is saved",
              (long long)s->step);
}

static int exit_code(const struct snapshot *s, bool paused) {
    struct error error = s->error;
    if (s->state == SESSION_FINISHED)
        return 0;
    if (s->state == SESSION_STOPPED && !paused)
        return 130;
    if (s->state == SESSION_STOPPED)
        stuck(s, &error);
    return cli_fail(&error);
}

static int follow(struct session *session, struct printer *p, const char *directory) {
    double start = clock_seconds();
    int64_t version = 0;
    bool asked = false, paused = false;
    struct snapshot s;
    do {
        session->wait(session, &version, 100);
        session->look(session, &s);
        paused |= s.state == SESSION_PAUSED && !interrupted;
        if ((interrupted || paused) && !asked)
            asked = session->send(session, &(struct command){.kind = COMMAND_STOP});
        printer_update(p, session);
        if (s.state == SESSION_RUNNING && p->live)
            usleep(33000);
    } while (s.state == SESSION_RUNNING || s.state == SESSION_PAUSED);
    printer_update(p, session);
    printer_end(p, session, directory, clock_seconds() - start);
    return exit_code(&s, paused);
}

static int train(struct setup *setup, struct training *t, const struct run_request *r) {
    struct run run = {0};
    struct trainer_options options = {.features = r->features};
    struct error error;
    catch_interrupts();
    if (!open_run(&run, t, r, &options.script, &error)) {
        run_close(&run);
        event_list_close(&options.script);
        training_close(t);
        return cli_fail(&error);
    }
    char *directory = xstrdup(run.directory);
    struct printer printer = {.out = stdout, .style = r->style};
    printer.live = r->style == PRINT_LINES && isatty(STDOUT_FILENO);
    printer_start(&printer, setup, t, directory);
    struct session *session = trainer_start(t, &run, &options);
    int code = follow(session, &printer, directory);
    session->close(session);
    free(directory);
    return code;
}

// How many epochs: a profile needs room for its steps.
static bool size(struct experiment *e, const struct run_request *r, struct error *error) {
    if (r->profile)
        e->train.epochs = PROFILE_EPOCHS;
    return !(r->budget > 0) || timing_budget(e, r->budget, r->threads, NULL, error);
}

static int run_main(int argc, char **argv) {
    struct run_request request = {.branch = -1};
    int code = parse(&request, argc, argv);
    if (code != 0)
        return code;
    struct experiment e = {0};
    struct setup setup = {0};
    struct training *t = NULL;
    struct error error;
    if (read_experiment(&e, &request, &error) && size(&e, &request, &error) &&
        setup_open(&setup, &e, request.threads, &error))
        t = setup_training(&setup, &error);
    if (!t)
        code = cli_fail(&error);
    else if (request.profile)
        code = profile_training(t, request.style == PRINT_JSON);
    else
        code = train(&setup, t, &request);
    setup_close(&setup);
    experiment_close(&e);
    return code;
}

const struct subcommand cli_run = {
    .name = "run",
    .usage = "run EXPERIMENT.yaml [--out DIR] [--set KEY=VALUE]... [--threads N] "
             "[--budget 60s | --profile] [--quiet | --json] [--events RUN [--branch N]] "
             "[--features DIR] | run --resume RUN",
    .help = "fine-tune headless",
    .run = run_main,
};
