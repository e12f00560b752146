// thaw sweep: one experiment under several strategies, rates and seeds.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "plan/cache.h"
#include "ui/cli/chart_output.h"
#include "ui/cli/cli.h"
#include "ui/cli/options.h"
#include "ui/cli/sweeping.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { JOBS_MOST = 256 };

struct request {
    const char *sweep, *out;
    struct cli_sets sets;
    int jobs, threads;
    bool json, print_commands, quiet;
    struct chart_output output;
};

static const struct option long_options[] = {
    {"out", required_argument, NULL, 'o'},
    {"set", required_argument, NULL, 's'},
    {"jobs", required_argument, NULL, 'j'},
    {"threads", required_argument, NULL, 't'},
    {"print-commands", no_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'J'},
    {"quiet", no_argument, NULL, 'q'},
    CHART_OPTIONS,
    {0},
};

static int parse_option(void *request, int option) {
    struct request *r = request;
    switch (option) {
    case 'o':
        r->out = optarg;
        return 0;
    case 's':
        return cli_add_set(&cli_sweep, &r->sets, optarg);
    case 'j':
        return cli_number(&cli_sweep, "--jobs", optarg, 1, JOBS_MOST, &r->jobs);
    case 't':
        return cli_threads(&cli_sweep, optarg, &r->threads);
    case 'c':
        r->print_commands = true;
        return 0;
    case 'J':
        r->json = true;
        return 0;
    case 'q':
        r->quiet = true;
        return 0;
    default:
        if (chart_option(&r->output, option, optarg))
            return 0;
        return CLI_UNKNOWN;
    }
}

static int parse(struct request *r, int argc, char **argv) {
    int code = cli_options(&cli_sweep, argc, argv, long_options, parse_option, r);
    if (code == 0 && argc - optind != 1)
        return cli_usage(&cli_sweep, "which sweep? give its YAML file");
    r->sweep = argv[optind];
    return code;
}

// ---- Reading

// "sweeps/noise.yaml" goes to runs/noise: the same command finds its runs again.
static char *own_directory(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return xprintf("runs/%.*s", (int)(dot && dot > name ? dot - name : (long)strlen(name)), name);
}

static int processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

static bool read_base(struct sweeping *s, const struct request *r, struct error *error) {
    const struct sweep *sweep = &s->sweep;
    if (!cli_read_experiment(&s->base, sweep->experiment, error))
        return error_prefix(error, "%s: experiment: ", r->sweep);
    for (int i = 0; i < sweep->sets.count; i++)
        if (!experiment_set(&s->base, sweep->sets.items[i], error))
            return error_prefix(error, "%s: ", r->sweep);
    return cli_apply_sets(&r->sets, &s->base, error) && experiment_check(&s->base, error) &&
           sweeping_check(s, r->sweep, error);
}

static bool read_all(struct sweeping *s, const struct request *r, struct error *error) {
    *s = (struct sweeping){.jobs = r->jobs ? r->jobs : 1, .quiet = r->quiet || r->json};
    s->threads = r->threads ? r->threads : processors() / s->jobs;
    s->threads = s->threads ? s->threads : 1;
    if (!sweep_read(&s->sweep, r->sweep, error))
        return false;
    s->out = r->out ? xstrdup(r->out) : own_directory(r->sweep);
    s->base_path = files_join(s->out, "base.yaml");
    s->alive = xcalloc((size_t)s->sweep.arm_count, sizeof *s->alive);
    for (int i = 0; i < s->sweep.arm_count; i++)
        s->alive[i] = true;
    return read_base(s, r, error);
}

// ---- The directory

// But for a sweep.yaml that a crash left half-written.
static bool is_empty(const char *path) {
    DIR *dir = opendir(path);
    bool empty = true;
    for (const struct dirent *entry; dir && empty && (entry = readdir(dir));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                strncmp(entry->d_name, "sweep.yaml.", 11) == 0;
    if (dir)
        closedir(dir);
    return empty;
}

static bool write_once(const char *path, const char *data, size_t size, struct error *error) {
    struct mapping now;
    if (files_exist(path) && mapping_open(&now, path, NULL)) {
        bool same = now.size == size && memcmp(now.data, data, size) == 0;
        mapping_close(&now);
        if (same)
            return true;
    }
    return files_write(path, data, size, error);
}

static bool write_sweep(const struct sweeping *s, const char *mark, const char *source,
                        struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, source, error))
        return false;
    char *text = experiment_text(&s->base);
    bool ok = write_once(mark, (const char *)file.data, file.size, error) &&
              write_once(s->base_path, text, strlen(text), error);
    mapping_close(&file);
    free(text);
    return ok;
}

