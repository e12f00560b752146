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
    free_texts(r->renamed, r->renamed_count);
    free(r->summed);
    free(r->prefix);
    free(r->part);
    free(r->aside);
    *r = (struct load_report){0};
}

// "a; b and 2 more", and `end`.
static void add_names(struct text *t, char *const *names, int count, const char *separator,
                      const char *end) {
    for (int i = 0; i < count && i < SHOWN; i++)
        text_add(t, "%s%s", i ? separator : "", names[i]);
    if (count > SHOWN)
        text_add(t, " and %d more", count - SHOWN);
    text_add(t, "%s", end);
}

// "2 shapes differ: a; b", and `end`; nothing when there is nothing to say.
static void add_finding(struct text *t, const char *one, const char *many, char *const *names,
                        int count, const char *separator, const char *end) {
    if (count == 0)
        return;
    text_add(t, "%d %s: ", count, count == 1 ? one : many);
    add_names(t, names, count, separator, end);
}

static bool is_missing(const struct load_report *r, int param) {
    for (int i = 0; i < r->missing_count; i++)
        if (r->missing[i] == param)
            return true;
    return false;
}

// Whether a module has several parameters, and the file none of them.
static bool wholly_missing(const struct load_report *r, const struct model *model, int module) {
    int count = 0;
    for (int i = 0; i < model->param_count; i++) {
        const struct param *p = &model->params[i];
        if (p->module < module || p->module >= model->modules[module].end || p->storage != i ||
            p->kind == PARAM_COUNTER)
            continue;
        if (!is_missing(r, i))
            return false;
        count++;
    }
    return count > 1;
}

// The outermost module that is wholly missing and that the parameter belongs to, or -1.
static int missing_module(const struct load_report *r, const struct model *model, int param) {
    int found = -1;
    for (int m = model->params[param].module; m > 0; m = model->modules[m].parent)
        if (wholly_missing(r, model, m))
            found = m;
    return found;
}

// Modules stand for all their parameters: "layer4, fc".
static void add_missing(struct text *t, const struct load_report *r, const struct model *model,
                        const char *one, const char *many, const char *end) {
    if (r->missing_count == 0)
        return;
    char **names = xcalloc((size_t)r->missing_count, sizeof *names);
    int count = 0, before = -1;
    for (int i = 0; i < r->missing_count; i++) {
        int module = missing_module(r, model, r->missing[i]);
        if (module < 0)
            names[count++] = model->params[r->missing[i]].name;
        else if (module != before)
            names[count++] = model->modules[module].name;
        before = module;
    }
    text_add(t, "%d %s: ", r->missing_count, r->missing_count == 1 ? one : many);
    add_names(t, names, count, ", ", end);
    free(names);
}

static void add_misshaped(struct text *t, const struct load_report *r, const char *end) {
    add_finding(t, "shape differs", "shapes differ", r->misshaped, r->misshaped_count, "; ", end);
}

static void add_unexpected(struct text *t, const struct load_report *r, const char *end) {
    add_finding(t, "name in the file is unknown to the model",
                "names in the file are unknown to the model", r->unexpected, r->unexpected_count,
                ", ", end);
}

void load_report_misfits(const struct load_report *r, const struct model *model, const char *end,
                         struct text *t) {
    add_misshaped(t, r, end);
    add_missing(t, r, model, "parameter is missing from the file",
                "parameters are missing from the file", end);
    add_unexpected(t, r, end);
}

// How the file's names became the model's.
static void add_mapping(struct text *t, const struct load_report *r) {
    if (r->part)
        text_add(t, "taken from %s in the file%s%s\n", r->part, r->aside ? "; left aside: " : "",
                 r->aside ? r->aside : "");
    add_finding(t, "name was changed", "names were changed", r->renamed, r->renamed_count, ", ",
                "\n");
    if (r->prefix)
        text_add(t, "the prefix %s was taken off %d name%s\n", r->prefix, r->prefix_count,
                 r->prefix_count == 1 ? "" : "s");
}

void load_report_text(const struct load_report *r, const struct model *model, struct text *t) {
    add_mapping(t, r);
    if (r->loaded > 0)
        text_add(t, "%d parameter%s loaded\n", r->loaded, r->loaded == 1 ? "" : "s");
    for (int i = 0; i < r->summed_count; i++)
        text_add(t, "%s: its 3 input channels in the file were summed, for grey samples\n",
                 model->params[r->summed[i]].name);
    add_misshaped(t, r, "\n");
    add_missing(t, r, model, "parameter is not in the file and starts from initialisation",
                "parameters are not in the file and start from initialisation", "\n");
    add_unexpected(t, r, "\n");
    char *names[SHOWN];
    for (int i = 0; i < r->replaced_count && i < SHOWN; i++)
        names[i] = model->params[r->replaced[i]].name;
    add_finding(t, "parameter of the head starts anew", "parameters of the head start anew", names,
                r->replaced_count, ", ", "\n");
}
