#include "ui/cli/options.h"
#include "base/text.h"

int cli_options(const struct subcommand *command, int argc, char **argv, const struct option *table,
                cli_take *take, void *request) {
    int option, code = 0;
    opterr = 0;
    optind = 1;
    while (code == 0 && (option = getopt_long(argc, argv, ":", table, NULL)) != -1)
        code = take(request, option);
    return code == CLI_UNKNOWN ? cli_usage(command, "unknown option, or one without its value")
                               : code;
}

int cli_number(const struct subcommand *command, const char *option, const char *value, int least,
               int most, int *out) {
    int64_t number;
    if (!text_to_int(value, &number) || number < least || number > most)
        return cli_usage(command, "%s %s: give a number from %d to %d", option, value, least, most);
    *out = (int)number;
    return 0;
}

int cli_threads(const struct subcommand *command, const char *value, int *out) {
    return cli_number(command, "--threads", value, 1, CLI_THREADS, out);
}

int cli_add_set(const struct subcommand *command, struct cli_sets *sets, const char *assignment) {
    if (sets->count == CLI_SETS)
        return cli_usage(command, "more than %d times --set", CLI_SETS);
    sets->items[sets->count++] = assignment;
    return 0;
}

bool cli_apply_sets(const struct cli_sets *sets, struct experiment *e, struct error *error) {
    for (int i = 0; i < sets->count; i++)
        if (!experiment_set(e, sets->items[i], error))
            return false;
    return true;
}
