#include "checkpoint/name_map.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

// ---- Rules.

struct rule {
    char *text, *old, *new; // the latter two in text; new is NULL where OLD is taken away
};

static bool parse_rule(struct rule *r, const char *text, struct error *error) {
    char *rest = r->text = xstrdup(text), *word, *words[3] = {0};
    int count = 0;
    while (count < 3 && (word = strsep(&rest, " \t")))
        if (*word)
            words[count++] = word;
    r->old = words[0];
    r->new = count == 2 ? words[1] : NULL;
    return count == 1 || count == 2 ||
           error_set(error,
                     "model.rename: '%s' is no rule; give OLD NEW, as in [fc linear], or only "
                     "what is to be taken away, as in [backbone]",
                     text);
}

// The name after the rule, for the caller to free; NULL: it does not apply.
static char *apply(const struct rule *r, const char *name) {
    size_t length = strlen(r->old);
    if (!begins(name, r->old) || (name[length] && name[length] != '.'))
        return NULL;
    if (r->new)
        return xprintf("%s%s", r->new, name + length);
    return name[length] && name[length + 1] ? xstrdup(name + length + 1) : NULL;
}

static bool refuse_rule(const struct name_map *map, const char *rule, const char *old,
                        struct error *error) {
    struct text near = {0};
    text_nearest(&near, old, (const char *const *)map->names, map->count);
    error_set(error, "model.rename: no name in the file is or begins with '%s' (%s)%s%s", old, rule,
              near.data ? "; did you mean " : "", near.data ? near.data : "");
    text_free(&near);
    return false;
}

static bool apply_rule(struct name_map *map, const char *text, struct error *error) {
    struct rule rule;
    bool good = parse_rule(&rule, text, error), used = false;
    for (int i = 0; i < map->count && good; i++) {
        char *name = apply(&rule, map->names[i]);
        if (!name)
            continue;
        used = true;
        free(map->names[i]);
        map->names[i] = name;
    }
    if (good && !used)
        good = refuse_rule(map, text, rule.old, error);
    free(rule.text);
    return good;
}

static void note_renamed(struct name_map *map, const struct weight_file *file) {
    map->renamed = xcalloc((size_t)map->count, sizeof *map->renamed);
    for (int i = 0; i < map->count; i++)
        if (strcmp(map->names[i], file->entries[i].name) != 0)
            map->renamed[map->renamed_count++] =
                xprintf("%s -> %s", file->entries[i].name, map->names[i]);
}

// ---- The prefix.

enum { CANDIDATES = 64, DOTS = 8 };

struct candidate {
    const char *name; // that begins with it
    size_t length;
    // Names that begin with it; of these, those that without it are a name of the model's which the
    // file does not have already; and those that are one with it.
    int has, fits, lost;
};

struct candidates {
    int count;
    struct candidate item[CANDIDATES];
};

struct sorted {
    char **names;
    int count;
};

static struct sorted sort_names(char *const *names, int count) {
    struct sorted s = {xmemdup(names, (size_t)count * sizeof *names), count};
    if (count > 1)
        qsort(s.names, (size_t)count, sizeof *s.names, compare_texts);
    return s;
}

static bool is_in(const struct sorted *s, const char *name) {
    return s->count > 0 &&
           bsearch(&name, s->names, (size_t)s->count, sizeof *s->names, compare_texts);
}

static void note_fit(struct candidates *c, const char *name, size_t length) {
    for (int i = 0; i < c->count; i++) {
        struct candidate *old = &c->item[i];
        if (old->length == length && strncmp(old->name, name, length) == 0) {
            old->fits++;
            return;
        }
    }
    if (c->count < CANDIDATES)
        c->item[c->count++] = (struct candidate){.name = name, .length = length, .fits = 1};
}

static void find_fits(struct candidates *c, const struct sorted *theirs,
                      const struct sorted *ours) {
    for (int i = 0; i < theirs->count; i++) {
        const char *name = theirs->names[i], *dot = name;
        for (int k = 0; k < DOTS && (dot = strchr(dot, '.')); k++)
            if (is_in(ours, ++dot) && !is_in(theirs, dot))
                note_fit(c, name, (size_t)(dot - name));
    }
}

static void count_holders(struct candidate *k, const struct sorted *theirs,
                          const struct sorted *ours) {
    for (int i = 0; i < theirs->count; i++) {
        if (strncmp(theirs->names[i], k->name, k->length) != 0)
            continue;
        k->has++;
        k->lost += is_in(ours, theirs->names[i]);
    }
}

