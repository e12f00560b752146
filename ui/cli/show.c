#include "ui/cli/cli.h"
static int show_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return 0;
}
const struct subcommand cli_show = {"show", "show", "layer tree", show_main};
