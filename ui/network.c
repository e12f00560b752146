#include "ui/network.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "models/net.h"
#include "models/text_config.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The configuration beside a file of weights, for the caller to free; NULL: there is none.
static char *config_beside(const char *weights) {
    const char *slash = strrchr(weights, '/');
    if (!slash && !strchr(weights, '.'))
        return NULL; // a built-in name
    char *path = slash ? xprintf("%.*s/config.json", (int)(slash - weights), weights)
                       : xstrdup("config.json");
    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

// Points options->text at *config when a file says what the sizes are.
static bool read_config(const struct experiment *e, const struct arch *arch,
                        struct text_config *config, struct arch_options *options,
                        struct error *error) {
    if (!arch->text.kind)
        return !*e->model.config ||
               error_set(error, "model.config: %s takes pictures; leave the key out", arch->name);
    char *path = *e->model.config ? xstrdup(e->model.config) : config_beside(e->model.weights);
    if (!path)
        return true;
    *config = arch->text;
    options->text = config;
    bool good = text_config_read(config, path, error) || error_prefix(error, "model.config: ");
    free(path);
    return good;
}

static enum arch_pool pool_of(const char *name) {
    static const char *const names[] = {"default", "first", "mean", "last"};
    int i = 0;
    while (strcmp(names[i], name) != 0)
        i++;
    return (enum arch_pool)i;
}

static struct model *build_arch(const struct experiment *e, struct arch_options *options,
                                struct error *error) {
    const struct arch *arch = arch_find(e->model.name, error);
    struct text_config config;
    if (arch)
        return read_config(e, arch, &config, options, error) ? arch_build(arch, options, error)
                                                             : NULL;
    error_prefix(error, "model.name: ");
    return NULL;
}

struct model *network_build(const struct experiment *e, struct shape input, int classes,
                            int vocabulary, struct error *error) {
    struct arch_options options = {
        .input = input,
        .classes = classes,
        .vocabulary = vocabulary,
        .pool = pool_of(e->model.pool),
        .shortcut = e->model.shortcut[1] == '\0' ? e->model.shortcut[0] : '\0',
        .dropout = (float)e->model.dropout,
        .block_dropout = (float)e->model.block_dropout,
        .head = (const char *const *)e->model.head.item,
        .head_count = e->model.head.count,
    };
    if (*e->model.file && *e->model.name) {
        error_set(error, "model.file: model.name is %s already; give one of the two",
                  e->model.name);
        return NULL;
    }
    if (!*e->model.file)
        return build_arch(e, &options, error);
    if (e->model.dropout > 0 || e->model.block_dropout > 0) {
        error_set(error,
                  "model.%s: a network of one's own has its dropout in its file, as 'dropout %g' "
                  "between two layers; leave the key out",
                  e->model.dropout > 0 ? "dropout" : "block_dropout",
                  e->model.dropout > 0 ? e->model.dropout : e->model.block_dropout);
        return NULL;
    }
    if (vocabulary > 0) {
        error_set(error, "model.file: a network of one's own takes pictures, not texts");
        return NULL;
    }
    return net_build(e->model.file, &options, error);
}

bool network_is_language(const struct experiment *e) {
    const struct arch *arch = *e->model.name ? arch_find(e->model.name, NULL) : NULL;
    return arch && arch->language;
}
