#include "datasets/shift_label.h"

#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

enum { RELABEL_PART = 1 }; // of the random stream; noise has 0

static bool refuse(const char *groups, struct error *error) {
    return error_set(
        error,
        "regroup: \"%s\" is no list of groups: class numbers with | between two groups "
        "or more, each class once, as in regroup \"0 2 4 | 1 3\", would be right",
        groups);
}

// Puts the class that `text` (of this length) names into group number `group`.
static bool add_class(const char *text, size_t length, int group, struct shift *out) {
    char word[8];
    int64_t class;
    if (length >= sizeof word)
        return false;
    memcpy(word, text, length);
    word[length] = '\0';
    if (!text_to_int(word, &class) || class < 0 || class >= SHIFT_CLASSES || out->group[class])
        return false;
    out->group[class] = (int16_t)(group + 1);
    return true;
}

bool shift_label_parse(const char *groups, struct shift *out, struct error *error) {
    size_t end = strlen(groups);
    const char *at = groups;
    int group = 0, members = 0;
    if (end >= 2 && groups[0] == '"' && groups[end - 1] == '"') {
        at++;
        end -= 2;
    }
    const char *stop = at + end;
    while (at < stop) {
        size_t length = strcspn(at, " |\"");
        if (length > 0) {
            if (!add_class(at, length, group, out))
                return refuse(groups, error);
            members++;
            at += length;
            continue;
        }
        if (*at == '"' || (*at == '|' && members == 0))
            return refuse(groups, error);
        if (*at++ == '|') {
            group++;
            members = 0;
        }
    }
    if (members == 0 || group == 0)
        return refuse(groups, error);
    out->groups = group + 1;
    return true;
}

bool shift_label_check(const struct shift *s, const struct dataset *d, struct error *error) {
    for (int class = d->classes; class < SHIFT_CLASSES; class ++)
        if (s->group[class])
            return error_set(error, "regroup: %s has no class %d: its classes are 0 to %d", d->name,
                             class, d->classes - 1);
    for (int i = 0; i < d->count; i++)
        if (d->labels[i] < SHIFT_CLASSES && s->group[d->labels[i]])
            return true;
    return error_set(error, "regroup: %s has no sample of the classes named", d->name);
}

static void shared_read(const struct dataset *d, int index, float *out) {
    const struct dataset *inner = d->self;
    inner->read(inner, index, out);
}

static bool shared_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                         struct error *error) {
    return dataset_fetch(d->self, index, crop, out, error);
}

static bool shared_hash(const struct dataset *d, int index, struct hash128 *out) {
    return dataset_hash(d->self, index, out);
}

static void shared_show(const struct dataset *d, int index, struct sample_text *out) {
    const struct dataset *inner = d->self;
    inner->show(inner, index, out);
}

static const char *shared_spell(const struct dataset *d, int id) {
    const struct dataset *inner = d->self;
    return inner->spell(inner, id);
}

static void shared_release(struct dataset *d) {
    dataset_close(d->self);
}

// A cyclic permutation, which has no fixed point (Sattolo, "An algorithm to generate a random
// cyclic permutation", 1986). One class stays where it is.
static void derange(uint64_t seed, int count, int *to) {
    struct random_key key = random_key(seed, RANDOM_SHIFT, RELABEL_PART);
    for (int i = 0; i < count; i++)
        to[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int j = (int)random_below(key, 0, 0, (uint64_t)i, (uint32_t)i);
        int other = to[j];
        to[j] = to[i];
        to[i] = other;
    }
}

struct dataset *shift_label_relabel(struct dataset *inner, uint64_t seed) {
    struct dataset *d = dataset_like(inner);
    int *to = xmalloc((size_t)d->classes * sizeof *to);
    derange(seed, d->classes, to);
    // The pointers are d's own copies: only their order changes.
    char **names = xmalloc((size_t)d->classes * sizeof *names);
    for (int k = 0; k < d->classes; k++)
        names[to[k]] = d->class_names[k];
    free(d->class_names);
    d->class_names = names;
    for (int i = 0; i < d->count; i++)
        d->labels[i] = to[d->labels[i]];
    free(to);
    d->self = inner;
    d->read = shared_read;
    d->fetch = shared_fetch;
    d->hash = shared_hash;
    d->show = inner->show ? shared_show : NULL;
    d->spell = inner->spell ? shared_spell : NULL;
    d->release = shared_release;
    return d;
}

// "T-shirt/top+Pullover" for each group; takes the place of the old names.
static void join_names(struct dataset *d, const struct shift *s) {
    char **names = xcalloc((size_t)s->groups, sizeof *names);
    for (int group = 0; group < s->groups; group++) {
        struct text t = {0};
        for (int k = 0; k < d->classes && k < SHIFT_CLASSES; k++)
            if (s->group[k] == group + 1)
                text_add(&t, "%s%s", t.length ? "+" : "", d->class_names[k]);
        names[group] = t.data;
    }
    for (int k = 0; k < d->classes; k++)
        free(d->class_names[k]);
    free(d->class_names);
    d->class_names = names;
    d->classes = s->groups;
}

struct dataset *shift_label_regroup(struct dataset *inner, const struct shift *s) {
    int *index = xmalloc((size_t)inner->count * sizeof *index), count = 0;
    for (int i = 0; i < inner->count; i++)
        if (inner->labels[i] < SHIFT_CLASSES && s->group[inner->labels[i]])
            index[count++] = i;
    struct dataset *d = dataset_subset(inner, index, count);
    free(index);
    for (int i = 0; i < d->count; i++)
        d->labels[i] = s->group[d->labels[i]] - 1;
    join_names(d, s);
    return d;
}
