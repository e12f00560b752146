// The parts of thaw sweep: the runs of a sweep, done by processes of their own, and what they come
// to.
//
// OUT/sweep.yaml is the sweep as it was given, OUT/base.yaml the experiment that all runs begin
// with, OUT/NAME/ an ordinary run directory for each run, OUT/features-... what their frozen
// prefixes compute, shared until all are over. What is done is known from these directories alone.
#ifndef THAW_UI_SWEEPING_H
#define THAW_UI_SWEEPING_H

#include "experiment/experiment.h"
#include "sweep/sweep.h"
#include "ui/report/chart.h"
#include <stdio.h>

enum sweep_state {
    SWEEP_NEW,
    SWEEP_HALF, // begun, and to be taken up again
    SWEEP_DONE,
    SWEEP_DIVERGED, // over as well; what it would have reached counts as 0
};

struct sweep_run {
    int arm, round;
    int64_t seed, epochs;
    char *name, *directory;
    enum sweep_state state;
    // Of a run that is over. Accuracies; NAN: not known. Validation is that of the last epoch, as
    // the test is.
    double validation, test, seconds;
    int64_t thawed, parameters; // see struct run_branch
};

struct sweeping {
    struct sweep sweep;
    struct experiment base; // with what is set for all
    char *out;
    char *base_path;
    int jobs, threads; // processes at a time, threads of each
    bool quiet;
    struct sweep_run *runs; // [run_count], by round
    int run_count;
    bool *alive; // [arm_count]: still in the race
};

// ---- Runs (sweep_runs.c)

// The experiment that a run is asked to do, by its arm, seed and epochs; it has passed
// experiment_check. The caller closes it.
bool sweeping_experiment(const struct sweeping *s, const struct sweep_run *run,
                         struct experiment *e, struct error *error);

// Epochs of an arm's runs: it may set its own, where there is no halving.
int64_t sweeping_epochs(const struct sweeping *s, const struct sweep_arm *arm);

// Appends the runs of a round, for the arms that are still in the race, with what their directories
// tell. A directory that holds another experiment is an error.
bool sweeping_add_round(struct sweeping *s, int round, struct error *error);

// Looks at a run's directory.
bool sweeping_look(const struct sweeping *s, struct sweep_run *run, struct error *error);

// The arguments of `thaw` that do the run, or go on with it, NULL-terminated; free with
// sweeping_free_command.
char **sweeping_command(const struct sweeping *s, const struct sweep_run *run);
void sweeping_free_command(char **command);

// The last round of the sweep, from 0 on.
int sweeping_last_round(const struct sweeping *s);

void sweeping_close(struct sweeping *s);

// ---- Before the first run (sweep_check.c)

// Whether every run could begin: opens the data, network, weights, strategy, rules and schedule of
// each variant once, with the fewest epochs it is asked for. `path`: the sweep's file; errors name
// the place of the variant in it.
bool sweeping_check(const struct sweeping *s, const char *path, struct error *error);

// ---- Processes (sweep_jobs.c)

// Does all runs that are not over. Returns 0, or the exit code of what went wrong, which it has
// told: 130 when interrupted, with what ran saved.
int sweeping_do(struct sweeping *s);

// ---- Results (sweep_results.c)

// Mean and sample standard deviation, the latter 0 of one value.
struct spread {
    double mean, deviation;
};
struct spread spread_of(const double *values, int count);

// An arm, over its seeds, in the last round that it was in.
struct sweep_cell {
    int arm;
    double rate;
    int64_t epochs;
    int runs, diverged;
    struct spread validation, test, seconds;
    int64_t thawed, parameters;
};

// A variant at the rate that was best on validation among those that got furthest.
struct sweep_choice {
    int cell;      // -1: none of its runs is over
    int cells;     // rates that it was tried at
    bool smallest; // no other one is as good with as few parameters
    bool fastest;  // ... in as little time
};

struct sweep_results {
    const struct sweeping *sweeping;
    struct sweep_cell *cells;     // [arm_count]
    struct sweep_choice *choices; // [variant_count]
    bool tested;                  // accuracies are of test samples, else of validation samples
    bool validated; // where there are rates to choose from, there are validation samples
    char *warning;  // strategies compared at a single rate; NULL: none
};

struct sweep_results sweep_results_of(const struct sweeping *s);
void sweep_results_close(struct sweep_results *r);

// The accuracy that is reported.
struct spread sweep_accuracy(const struct sweep_results *r, const struct sweep_cell *c);

// The best arms of those in the race by validation go on, all others are out of it.
void sweep_halve(struct sweeping *s);

// ---- What is shown (sweep_print.c, sweep_charts.c)

void sweep_print_tables(const struct sweep_results *r, bool ascii, FILE *out);
void sweep_print_json(const struct sweep_results *r, FILE *out);

struct sweep_charts {
    struct chart charts[3]; // over parameters, over time, over the rate
    int count;
    double *numbers; // what the charts point at
    bool *rings;
    struct chart_line *lines;
    int number_count, line_count;
};
struct sweep_charts sweep_charts_open(const struct sweep_results *r);
void sweep_charts_close(struct sweep_charts *c);

#endif
