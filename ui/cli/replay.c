// thaw replay: the workbench over a run that is over.
#include "session/replay.h"
#include "base/files.h"
#include "base/text.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include "ui/cli/screen_options.h"
#include "ui/setup.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct replaying {
    const char *run;
    int64_t branch, speed; // -1: of the last event; 0: as replay_open chooses
    bool paused;
    struct app_options screen;
    struct experiment experiment;
    struct setup setup;
    char title[256];
};

static const struct option long_options[] = {
    {"branch", required_argument, NULL, 'b'},
    {"speed", required_argument, NULL, 's'},
    {"paused", no_argument, NULL, 'p'},
    SCREEN_OPTIONS,
    {0},
};

static int parse_number(const char *name, int64_t least, int64_t *number) {
    if (text_to_int(optarg, number) && *number >= least && *number <= INT_MAX)
        return 0;
    return cli_usage(&cli_replay, "--%s %s: give a number from %d on", name, optarg, (int)least);
}

static int parse_option(void *request, int option) {
    struct replaying *r = request;
    switch (option) {
    case 'b':
        return parse_number("branch", 0, &r->branch);
    case 's':
        return parse_number("speed", 1, &r->speed);
    case 'p':
        r->paused = true;
        return 0;
    default:
        if (screen_option(&r->screen, option))
            return 0;
        return CLI_UNKNOWN;
    }
}

static int parse(struct replaying *r, int argc, char **argv) {
    int code = cli_options(&cli_replay, argc, argv, long_options, parse_option, r);
    if (code == 0 && argc - optind != 1)
        code = cli_usage(&cli_replay, "which run? give its directory");
    r->run = argv[optind];
    return code;
}

// The data tell the network's input and classes, and give the pictures.
static bool start(void *context, struct app_session *out, struct error *error) {
    struct replaying *r = context;
    if (!setup_open(&r->setup, &r->experiment, 0, error))
        return false;
    struct session *session =
        replay_open(r->run, (int)r->branch, r->setup.model, &r->experiment, error);
    if (!session)
        return false;
    if (r->speed)
        session->send(session, &(struct command){.kind = COMMAND_SPEED, .count = r->speed});
    if (!r->paused)
        session->send(session, &(struct command){.kind = COMMAND_RUN});
    *out = (struct app_session){
        .session = session,
        .experiment = &r->experiment,
        .model = r->setup.model,
        .validation = r->setup.data.validation,
        .pool = r->setup.pool,
        .directory = r->run,
        .note = "a replay: [ ] and Enter go to any point, :speed 20 plays 20 steps a second",
        .replay = true,
    };
    return true;
}

static bool read_run(struct replaying *r, struct error *error) {
    char *path = files_join(r->run, "experiment.yaml");
    bool ok = files_exist(path);
    if (ok)
        ok = experiment_read(&r->experiment, path, error);
    else
        error_set(error, "%s is not the directory of a run: it holds no experiment.yaml", r->run);
    free(path);
    if (ok)
        snprintf(r->title, sizeof r->title, "%s, a replay", r->experiment.name);
    return ok;
}

// The app's part, from the first frame to the last.
static int show(struct replaying *r, char **next) {
    struct error error;
    struct app_result result = {0};
    struct app_source source = {r->title, start, r};
    bool ok = app_run(&r->screen, &source, &result, &error);
    if (result.loading)
        _exit(result.interrupted ? 130 : 0); // nobody waits for it
    if (result.session)
        result.session->close(result.session);
    *next = result.next;
    return !ok ? cli_fail(&error) : result.interrupted ? 130 : 0;
}

static int replay_main(int argc, char **argv) {
    struct replaying r = {.branch = -1, .screen = screen_options()};
    struct error error;
    char *next = NULL;
    int code = parse(&r, argc, argv);
    if (code != 0)
        return code;
    code = read_run(&r, &error) ? show(&r, &next) : cli_fail(&error);
    setup_close(&r.setup);
    experiment_close(&r.experiment);
    if (next && code == 0)
        code = cli_open.run(2, (char *[]){argv[0], next, NULL});
    free(next);
    return code;
}

const struct subcommand cli_replay = {
    .name = "replay",
    .usage = "replay RUN [--branch N] [--speed STEPS] [--paused] " SCREEN_USAGE,
    .help = "the workbench over a finished run",
    .run = replay_main,
};
