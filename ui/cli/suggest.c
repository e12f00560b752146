// thaw suggest: which blocks to thaw, and why.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include "ui/cli/table.h"
#include "ui/cli/workbench_open.h"
#include "ui/suggest_words.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct suggest_request {
    struct open_request open; // subject, sets and threads
    struct suggest_options options;
    const char *write;
    bool json;
};

static const struct option long_options[] = {
    {"batches", required_argument, NULL, 'b'},
    {"head-epochs", required_argument, NULL, 'h'},
    {"write", required_argument, NULL, 'w'},
    {"set", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},
    {"json", no_argument, NULL, 'j'},
    {0},
};

static int parse_option(void *request, int option) {
    struct suggest_request *r = request;
    switch (option) {
    case 'b':
        return cli_number(&cli_suggest, "--batches", optarg, SUGGEST_BATCHES_LEAST,
                          SUGGEST_BATCHES_MOST, &r->options.batches);
    case 'h':
        return cli_number(&cli_suggest, "--head-epochs", optarg, 0, 100000,
                          &r->options.head_epochs);
    case 't':
        return cli_threads(&cli_suggest, optarg, &r->open.threads);
    case 'w':
        r->write = optarg;
        return 0;
    case 's':
        return cli_add_set(&cli_suggest, &r->open.sets, optarg);
    case 'j':
        r->json = true;
        return 0;
    default:
        return CLI_UNKNOWN;
    }
}

static int parse(struct suggest_request *r, int argc, char **argv) {
    int code = cli_options(&cli_suggest, argc, argv, long_options, parse_option, r);
    if (code == 0 && argc - optind != 1)
        code = cli_usage(&cli_suggest, "which experiment? Give one");
    r->open.subject = argv[optind];
    return code;
}

enum {
    RANK,
    BLOCK,
    COUNT,
    GRADIENT,
    RELATIVE,
    SNR,
    ALIGNMENT,
    FLOPS,
    TIME,
    MEMORY,
    CHOSEN,
    COLUMNS
};

static const struct table_column columns[COLUMNS] = {
    {"rank", true},     {"block", false}, {"weights", true},   {"gradient", true},
    {"relative", true}, {"SNR", true},    {"alignment", true}, {"FLOPs", true},
    {"step", true},     {"memory", true}, {"", false},
};

static void cell(struct table *t, int column, const char *format, double value) {
    char text[32];
    snprintf(text, sizeof text, format, value);
    table_cell(t, column, text);
}

static void add_costs(struct table *t, const struct plan_cost *cost, double spared,
                      double seconds) {
    char text[32];
    table_cell(t, FLOPS, text_si(cost->forward - spared + cost->data + cost->weight, text));
    cell(t, TIME, "%.3g ms", 1e3 * seconds);
    table_cell(t, MEMORY, text_bytes((double)cost->bytes, text));
}

static void add_row(struct table *t, const struct suggestion *s, int row) {
    const struct suggest_row *r = &s->rows[row];
    char text[32];
    table_row(t);
    cell(t, RANK, "%.0f", r->rank);
    table_cell(t, BLOCK, s->parts.items[row].name);
    table_cell(t, COUNT, text_count(s->parts.items[row].parameters, text));
    cell(t, GRADIENT, "%.3g", r->gradient);
    cell(t, RELATIVE, "%.3g", r->relative);
    cell(t, SNR, "%.3g", r->snr);
    cell(t, ALIGNMENT, "%.2f", r->alignment);
    add_costs(t, &r->cost, r->spared, r->seconds);
    table_cell(t, CHOSEN, r->chosen ? "thaw" : "");
}

static void print_table(const struct suggestion *s) {
    struct table t = table_open(columns, COLUMNS);
    for (int rank = 1; rank <= s->parts.count; rank++)
        add_row(&t, s, suggest_ranked(s, rank));
    table_row(&t);
    table_cell(&t, BLOCK, "everything");
    add_costs(&t, &s->full, 0, s->full_seconds);
    table_print(&t, stdout);
    table_close(&t);
}

static void print_people(const struct suggestion *s) {
    struct text text = {0};
    suggest_say_how(s, &text);
    printf("%s\n\n", text.data);
    print_table(s);
    printf("\n");
    for (int rank = 1; rank <= s->parts.count; rank++) {
        int row = suggest_ranked(s, rank);
        text_free(&text);
        suggest_say_reason(s, row, &text);
        printf("%s: %s\n", s->parts.items[row].name, text.data);
    }
    text_free(&text);
    suggest_say_advice(s, &text);
    printf("\nsuggested: %s\n", text.data);
    text_free(&text);
    suggest_patterns(s, -1, "thaw ", ", thaw ", &text);
    printf("freeze:\n  rules: [%s]\n", text.data);
    text_free(&text);
}