// More fits than before, and no accident: most names that have it fit.
static bool is_good(const struct candidate *k) {
    return k->fits > k->lost && 2 * k->fits > k->has;
}

// NULL: no prefix. *rival is another that is as good.
static const struct candidate *choose(const struct candidates *c, const struct candidate **rival) {
    const struct candidate *best = NULL;
    *rival = NULL;
    for (int i = 0; i < c->count; i++) {
        const struct candidate *k = &c->item[i];
        int gain = k->fits - k->lost, most = best ? best->fits - best->lost : 0;
        if (!is_good(k) || gain < most)
            continue;
        *rival = gain == most ? best : NULL;
        best = k;
    }
    return best;
}

static void take_off(struct name_map *map, const struct candidate *k) {
    map->prefix = xstrndup(k->name, k->length);
    for (int i = 0; i < map->count; i++) {
        char *name = map->names[i];
        if (!begins(name, map->prefix))
            continue;
        map->prefix_count++;
        map->names[i] = xstrdup(name + strlen(map->prefix));
        free(name);
    }
}

static struct sorted sort_params(const struct model *model) {
    char **names = xcalloc((size_t)model->param_count, sizeof *names);
    for (int i = 0; i < model->param_count; i++)
        names[i] = model->params[i].name;
    struct sorted s = sort_names(names, model->param_count);
    free(names);
    return s;
}

static void find_prefixes(struct candidates *c, const struct name_map *map,
                          const struct model *model) {
    struct sorted ours = sort_params(model), theirs = sort_names(map->names, map->count);
    find_fits(c, &theirs, &ours);
    for (int i = 0; i < c->count; i++)
        count_holders(&c->item[i], &theirs, &ours);
    free(ours.names);
    free(theirs.names);
}

static bool strip_prefix(struct name_map *map, const struct model *model, struct error *error) {
    struct candidates c = {0};
    find_prefixes(&c, map, model);
    const struct candidate *rival, *best = choose(&c, &rival);
    if (rival)
        return error_set(error,
                         "names fit %s without '%.*s' as well as without '%.*s'; choose with "
                         "model.rename, as in [%.*s]",
                         model->arch, (int)rival->length, rival->name, (int)best->length,
                         best->name, (int)rival->length - 1, rival->name);
    if (best)
        take_off(map, best);
    return true;
}

// ---- The map.

static bool check_distinct(const struct name_map *map, struct error *error) {
    struct sorted s = sort_names(map->names, map->count);
    bool good = true;
    for (int i = 1; i < s.count && good; i++)
        if (strcmp(s.names[i - 1], s.names[i]) == 0)
            good =
                error_set(error, "two tensors of the file would both be called '%s' in the model",
                          s.names[i]);
    free(s.names);
    return good;
}

bool name_map_make(struct name_map *map, const struct weight_file *file, const struct model *model,
                   char *const *rules, int rule_count, struct error *error) {
    *map = (struct name_map){.count = file->count};
    map->names = xcalloc((size_t)file->count, sizeof *map->names);
    for (int i = 0; i < file->count; i++)
        map->names[i] = xstrdup(file->entries[i].name);
    bool good = true;
    for (int i = 0; i < rule_count && good; i++)
        good = apply_rule(map, rules[i], error);
    if (good) {
        note_renamed(map, file);
        good = strip_prefix(map, model, error) && check_distinct(map, error);
    }
    if (!good)
        name_map_close(map);
    return good;
}

void name_map_close(struct name_map *map) {
    for (int i = 0; i < map->count; i++)
        free(map->names[i]);
    for (int i = 0; i < map->renamed_count; i++)
        free(map->renamed[i]);
    free(map->names);
    free(map->renamed);
    free(map->prefix);
    *map = (struct name_map){0};
}

int name_map_find(const struct name_map *map, const char *name) {
    for (int i = 0; i < map->count; i++)
        if (strcmp(map->names[i], name) == 0)
            return i;
    return -1;
}

static bool all_begin(const struct weight_file *file, size_t at, const char *with) {
    for (int i = 0; i < file->count; i++)
        if (!begins(file->entries[i].name + at, with) || !file->entries[i].name[at + strlen(with)])
            return false;
    return file->count > 0;
}

size_t name_map_wrapper(const struct weight_file *file) {
    static const char *const wrappers[] = {"module.", "_orig_mod."};
    size_t length = 0, before;
    do {
        before = length;
        for (int i = 0; i < 2; i++)
            if (all_begin(file, length, wrappers[i]))
                length += strlen(wrappers[i]);
    } while (length > before);
    return length;
}
