// thaw lr-find: the learning-rate range test.
#include "strategy/lr_find.h"
#include "ui/cli/chart_output.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include "ui/cli/workbench_open.h"
#include "ui/lr_find_report.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RATE_MOST = 1000;

struct request {
    struct open_request open; // subject, sets and threads
    struct lr_find_options options;
    struct chart_output output;
    bool json;
};

static const struct option long_options[] = {
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 'o'},
    {"steps", required_argument, NULL, 'n'},
    {"set", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},
    {"json", no_argument, NULL, 'j'},
    CHART_OPTIONS,
    {0},
};

static int parse_rate(const char *name, double *out) {
    if (text_to_real(optarg, out) && *out > 0 && *out <= RATE_MOST)
        return 0;
    return cli_usage(&cli_lr_find, "%s %s: give a rate above 0, at most %g", name, optarg,
                     RATE_MOST);
}

static int parse_option(void *request, int option) {
    struct request *r = request;
    switch (option) {
    case 'f':
        return parse_rate("--from", &r->options.from);
    case 'o':
        return parse_rate("--to", &r->options.to);
    case 'n':
        return cli_number(&cli_lr_find, "--steps", optarg, LR_FIND_STEPS_LEAST, LR_FIND_STEPS_MOST,
                          &r->options.steps);
    case 't':
        return cli_threads(&cli_lr_find, optarg, &r->open.threads);
    case 's':
        return cli_add_set(&cli_lr_find, &r->open.sets, optarg);
    case 'j':
        r->json = true;
        return 0;
    default:
        if (chart_option(&r->output, option, optarg))
            return 0;
        return CLI_UNKNOWN;
    }
}

static int parse(struct request *r, int argc, char **argv) {
    int code = cli_options(&cli_lr_find, argc, argv, long_options, parse_option, r);
    if (code != 0)
        return code;
    if (argc - optind != 1)
        return cli_usage(&cli_lr_find, "which experiment? Give one");
    if (r->options.from >= r->options.to)
        return cli_usage(&cli_lr_find, "--from %g is not below --to %g", r->options.from,
                         r->options.to);
    r->open.subject = argv[optind];
    return 0;
}

// ---- Telling

static json_t *real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static void print_json(const struct lr_find *f) {
    json_t *steps = json_array();
    for (int i = 0; i < f->count; i++)
        json_array_append_new(steps, json_pack("{s:f, s:o, s:o}", "lr", f->lr[i], "loss",
                                               real(f->loss[i]), "smoothed", real(f->smoothed[i])));
    json_t *whole =
        json_pack("{s:o, s:o, s:b, s:o}", "steepest", real(f->steepest), "tenth_of_minimum",
                  real(f->tenth), "ended_early", f->ended_early, "steps", steps);
    json_dumpf(whole, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', stdout);
    json_decref(whole);
}

static void print_words(const struct lr_find *f) {
    struct lr_find_choice choices[LR_FIND_CHOICES];
    struct text remarks = {0};
    int count = lr_find_choices(f, choices);
    for (int i = 0; i < count; i++)
        printf("optim.lr %s  %s\n", choices[i].text, choices[i].why);
    lr_find_say(f, &remarks);
    printf("%s", remarks.data ? remarks.data : "");
    text_free(&remarks);
}

static bool draw(const struct request *r, const struct lr_find *f, struct error *error) {
    struct lr_find_chart c;
    lr_find_chart_open(&c, f);
    bool ok = chart_output_save(&r->output, &c.chart, 1, error);
    if (ok && !r->json)
        chart_output_print(&r->output, &c.chart, 1);
    lr_find_chart_close(&c);
    return ok;
}

static bool find(const struct request *r, struct experiment *e, struct error *error) {
    struct setup setup;
    struct lr_find f = {0};
    if (!setup_open(&setup, e, r->open.threads, error))
        return false;
    struct training *t = setup_training(&setup, error);
    bool ok = t && lr_find(t, &r->options, &f, error);
    if (ok && r->json)
        print_json(&f);
    else if (ok)
        print_words(&f);
    ok = ok && (f.count == 0 || draw(r, &f, error));
    lr_find_close(&f);
    training_close(t);
    setup_close(&setup);
    return ok;
}

static int lr_find_main(int argc, char **argv) {
    struct request r = {
        .options = {.from = LR_FIND_FROM, .to = LR_FIND_TO, .steps = LR_FIND_STEPS}};
    struct opening o = {0};
    struct error error;
    int code = parse(&r, argc, argv);
    if (code != 0)
        return code;
    bool ok = !opening_is_run(r.open.subject) ||
              error_set(&error, "%s is a run; give an experiment", r.open.subject);
    ok = ok && opening_read(&o, &r.open, &error) && find(&r, &o.experiment, &error);
    opening_close(&o, true);
    return ok ? 0 : cli_fail(&error);
}

const struct subcommand cli_lr_find = {
    .name = "lr-find",
    .usage = "lr-find EXPERIMENT.yaml [--from RATE] [--to RATE] [--steps N] [--set KEY=VALUE]... "
             "[--threads N] [--json] " CHART_USAGE,
    .help = "from which to which learning rate it trains",
    .run = lr_find_main,
};
