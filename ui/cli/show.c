// thaw show: the layer tree of a model with what freezing some of it saves, or a file of weights.
#include "ui/cli/show.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "checkpoint/weight_file.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct option long_options[] = {
    {"weights", required_argument, NULL, 'w'}, {"freeze", required_argument, NULL, 'f'},
    {"thaw", required_argument, NULL, 't'},    {"bn", required_argument, NULL, 'b'},
    {"batch", required_argument, NULL, 'n'},   {"classes", required_argument, NULL, 'c'},
    {"input", required_argument, NULL, 'i'},   {"params", no_argument, NULL, 'p'},
    {"json", no_argument, NULL, 'j'},          {0},
};

// "1x28x28": channels, height, width.
static int parse_input(const char *text, struct shape *input) {
    enum { SIDE_MOST = 1 << 14 };
    int *sizes[] = {&input->c, &input->h, &input->w};
    char *copy = xstrdup(text), *rest = copy;
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        int64_t number = 0;
        char *part = strsep(&rest, "x");
        ok = ok && part && text_to_int(part, &number) && number >= 1 && number <= SIDE_MOST;
        *sizes[i] = (int)number;
    }
    ok = ok && !rest;
    free(copy);
    return ok ? 0
              : cli_usage(&cli_show, "--input %s: give channels, height and width, as in 1x28x28",
                          text);
}

static int parse_bn(const char *name, const char **bn) {
    enum bn_policy policy;
    if (!bn_policy_find(name, &policy))
        return cli_usage(&cli_show, "--bn %s: give frozen, batch or torch", name);
    *bn = name;
    return 0;
}

static int add_rule(struct show_request *r, const char *verb, const char *pattern) {
    if (r->rule_count == SHOW_RULES)
        return cli_usage(&cli_show, "more than %d rules", SHOW_RULES);
    r->rules[r->rule_count++] = xprintf("%s %s", verb, pattern);
    return 0;
}

static int parse_option(void *request, int option) {
    struct show_request *r = request;
    switch (option) {
    case 'w':
        r->weights = optarg;
        return 0;
    case 'f':
        return add_rule(r, "freeze", optarg);
    case 't':
        return add_rule(r, "thaw", optarg);
    case 'b':
        return parse_bn(optarg, &r->bn);
    case 'n':
        return cli_number(&cli_show, "--batch", optarg, 1, 65536, &r->batch);
    case 'c':
        return cli_number(&cli_show, "--classes", optarg, 1, 1000000, &r->classes);
    case 'i':
        return parse_input(optarg, &r->input);
    case 'p':
        r->params = true;
        return 0;
    case 'j':
        r->json = true;
        return 0;
    default:
        return CLI_UNKNOWN;
    }
}

static int parse(struct show_request *r, int argc, char **argv) {
    int code = cli_options(&cli_show, argc, argv, long_options, parse_option, r);
    if (code == 0 && argc - optind != 1)
        code = cli_usage(&cli_show, "which model or file? Give one");
    r->subject = argv[optind];
    return code;
}

// A usual ending, or any other file but an experiment: its content tells. As in model.weights,
// files have a / or a dot in their names, so that an architecture's name is one wherever one is.
static bool is_weight_file(const char *name) {
    struct stat info;
    const char *dot = strrchr(name, '.');
    if (weight_file_ending(name))
        return true;
    bool experiment = dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
    return strpbrk(name, "/.") && !experiment && stat(name, &info) == 0 && S_ISREG(info.st_mode);
}

static bool show_model(const struct show_request *r, struct error *error) {
    struct show_subject subject;
    struct show_facts facts;
    if (!show_subject_open(&subject, r, error))
        return false;
    show_facts_make(&facts, &subject);
    if (r->json)
        show_json_print(&subject, &facts, r->params);
    else
        show_tree_print(&subject, &facts, r->params);
    show_facts_close(&facts);
    show_subject_close(&subject);
    return true;
}

static bool show(const struct show_request *r, struct error *error) {
    bool file = is_weight_file(r->subject);
    if (file &&
        (r->weights || r->bn || r->rule_count || r->batch || r->classes || r->input.c || r->params))
        return error_set(error, "%s is a file of weights: only --json goes with it", r->subject);
    bool ok = file ? show_file_print(r->subject, r->json, error) : show_model(r, error);
    if (ok && (fflush(stdout) != 0 || ferror(stdout)))
        return error_run(error, "cannot write to the standard output: %s", strerror(errno));
    return ok;
}

static int show_main(int argc, char **argv) {
    struct show_request request = {0};
    struct error error;
    int code = parse(&request, argc, argv);
    if (code == 0 && !show(&request, &error))
        code = cli_fail(&error);
    for (int i = 0; i < request.rule_count; i++)
        free(request.rules[i]);
    return code;
}

const struct subcommand cli_show = {
    .name = "show",
    .usage =
        "show MODEL | EXPERIMENT.yaml | RUN | WEIGHTS.safetensors|.pt|... [--weights FILE|NAME] "
        "[--freeze PATTERN]... [--thaw PATTERN]... [--bn frozen|batch|torch] [--batch N] "
        "[--classes N] [--input CxHxW] [--params] [--json]",
    .help = "the layer tree as a table, and what freezing some of it saves",
    .run = show_main,
};
