#include "strategy/strategy.h"
#include "base/xalloc.h"
#include "strategy/strategy_parts.h"
#include <stdlib.h>
#include <string.h>

// Whether a list has nothing in it: as much as leaving the key out.
static bool is_empty(const struct experiment *e, const struct experiment_key *key) {
    return key->type == KEY_TEXTS &&
           ((const struct text_list *)((const char *)e + key->at))->count == 0;
}

// Sets one key, unless a person has set it to something else.
static bool set_key(struct experiment *e, const struct experiment *defaults, const char *assignment,
                    struct error *error) {
    char *path = xstrndup(assignment, strcspn(assignment, "="));
    const struct experiment_key *key = experiment_key_find(path);
    struct experiment wanted;
    experiment_defaults(&wanted);
    bool ok = experiment_set(&wanted, assignment, error);
    if (ok && !is_empty(e, key) && !experiment_same(e, defaults, key) &&
        !experiment_same(e, &wanted, key))
        ok = error_set(
            error,
            "strategy.name: '%s' sets %s itself; leave one of the two out (strategy.name: "
            "none)",
            e->strategy.name, path);
    ok = ok && experiment_set(e, assignment, error);
    experiment_close(&wanted);
    free(path);
    return ok;
}

static bool set_keys(struct experiment *e, char *lines, struct error *error) {
    struct experiment defaults;
    experiment_defaults(&defaults);
    bool ok = true;
    for (char *line; ok && (line = strsep(&lines, "\n")) && *line;)
        ok = set_key(e, &defaults, line, error);
    experiment_close(&defaults);
    return ok;
}

bool strategy_expand(struct experiment *e, const struct model *model, bool new_head,
                     struct error *error) {
    struct text lines = {0};
    struct strategy_ground ground = {
        .experiment = e, .model = model, .parts = parts_of(model), .new_head = new_head};
    bool ok = true;
    for (const struct strategy *s = strategies; ok && s->name; s++)
        if (strcmp(s->name, e->strategy.name) == 0)
            ok = (s->keys(&ground, &lines, error) || error_prefix(error, "strategy: ")) &&
                 set_keys(e, lines.data, error);
    text_free(&lines);
    parts_close(&ground.parts);
    return ok;
}