// Only one sweep at a time works in a directory; *lock stays open until it is done.
static bool open_directory(const struct sweeping *s, const struct request *r, int *lock,
                           struct error *error) {
    char *mark = files_join(s->out, "sweep.yaml");
    bool ok = files_exist(mark) || is_empty(s->out);
    if (!ok)
        error_set(error, "%s holds something else than a sweep; choose another --out", s->out);
    ok = ok && files_make_directory(s->out, error);
    if (ok) {
        *lock = open(s->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ok = *lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0;
        if (!ok)
            error_set(error,
                      errno == EWOULDBLOCK ? "%s: another thaw sweep is at work there"
                                           : "%s: cannot be locked",
                      s->out);
    }
    ok = ok && write_sweep(s, mark, r->sweep, error);
    free(mark);
    return ok;
}

// ---- Commands for others to run

static void print_quoted(const char *argument) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._+-/=:,";
    if (*argument && argument[strspn(argument, plain)] == '\0') {
        printf(" %s", argument);
        return;
    }
    printf(" '");
    for (; *argument; argument++)
        printf(*argument == '\'' ? "'\\''" : "%c", *argument);
    printf("'");
}

static void print_commands(const struct sweeping *s) {
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    for (int i = 0; i < s->run_count; i++) {
        if (s->runs[i].state == SWEEP_DONE || s->runs[i].state == SWEEP_DIVERGED)
            continue;
        char **command = sweeping_command(s, &s->runs[i]);
        printf("%s", length > 0 ? program : "thaw");
        for (int k = 0; command[k]; k++)
            print_quoted(command[k]);
        printf("\n");
        sweeping_free_command(command);
    }
}

static bool all_over(const struct sweeping *s) {
    for (int i = 0; i < s->run_count; i++)
        if (s->runs[i].state != SWEEP_DONE && s->runs[i].state != SWEEP_DIVERGED)
            return false;
    return true;
}

// ---- The whole

static int check_validation(const struct sweeping *s) {
    struct error error;
    struct sweep_results r = sweep_results_of(s);
    bool ok = r.validated && (!s->sweep.factor || !isnan(r.cells[0].validation.mean));
    sweep_results_close(&r);
    if (ok)
        return 0;
    error_set(&error, "there are no validation samples to choose by: give data.validation");
    return cli_fail(&error);
}

// Rounds until the last; stops early, with 0, when only commands are wanted and there are some.
static int do_rounds(struct sweeping *s, const struct request *r) {
    struct error error;
    int last = sweeping_last_round(s), code = 0;
    for (int round = 0; round <= last && code == 0; round++) {
        if (!sweeping_add_round(s, round, &error))
            return cli_fail(&error);
        if (r->print_commands && !all_over(s)) {
            print_commands(s);
            return 0;
        }
        code = sweeping_do(s);
        if (code == 0)
            code = check_validation(s);
        if (code == 0 && round < last)
            sweep_halve(s);
    }
    return code;
}

static int report(const struct sweeping *s, const struct request *r) {
    struct error error;
    struct sweep_results results = sweep_results_of(s);
    struct sweep_charts charts = sweep_charts_open(&results);
    bool ok = chart_output_save(&r->output, charts.charts, charts.count, &error);
    if (ok && r->json)
        sweep_print_json(&results, stdout);
    else if (ok) {
        if (!r->quiet)
            printf("\n");
        sweep_print_tables(&results, chart_output_ascii(&r->output), stdout);
        chart_output_print(&r->output, charts.charts, charts.count);
    }
    if (ok && results.warning)
        fprintf(stderr, "thaw: warning: %s\n", results.warning);
    sweep_charts_close(&charts);
    sweep_results_close(&results);
    return ok ? 0 : cli_fail(&error);
}

static int sweep_main(int argc, char **argv) {
    struct request request = {0};
    struct sweeping s = {0};
    struct error error;
    int lock = -1, code = parse(&request, argc, argv);
    if (code != 0)
        return code;
    if (read_all(&s, &request, &error) && open_directory(&s, &request, &lock, &error))
        code = do_rounds(&s, &request);
    else
        code = cli_fail(&error);
    if (code == 0 && all_over(&s)) {
        cache_remove_files(s.out); // what the runs shared
        code = request.print_commands ? 0 : report(&s, &request);
    }
    if (lock >= 0)
        close(lock);
    sweeping_close(&s);
    return code;
}

const struct subcommand cli_sweep = {
    .name = "sweep",
    .usage = "sweep SWEEP.yaml [--out DIR] [--set KEY=VALUE]... [--jobs N] [--threads N] "
             "[--print-commands] [--quiet | --json] " CHART_USAGE,
    .help = "one experiment under several strategies, rates and seeds",
    .run = sweep_main,
};
