#include "base/text.h"
#include "ui/cli/cli.h"
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct subcommand *const subcommands[] = {
    &cli_open,     &cli_run,        &cli_schedule, &cli_sweep, &cli_suggest, &cli_lr_find,
    &cli_compare,  &cli_replay,     &cli_predict,  &cli_show,  &cli_convert, &cli_models,
    &cli_datasets, &cli_strategies, &cli_doctor,   &cli_help,  NULL,
};

int cli_fail(const struct error *error) {
    fprintf(stderr, "thaw: %s\n", error->text);
    return error_exit_code(error);
}

int cli_usage(const struct subcommand *command, const char *format, ...) {
    char what[512];
    struct error error;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    error_set(&error, "%s; usage: thaw %s", what, command->usage);
    fprintf(stderr, "thaw %s: %s\n", command->name, error.text);
    return 2;
}

static int unknown(const char *name) {
    const char *names[32];
    int count = 0;
    for (int i = 0; subcommands[i]; i++)
        names[count++] = subcommands[i]->name;
    struct text near = {0};
    struct error error;
    text_nearest(&near, name, names, count);
    error_set(&error, "there is no subcommand '%s'; did you mean %s? `thaw help` lists all", name,
              near.data);
    text_free(&near);
    return cli_fail(&error);
}

static bool asks_for_help(const char *argument) {
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "");
    signal(SIGXFSZ, SIG_IGN); // a file over the limit is a failed write
    if (argc < 2)
        return cli_open.run(1, argv);
    if (asks_for_help(argv[1]))
        return cli_help.run(1, argv);
    if (strcmp(argv[1], "--version") == 0)
        return printf("thaw %s\n", THAW_VERSION) < 0;
    if (argc == 3 && asks_for_help(argv[2]))
        return cli_help.run(2, (char *[]){argv[2], argv[1], NULL});
    for (int i = 0; subcommands[i]; i++)
        if (strcmp(argv[1], subcommands[i]->name) == 0)
            return subcommands[i]->run(argc - 1, argv + 1);
    if (argv[1][0] == '-' || cli_open_means(argv[1]))
        return cli_open.run(argc, argv);
    return unknown(argv[1]);
}
