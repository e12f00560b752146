// What the subcommands' options have in common. Functions that return an int give 0, or the exit
// code of a message that they have printed.
#ifndef THAW_UI_OPTIONS_H
#define THAW_UI_OPTIONS_H

#include "experiment/experiment.h"
#include "ui/cli/cli.h"
#include <getopt.h>

// The values of --set, in order.
enum { CLI_SETS = 64, CLI_THREADS = 256 };
struct cli_sets {
    const char *items[CLI_SETS]; // the command line's
    int count;
};

// Takes one option, its value in optarg; 1: there is no such one.
typedef int cli_take(void *request, int option);
enum { CLI_UNKNOWN = 1 };

// Reads the options of a command line by getopt_long's table; what is no option begins at
// argv[optind] then.
int cli_options(const struct subcommand *command, int argc, char **argv, const struct option *table,
                cli_take *take, void *request);

// A whole number as an option's value, with what would be right. `option` is as people write it,
// "--jobs".
int cli_number(const struct subcommand *command, const char *option, const char *value, int least,
               int most, int *out);

int cli_threads(const struct subcommand *command, const char *value, int *out);

int cli_add_set(const struct subcommand *command, struct cli_sets *sets, const char *assignment);

// Sets them in an experiment, in order, without checking whether the values go together.
bool cli_apply_sets(const struct cli_sets *sets, struct experiment *e, struct error *error);

#endif
