// The experiment that a subcommand is called with.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "models/experiments.h"
#include "ui/cli/cli.h"
#include <stdlib.h>
#include <string.h>

static bool read_built_in(struct experiment *e, const struct built_in_experiment *b,
                          struct error *error) {
    struct embedded file = b->file();
    if (!experiment_parse(e, (const char *)file.data, file.size, b->name, error))
        return false;
    free(e->name);
    e->name = xstrdup(b->name);
    return true;
}

static bool unknown(const char *name, struct error *error) {
    const char *names[64];
    int count = 0;
    for (const struct built_in_experiment *b = built_in_experiments; b->name && count < 64; b++)
        names[count++] = b->name;
    struct text near = {0};
    text_nearest(&near, name, names, count);
    error_set(error,
              "there is no file '%s', and no built-in experiment of that name; did you mean %s?",
              name, near.data);
    text_free(&near);
    return false;
}

bool cli_read_experiment(struct experiment *e, const char *name, struct error *error) {
    const struct built_in_experiment *built_in = built_in_experiment_find(name);
    if (built_in && !files_exist(name))
        return read_built_in(e, built_in, error);
    if (!files_exist(name) && !strpbrk(name, "/."))
        return unknown(name, error);
    return experiment_read(e, name, error);
}
