#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/cli/sweeping.h"
#include "ui/report/run_report.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void sweeping_close(struct sweeping *s) {
    for (int i = 0; i < s->run_count; i++) {
        free(s->runs[i].name);
        free(s->runs[i].directory);
    }
    free(s->runs);
    free(s->alive);
    free(s->out);
    free(s->base_path);
    experiment_close(&s->base);
    sweep_close(&s->sweep);
    *s = (struct sweeping){0};
}

int sweeping_last_round(const struct sweeping *s) {
    int64_t epochs = s->base.train.epochs;
    int round = 0;
    while (sweep_round_epochs(&s->sweep, round, epochs) < epochs)
        round++;
    return round;
}

// ---- What a run is asked

int64_t sweeping_epochs(const struct sweeping *s, const struct sweep_arm *arm) {
    const char *key = "train.epochs=";
    int64_t epochs = s->base.train.epochs;
    for (int i = 0; i < arm->sets.count; i++)
        if (strncmp(arm->sets.items[i], key, strlen(key)) == 0)
            text_to_int(arm->sets.items[i] + strlen(key), &epochs);
    return epochs;
}

static struct sweep_sets sets_of(const struct sweeping *s, const struct sweep_run *run) {
    const struct sweep_arm *arm = &s->sweep.arms[run->arm];
    struct sweep_sets sets = {xcalloc((size_t)arm->sets.count + 3, sizeof *sets.items), 0};
    for (int i = 0; i < arm->sets.count; i++)
        sets.items[sets.count++] = xstrdup(arm->sets.items[i]);
    sets.items[sets.count++] = xprintf("seed=%" PRId64, run->seed);
    if (run->epochs != sweeping_epochs(s, arm))
        sets.items[sets.count++] = xprintf("train.epochs=%" PRId64, run->epochs);
    return sets;
}

static void close_sets(struct sweep_sets *sets) {
    for (int i = 0; i < sets->count; i++)
        free(sets->items[i]);
    free(sets->items);
}

bool sweeping_experiment(const struct sweeping *s, const struct sweep_run *run,
                         struct experiment *e, struct error *error) {
    char *text = experiment_text(&s->base);
    bool ok = experiment_parse(e, text, strlen(text), s->base_path, error);
    struct sweep_sets sets = sets_of(s, run);
    free(text);
    bool parsed = ok;
    for (int i = 0; ok && i < sets.count; i++)
        ok = experiment_set(e, sets.items[i], error);
    ok = ok && experiment_check(e, error);
    close_sets(&sets);
    if (!ok && parsed)
        experiment_close(e);
    return ok;
}

char **sweeping_command(const struct sweeping *s, const struct sweep_run *run) {
    struct sweep_sets sets = sets_of(s, run);
    char **command = xcalloc(2 * (size_t)sets.count + 12, sizeof *command);
    int count = 0;
    command[count++] = xstrdup("run");
    if (run->state == SWEEP_HALF) {
        command[count++] = xstrdup("--resume");
        command[count++] = xstrdup(run->directory);
    } else {
        command[count++] = xstrdup(s->base_path);
        command[count++] = xstrdup("--out");
        command[count++] = xstrdup(run->directory);
        for (int i = 0; i < sets.count; i++) {
            command[count++] = xstrdup("--set");
            command[count++] = xstrdup(sets.items[i]);
        }
    }
    if (!*s->base.train.cache_directory) {
        command[count++] = xstrdup("--features");
        command[count++] = xstrdup(s->out);
    }
    command[count++] = xstrdup("--threads");
    command[count++] = xprintf("%d", s->threads);
    command[count++] = xstrdup("--quiet");
    close_sets(&sets);
    return command;
}

void sweeping_free_command(char **command) {
    for (int i = 0; command[i]; i++)
        free(command[i]);
    free(command);
}

// ---- What its directory tells

// A run's own file also holds what its strategy meant for the network, in keys that it was not
// asked.
static bool may_differ(const struct experiment *wanted, const struct experiment *defaults,
                       const struct experiment_key *key) {
    return strcmp(wanted->strategy.name, "none") != 0 && experiment_same(wanted, defaults, key);
}

static bool check_same(const struct sweeping *s, const struct sweep_run *run,
                       const struct experiment *found, struct error *error) {
    struct experiment wanted, defaults;
    bool ok = sweeping_experiment(s, run, &wanted, error);
    if (!ok)
        return false;
    experiment_defaults(&defaults);
    for (int i = 0; ok && i < experiment_key_count; i++)
        if (!experiment_same(&wanted, found, &experiment_keys[i]) &&
            !may_differ(&wanted, &defaults, &experiment_keys[i]))
            ok = error_set(error,
                           "%s holds a run of another experiment (%s differs): give another --out, "
                           "or take it away",
                           run->directory, experiment_keys[i].path);
    experiment_close(&wanted);
    experiment_close(&defaults);
    return ok;
}

static void take_result(struct sweep_run *run, const struct run_report *report) {
    const struct run_branch *b = &report->branches[report->branch_count - 1];
    run->state = report->finished ? SWEEP_DONE : report->diverged ? SWEEP_DIVERGED : SWEEP_HALF;
    run->validation = report->finished ? b->last : 0;
    run->test = report->finished ? b->test : 0;
    run->seconds = b->seconds;
    run->thawed = b->thawed;
    run->parameters = b->parameters;
}

bool sweeping_look(const struct sweeping *s, struct sweep_run *run, struct error *error) {
    // The last of the files that a run begins with.
    char *events = files_join(run->directory, "events.jsonl");
    bool begun = files_exist(events);
    free(events);
    run->state = SWEEP_NEW;
    if (!begun)
        return true;
    struct run_report report;
    bool ok = run_report_read(&report, run->directory, error) &&
              check_same(s, run, &report.experiment, error);
    if (ok)
        take_result(run, &report);
    run_report_close(&report);
    return ok;
}

// ---- Rounds

static char *name_of(const struct sweeping *s, const struct sweep_run *run) {
    struct text t = {0};
    const struct sweep_arm *arm = &s->sweep.arms[run->arm];
    text_add(&t, "%s", arm->name);
    if (s->sweep.seed_count)
        text_add(&t, "-seed%" PRId64, run->seed);
    if (run->epochs != sweeping_epochs(s, arm))
        text_add(&t, "-epochs%" PRId64, run->epochs);
    return t.data;
}

static bool add_run(struct sweeping *s, int arm, int round, int64_t seed, struct error *error) {
    s->runs = xrealloc(s->runs, ((size_t)s->run_count + 1) * sizeof *s->runs);
    struct sweep_run *run = &s->runs[s->run_count++];
    *run = (struct sweep_run){.arm = arm, .round = round, .seed = seed};
    run->epochs = sweep_round_epochs(&s->sweep, round, sweeping_epochs(s, &s->sweep.arms[arm]));
    run->name = name_of(s, run);
    run->directory = files_join(s->out, run->name);
    return sweeping_look(s, run, error);
}

bool sweeping_add_round(struct sweeping *s, int round, struct error *error) {
    const struct sweep *sweep = &s->sweep;
    for (int arm = 0; arm < sweep->arm_count; arm++) {
        if (!s->alive[arm])
            continue;
        int seeds = sweep->seed_count ? sweep->seed_count : 1;
        for (int i = 0; i < seeds; i++)
            if (!add_run(s, arm, round, sweep->seed_count ? sweep->seeds[i] : s->base.seed, error))
                return false;
    }
    return true;
}
