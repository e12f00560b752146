#include "datasets/shift.h"

#include "base/xalloc.h"
#include "datasets/shift_image.h"
#include "datasets/shift_label.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// By enum shift_kind.
static const struct kind {
    const char *name, *argument, *help;
    double min, max; // of a number; a whole one when `whole`
    bool whole;
} kinds[] = {
    {"noise", "SIGMA", "add normal noise of this deviation (pixels are 0 to 1)", 1e-6, 100},
    {"blur", "K", "K x K mean, K odd", 3, 99, true},
    {"contrast", "F", "multiply pixels by F", 1e-6, 100},
    {"invert", "", "1 - pixel"},
    {"rotate", "DEGREES", "turn counter-clockwise about the centre", -360, 360},
    {"relabel", "SEED", "permute the class numbers, none stays in place", 0, 9e15, true},
    {"regroup", "\"A B | C D\"", "make one class of each group of classes; drop the others"},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bool refuse_name(const char *name, struct error *error) {
    const char *names[KINDS];
    struct text near = {0};
    for (int i = 0; i < KINDS; i++)
        names[i] = kinds[i].name;
    text_nearest(&near, name, names, KINDS);
    error_set(error, "there is no shift \"%s\": did you mean %s?", name, near.data);
    text_free(&near);
    return false;
}

static bool refuse_argument(const struct kind *kind, const char *argument, struct error *error) {
    if (!*kind->argument)
        return error_set(error, "shift %s takes no argument, but has \"%s\"", kind->name, argument);
    return error_set(error, "shift %s: \"%s\" is wrong: %s %s, from %g to %g, would be right",
                     kind->name, argument,
                     kind == &kinds[SHIFT_BLUR] ? "an odd number"
                     : kind->whole              ? "a whole number"
                                                : "a number",
                     kind->argument, kind->min, kind->max);
}

static bool parse_argument(const char *argument, struct shift *out, struct error *error) {
    const struct kind *kind = &kinds[out->kind];
    if (out->kind == SHIFT_REGROUP)
        return shift_label_parse(argument, out, error);
    if (out->kind == SHIFT_INVERT)
        return *argument ? refuse_argument(kind, argument, error) : true;
    int64_t whole = 0;
    bool fine = kind->whole ? text_to_int(argument, &whole) : text_to_real(argument, &out->value);
    if (kind->whole)
        out->value = (double)whole;
    fine = fine && out->value >= kind->min && out->value <= kind->max;
    if (!fine || (out->kind == SHIFT_BLUR && whole % 2 == 0))
        return refuse_argument(kind, argument, error);
    out->seed = (uint64_t)whole;
    return true;
}

bool shift_parse(const char *text, struct shift *out, struct error *error) {
    *out = (struct shift){0};
    text += strspn(text, " ");
    size_t length = strcspn(text, " ");
    const char *rest = text + length + strspn(text + length, " ");
    size_t rest_length = strlen(rest);
    while (rest_length > 0 && rest[rest_length - 1] == ' ')
        rest_length--;
    char *name = xstrndup(text, length), *argument = xstrndup(rest, rest_length);
    int kind = 0;
    while (kind < KINDS && strcmp(kinds[kind].name, name) != 0)
        kind++;
    out->kind = (enum shift_kind)kind;
    bool fine = kind < KINDS ? parse_argument(argument, out, error) : refuse_name(name, error);
    free(name);
    free(argument);
    return fine;
}

bool shift_check(const struct shift *s, const struct dataset *d, struct error *error) {
    if (s->kind == SHIFT_REGROUP)
        return shift_label_check(s, d, error);
    if (d->vocabulary > 0 && s->kind != SHIFT_RELABEL)
        return error_set(error,
                         "shift %s changes pictures, but %s has texts; relabel or regroup "
                         "would be right",
                         kinds[s->kind].name, d->name);
    return true;
}

struct dataset *shift_apply(struct dataset *d, const struct shift *s, uint64_t seed, int number) {
    assert(shift_check(s, d, NULL));
    if (s->kind == SHIFT_RELABEL)
        return shift_label_relabel(d, s->seed);
    if (s->kind == SHIFT_REGROUP)
        return shift_label_regroup(d, s);
    return shift_image_apply(d, s, seed, number);
}

void shift_help(struct text *t) {
    for (int i = 0; i < KINDS; i++) {
        char *use = xprintf("%s %s", kinds[i].name, kinds[i].argument);
        text_add(t, "%-20s  %s\n", use, kinds[i].help);
        free(use);
    }
}
