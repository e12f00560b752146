// thaw compare: runs side by side.
#include "ui/cli/compare.h"
#include "base/xalloc.h"
#include "ui/cli/chart_output.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include <stdlib.h>

struct request {
    struct chart_output output;
    bool json;
};

static const struct option long_options[] = {
    {"json", no_argument, NULL, 'j'},
    CHART_OPTIONS,
    {0},
};

static int parse_option(void *request, int option) {
    struct request *r = request;
    r->json |= option == 'j';
    return option == 'j' || chart_option(&r->output, option, optarg) ? 0 : CLI_UNKNOWN;
}

static int parse(struct request *r, int argc, char **argv) {
    int code = cli_options(&cli_compare, argc, argv, long_options, parse_option, r);
    if (code == 0 && optind == argc)
        code = cli_usage(&cli_compare, "which runs? give their directories");
    return code;
}

static bool read_runs(struct comparison *c, char **paths, int count, struct error *error) {
    c->runs = xcalloc((size_t)count, sizeof *c->runs);
    for (int i = 0; i < count; i++) {
        c->run_count++;
        if (!run_report_read(&c->runs[i], paths[i], error))
            return false;
        c->row_count += c->runs[i].branch_count;
    }
    c->rows = xcalloc((size_t)c->row_count, sizeof *c->rows);
    for (int i = 0, row = 0; i < count; i++)
        for (int k = 0; k < c->runs[i].branch_count; k++)
            c->rows[row++] = (struct compared){&c->runs[i], &c->runs[i].branches[k]};
    return true;
}

static void close(struct comparison *c) {
    for (int i = 0; i < c->run_count; i++)
        run_report_close(&c->runs[i]);
    free(c->runs);
    free(c->rows);
}

static void print(const struct comparison *c, const struct compare_charts *charts,
                  const struct request *r) {
    compare_print_table(c, stdout);
    if (c->run_count > 1) {
        fputc('\n', stdout);
        compare_print_difference(c, stdout);
    }
    chart_output_print(&r->output, charts->charts, charts->count);
}

static int compare_main(int argc, char **argv) {
    struct request request = {0};
    struct comparison c = {0};
    struct error error;
    int code = parse(&request, argc, argv);
    if (code != 0)
        return code;
    bool ok = read_runs(&c, argv + optind, argc - optind, &error);
    if (ok) {
        struct compare_charts charts = compare_charts_open(&c);
        ok = chart_output_save(&request.output, charts.charts, charts.count, &error);
        if (ok && request.json)
            compare_print_json(&c, stdout);
        else if (ok)
            print(&c, &charts, &request);
        compare_charts_close(&charts);
    }
    close(&c);
    return ok ? 0 : cli_fail(&error);
}

const struct subcommand cli_compare = {
    .name = "compare",
    .usage = "compare RUN... [--json] " CHART_USAGE,
    .help = "runs side by side: what differed, what was frozen when, how it went",
    .run = compare_main,
};
