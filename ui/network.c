#include "ui/network.h"
#include "models/models.h"
#include "models/net.h"

struct model *network_build(const struct experiment *e, struct shape input, int classes,
                            struct error *error) {
    struct arch_options options = {
        .input = input,
        .classes = classes,
        .shortcut = e->model.shortcut[1] == '\0' ? e->model.shortcut[0] : '\0',
        .dropout = (float)e->model.dropout,
        .head = (const char *const *)e->model.head.item,
        .head_count = e->model.head.count,
    };
    if (*e->model.file && *e->model.name) {
        error_set(error, "model.file: model.name is %s already; give one of the two",
                  e->model.name);
        return NULL;
    }
    if (*e->model.file)
        return net_build(e->model.file, &options, error);
    const struct arch *arch = arch_find(e->model.name, error);
    if (arch)
        return arch_build(arch, &options, error);
    error_prefix(error, "model.name: ");
    return NULL;
}
