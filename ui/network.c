#include "ui/network.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "models/net.h"
#include "models/pretrained.h"
#include "models/text_config.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_name(const char *text) {
    return *text && !strpbrk(text, "/.");
}

// The configuration beside a file of weights, for the caller to free; NULL: there is none.
static char *config_beside(const char *weights) {
    const char *slash = strrchr(weights, '/');
    char *path = slash ? xprintf("%.*s/config.json", (int)(slash - weights), weights)
                       : xstrdup("config.json");
    if (*weights && access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *network_config(const struct experiment *e) {
    const char *weights = e->model.weights;
    const struct arch *arch = *e->model.name ? arch_find(e->model.name, NULL) : NULL;
    if (!arch || !arch->text.kind)
        return NULL;
    if (*e->model.config)
        return xstrdup(e->model.config);
    if (!is_name(weights))
        return config_beside(weights);
    const struct pretrained *p = pretrained_find(weights, NULL);
    return p && p->config ? xstrdup(weights) : NULL;
}

// Of built-in weights, or a file.
static bool read_config_of(const char *name, struct text_config *config, struct error *error) {
    if (!is_name(name))
        return text_config_read(config, name, error);
    const struct pretrained *p = pretrained_find(name, error);
    if (!p)
        return false;
    if (!p->config)
        return error_set(error, "%s is of pictures", name);
    struct embedded file = p->config();
    return text_config_parse(config, file.data, file.size, name, error);
}

// Points options->text at *config when something says what the sizes are.
static bool read_config(const struct experiment *e, const struct arch *arch,
                        struct text_config *config, struct arch_options *options,
                        struct error *error) {
    if (!arch->text.kind)
        return !*e->model.config ||
               error_set(error, "model.config: %s takes pictures; leave the key out", arch->name);
    char *name = network_config(e);
    if (!name)
        return true;
    *config = arch->text;
    options->text = config;
    bool good = read_config_of(name, config, error) || error_prefix(error, "model.config: ");
    free(name);
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
