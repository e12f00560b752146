// The subcommands: one table, one file each.
#ifndef THAW_UI_CLI_H
#define THAW_UI_CLI_H

#include "base/error.h"
#include "experiment/experiment.h"

struct subcommand {
    const char *name, *usage, *help;
    // argv[0] is the subcommand's name. Returns the exit code: 0 done, 1 the run failed, 2 the
    // request was wrong, 130 interrupted.
    int (*run)(int argc, char **argv);
};

// NULL-terminated.
extern const struct subcommand *const subcommands[];

extern const struct subcommand cli_open, cli_run, cli_compare, cli_sweep, cli_replay, cli_predict,
    cli_show, cli_convert, cli_models, cli_datasets, cli_doctor, cli_suggest, cli_lr_find,
    cli_strategies, cli_schedule, cli_help;

// Whether `thaw NAME` means `thaw open NAME`: an experiment's file or built-in name, or a run.
bool cli_open_means(const char *name);

// The experiment in a file, or a built-in one by its name, unless there is a file of that name.
bool cli_read_experiment(struct experiment *e, const char *name, struct error *error);

// runs/NAME-1, or the first number that is free; NAME has no slashes there. The caller frees.
char *cli_free_directory(const char *name);

// Prints "thaw: ..." to stderr; returns the exit code that the error calls for.
int cli_fail(const struct error *error);

// "thaw NAME: what is wrong" and the usage line; returns 2.
int cli_usage(const struct subcommand *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
