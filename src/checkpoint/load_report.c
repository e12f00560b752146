// What a load found, in words.
#include "base/xalloc.h"
#include "checkpoint/load.h"
#include <stdlib.h>

enum { SHOWN = 4 }; // names on one line

static void free_texts(char **texts, int count) {
    for (int i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void load_report_close(struct load_report *r) {
    free(r->missing);
    free(r->replaced);
    free_texts(r->unexpected, r->unexpected_count);
    free_texts(r->misshaped, r->misshaped_count);
    *r = (struct load_report){0};
}

// "2 shapes differ: a; b", and `end`; nothing when there is nothing to say.
static void add_names(struct text *t, const char *one, const char *many, char *const *names,
                      int count, const char *separator, const char *end) {
    if (count == 0)
        return;
    text_add(t, "%d %s: ", count, count == 1 ? one : many);
    for (int i = 0; i < count && i < SHOWN; i++)
        text_add(t, "%s%s", i ? separator : "", names[i]);
    if (count > SHOWN)
        text_add(t, " and %d more", count - SHOWN);
    text_add(t, "%s", end);
}

static void add_params(struct text *t, const char *one, const char *many, const struct model *model,
                       const int *params, int count, const char *end) {
    char *names[SHOWN];
    for (int i = 0; i < count && i < SHOWN; i++)
        names[i] = model->params[params[i]].name;
    add_names(t, one, many, names, count, ", ", end);
}

void load_report_misfits(const struct load_report *r, const struct model *model, const char *end,
                         struct text *t) {
    add_names(t, "shape differs", "shapes differ", r->misshaped, r->misshaped_count, "; ", end);
    add_params(t, "parameter is missing from the file", "parameters are missing from the file",
               model, r->missing, r->missing_count, end);
    add_names(t, "name in the file is unknown to the model",
              "names in the file are unknown to the model", r->unexpected, r->unexpected_count,
              ", ", end);
}

void load_report_text(const struct load_report *r, const struct model *model, struct text *t) {
    if (r->loaded > 0)
        text_add(t, "%d parameter%s loaded\n", r->loaded, r->loaded == 1 ? "" : "s");
    load_report_misfits(r, model, "\n", t);
    add_params(t, "parameter of the head starts anew", "parameters of the head start anew", model,
               r->replaced, r->replaced_count, "\n");
}
