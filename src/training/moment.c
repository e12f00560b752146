#include "training/moment.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000000000 };

static bool count_of(const char *text, enum moment_unit unit, struct moment *out) {
    double count;
    if (!text_to_real(text, &count) || count < 0 || count > MOST)
        return false;
    if (unit == MOMENT_STEPS && count != floor(count))
        return false;
    *out = (struct moment){unit, count};
    return true;
}

bool moment_parse(const char *text, struct moment *out) {
    size_t n = strlen(text);
    if (strncmp(text, "step ", 5) == 0)
        return count_of(text + 5, MOMENT_STEPS, out);
    if (strncmp(text, "epoch ", 6) == 0)
        return count_of(text + 6, MOMENT_EPOCHS, out);
    if (n == 0 || text[n - 1] != '%')
        return false;
    char *number = xstrndup(text, n - 1);
    bool ok = count_of(number, MOMENT_SHARE, out) && out->count <= 100;
    free(number);
    return ok;
}

bool moment_parse_length(const char *text, struct moment *out) {
    static const struct {
        const char *name;
        enum moment_unit unit;
    } units[] = {{" steps", MOMENT_STEPS},
                 {" step", MOMENT_STEPS},
                 {" epochs", MOMENT_EPOCHS},
                 {" epoch", MOMENT_EPOCHS}};
    const char *space = strchr(text, ' ');
    if (!space)
        return moment_parse(text, out) && out->unit == MOMENT_SHARE;
    for (size_t i = 0; space && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(space, units[i].name) != 0)
            continue;
        char *number = xstrndup(text, (size_t)(space - text));
        bool ok = count_of(number, units[i].unit, out);
        free(number);
        return ok;
    }
    return false;
}

int64_t moment_steps(const struct moment *m, int64_t epoch_steps, int64_t total) {
    switch (m->unit) {
    case MOMENT_NONE:
        return 0;
    case MOMENT_STEPS:
        return llround(m->count);
    case MOMENT_EPOCHS:
        return llround(m->count * (double)epoch_steps);
    case MOMENT_SHARE:
        return llround(m->count / 100 * (double)total);
    }
    return 0;
}
