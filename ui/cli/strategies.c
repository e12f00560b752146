// thaw strategies: the ready-made ways of freezing.
#include "strategy/strategy.h"
#include "ui/cli/cli.h"
#include <stdio.h>

static int strategies_main(int argc, char **argv) {
    (void)argv;
    if (argc > 1)
        return cli_usage(&cli_strategies, "takes no arguments");
    printf("strategies (strategy.name); `thaw schedule EXPERIMENT` writes out what one means\n");
    for (const struct strategy *s = strategies; s->name; s++) {
        printf("  %-14s %s\n", s->name, s->help);
        if (s->source)
            printf("  %-14s (%s)\n", "", s->source);
    }
    return 0;
}

const struct subcommand cli_strategies = {"strategies", "strategies",
                                          "list the ready-made ways of freezing", strategies_main};
