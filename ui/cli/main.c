#include "base/text.h"
#include "ui/cli/cli.h"
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct subcommand *const subcommands[] = {
    &cli_run, &cli_show, &cli_models, &cli_datasets, &cli_help, NULL,
};

int cli_fail(const struct error *error) {
    fprintf(stderr, "thaw: %s\n", error->text);
    return error_exit_code(error);
}

int cli_usage(const struct subcommand *command, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "thaw %s: ", command->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; usage: thaw %s\n", command->usage);
    va_end(args);
    return 2;
}

static int unknown(const char *name) {
    const char *names[16];
    int count = 0;
    for (int i = 0; subcommands[i]; i++)
        names[count++] = subcommands[i]->name;
    struct text near = {0};
    text_nearest(&near, name, names, count);
    fprintf(stderr, "thaw: there is no subcommand '%s'; did you mean %s? `thaw help` lists all\n",
            name, near.data);
    text_free(&near);
    return 2;
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "");
    if (argc < 2)
        return cli_help.run(1, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        argv[1][0] = '\0';
    if (argv[1][0] == '\0')
        return cli_help.run(1, argv);
    if (strcmp(argv[1], "--version") == 0)
        return printf("thaw %s\n", THAW_VERSION) < 0;
    for (int i = 0; subcommands[i]; i++)
        if (strcmp(argv[1], subcommands[i]->name) == 0)
            return subcommands[i]->run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
