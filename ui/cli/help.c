// thaw help: the subcommands, and the keys of an experiment.
#include "experiment/experiment.h"
#include "ui/cli/cli.h"
#include <stdio.h>
#include <string.h>

static void print_commands(void) {
    printf("thaw: see, freeze and thaw the layers of a network while it is fine-tuned\n\n");
    for (int i = 0; subcommands[i]; i++)
        printf("  thaw %-9s %s\n", subcommands[i]->name, subcommands[i]->help);
    printf("\n`thaw help COMMAND` shows how to call one, `thaw help keys` every key of an "
           "experiment.\n");
}

static int help_main(int argc, char **argv) {
    if (argc < 2) {
        print_commands();
        return 0;
    }
    if (strcmp(argv[1], "keys") == 0) {
        experiment_help(stdout);
        return 0;
    }
    for (int i = 0; subcommands[i]; i++) {
        if (strcmp(argv[1], subcommands[i]->name) != 0)
            continue;
        printf("%s\n\nthaw %s\n", subcommands[i]->help, subcommands[i]->usage);
        return 0;
    }
    return cli_usage(&cli_help, "there is no subcommand '%s'", argv[1]);
}

const struct subcommand cli_help = {"help", "help [COMMAND | keys]",
                                    "this overview, one subcommand, or the keys", help_main};