static json_t *cost_json(const struct plan_cost *cost, double spared, double seconds) {
    return json_pack("{s:f, s:f, s:f, s:f, s:I, s:f}", "forward_flops", cost->forward,
                     "spared_flops", spared, "data_flops", cost->data, "weight_flops", cost->weight,
                     "bytes", (json_int_t)cost->bytes, "seconds", seconds);
}

static json_t *row_json(const struct suggestion *s, int row) {
    const struct suggest_row *r = &s->rows[row];
    struct text reason = {0}, change = {0};
    suggest_say_reason(s, row, &reason);
    suggest_patterns(s, row, "only ", "; thaw ", &change);
    json_t *json = json_pack(
        "{s:i, s:s, s:I, s:b, s:f, s:f, s:f, s:f, s:b, s:s, s:s, s:o}", "rank", r->rank, "block",
        s->parts.items[row].name, "parameters", (json_int_t)s->parts.items[row].parameters, "head",
        (int)s->parts.items[row].head, "gradient", r->gradient, "relative", r->relative, "snr",
        r->snr, "alignment", r->alignment, "chosen", (int)r->chosen, "reason", reason.data,
        "change", change.data, "step", cost_json(&r->cost, r->spared, r->seconds));
    text_free(&reason);
    text_free(&change);
    return json;
}

static void print_json(const struct suggestion *s) {
    struct text rules = {0};
    json_t *rows = json_array();
    for (int rank = 1; rank <= s->parts.count; rank++)
        json_array_append_new(rows, row_json(s, suggest_ranked(s, rank)));
    suggest_patterns(s, -1, "thaw ", ", thaw ", &rules);
    json_t *json = json_pack(
        "{s:i, s:b, s:b, s:i, s:f, s:f, s:f, s:s, s:o, s:o}", "batches", s->batches, "new_head",
        (int)s->new_head, "untrained", (int)s->untrained, "head_epochs", s->head_epochs, "loss",
        s->loss, "accuracy", s->accuracy, "alignment", s->alignment, "rules", rules.data, "full",
        cost_json(&s->full, 0, s->full_seconds), "blocks", rows);
    json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(json);
    text_free(&rules);
}

// The experiment with the suggested rules.
static bool write_experiment(struct experiment *e, const struct suggestion *s, const char *path,
                             struct error *error) {
    struct text rules = {0};
    suggest_patterns(s, -1, "freeze.rules=[thaw ", ", thaw ", &rules);
    text_add(&rules, "]");
    bool ok = experiment_set(e, rules.data, error);
    char *text = experiment_text(e);
    ok = ok && files_write(path, text, strlen(text), error);
    free(text);
    text_free(&rules);
    return ok;
}

static bool tell(const struct suggest_request *r, struct experiment *e, const struct suggestion *s,
                 struct error *error) {
    if (r->json)
        print_json(s);
    else
        print_people(s);
    if (fflush(stdout) != 0 || ferror(stdout))
        return error_run(error, "cannot write to the standard output: %s", strerror(errno));
    return !r->write || write_experiment(e, s, r->write, error);
}

static bool look(const struct suggest_request *r, struct experiment *e, struct error *error) {
    struct setup setup;
    struct suggestion s;
    if (!setup_open(&setup, e, r->open.threads, error))
        return false;
    struct training *t = setup_training(&setup, error);
    bool ok = t && suggest(t, &r->options, &s, error);
    if (ok) {
        ok = tell(r, e, &s, error);
        suggestion_close(&s);
    }
    training_close(t);
    setup_close(&setup);
    return ok;
}

static bool check(const struct suggest_request *r, struct error *error) {
    if (opening_is_run(r->open.subject))
        return error_set(error,
                         "%s is a run; give an experiment, or open the run and type :suggest",
                         r->open.subject);
    return !r->write || !files_exist(r->write) ||
           error_set(error, "%s exists; give --write another name", r->write);
}

static int suggest_main(int argc, char **argv) {
    struct suggest_request r = {
        .options = {.batches = SUGGEST_BATCHES, .head_epochs = -1, .timed = true}};
    struct opening o = {0};
    struct error error;
    int code = parse(&r, argc, argv);
    if (code != 0)
        return code;
    if (!check(&r, &error) || !opening_read(&o, &r.open, &error) ||
        !look(&r, &o.experiment, &error))
        code = cli_fail(&error);
    opening_close(&o, true);
    return code;
}

const struct subcommand cli_suggest = {
    .name = "suggest",
    .usage = "suggest EXPERIMENT.yaml [--batches N] [--head-epochs N] [--write FILE.yaml] "
             "[--set KEY=VALUE]... [--threads N] [--json]",
    .help = "which blocks to thaw, and why",
    .run = suggest_main,
};
