#include "experiment/experiment.h"
#include "experiment/experiment_parts.h"

#include <string.h>

// "number 0 to 1000", "sgd, adam or adamw".
static void add_kind(struct text *t, const struct experiment_key *key) {
    static const char *const kinds[] = {
        [KEY_TEXT] = "text",          [KEY_INT] = "whole",     [KEY_REAL] = "number",
        [KEY_BOOL] = "true or false", [KEY_TEXTS] = "[texts]", [KEY_REALS] = "[numbers]",
    };
    if (key->type == KEY_CHOICE) {
        experiment_key_choices(t, key);
        return;
    }
    text_add(t, "%s", kinds[key->type]);
    if (key->type == KEY_INT || key->type == KEY_REAL || key->type == KEY_REALS) {
        text_add(t, " ");
        experiment_key_range(t, key);
    }
}

static int wider(int width, const char *text) {
    int length = (int)strlen(text);
    return length > width ? length : width;
}

void experiment_help(FILE *out) {
    static const char *const heads[] = {"KEY", "VALUE", "DEFAULT"};
    int widths[3] = {0};
    struct text kinds[EXPERIMENT_KEYS_MAX] = {0};
    for (int i = 0; i < 3; i++)
        widths[i] = wider(0, heads[i]);
    for (int i = 0; i < experiment_key_count; i++) {
        add_kind(&kinds[i], &experiment_keys[i]);
        widths[0] = wider(widths[0], experiment_keys[i].path);
        widths[1] = wider(widths[1], kinds[i].data);
        widths[2] = wider(widths[2], experiment_keys[i].preset);
    }
    fprintf(out, "%-*s  %-*s  %-*s  WHAT IT DOES\n", widths[0], heads[0], widths[1], heads[1],
            widths[2], heads[2]);
    for (int i = 0; i < experiment_key_count; i++) {
        const struct experiment_key *key = &experiment_keys[i];
        fprintf(out, "%-*s  %-*s  %-*s  %s\n", widths[0], key->path, widths[1], kinds[i].data,
                widths[2], key->preset, key->help);
        text_free(&kinds[i]);
    }
}
