// What to learn from, and what to validate on.
#include "dataset.h"

#include "base/xalloc.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum part { NEITHER, TRAIN, VALIDATION };

// The samples of each class, ascending: those of class k are member[start[k]] and on, up to
// start[k + 1].
static void group_by_class(const struct dataset *d, int *start, int *member) {
    memset(start, 0, ((size_t)d->classes + 1) * sizeof *start);
    for (int i = 0; i < d->count; i++)
        start[d->labels[i] + 1]++;
    for (int k = 0; k < d->classes; k++)
        start[k + 1] += start[k];
    int *next = xmemdup(start, (size_t)d->classes * sizeof *start);
    for (int i = 0; i < d->count; i++)
        member[next[d->labels[i]]++] = i;
    free(next);
}

// Marks the parts of one class's n samples.
static bool split_class(const struct dataset *d, int class, const int *member, int n, uint64_t seed,
                        int limit, double validation, unsigned char *part, struct error *error) {
    int64_t held = validation < 1 ? llround(validation * n) : (int64_t)validation;
    int64_t need = held + (limit > 0 ? limit : 1);
    if (n == 0)
        return true;
    if (need > n)
        return error_set(error,
                         "%s: class %d (%s) has %d samples, but %lld for validation and %d for "
                         "training need %lld",
                         d->name, class, d->class_names[class], n, (long long)held,
                         limit > 0 ? limit : 1, (long long)need);
    int *order = xmalloc((size_t)n * sizeof *order);
    random_permutation(random_key(seed, RANDOM_SPLIT, 0), (uint32_t) class, 0, n, order);
    int train = limit > 0 ? limit : n - (int)held;
    for (int i = 0; i < n; i++)
        if (i < train)
            part[member[order[i]]] = TRAIN;
        else if (i >= n - (int)held)
            part[member[order[i]]] = VALIDATION;
    free(order);
    return true;
}

static int *gather(const unsigned char *part, int count, enum part wanted, int *out_count) {
    int *list = xmalloc((size_t)count * sizeof *list), n = 0;
    for (int i = 0; i < count; i++)
        if (part[i] == wanted)
            list[n++] = i;
    *out_count = n;
    return list;
}

bool dataset_split(const struct dataset *d, uint64_t seed, int limit, double validation,
                   struct split *out, struct error *error) {
    assert(limit >= 0);
    *out = (struct split){0};
    if (!(validation >= 0 && validation <= 1e9) ||
        (validation >= 1 && validation != floor(validation)))
        return error_set(error,
                         "validation is %g: a fraction of each class below 1, or a whole number of "
                         "samples per class, would be right",
                         validation);
    int *start = xmalloc(((size_t)d->classes + 1) * sizeof *start);
    int *member = xmalloc((size_t)d->count * sizeof *member);
    unsigned char *part = xcalloc((size_t)d->count, 1);
    bool fine = true;
    group_by_class(d, start, member);
    for (int k = 0; k < d->classes && fine; k++)
        fine = split_class(d, k, member + start[k], start[k + 1] - start[k], seed, limit,
                           validation, part, error);
    if (fine) {
        out->train = gather(part, d->count, TRAIN, &out->train_count);
        out->validation = gather(part, d->count, VALIDATION, &out->validation_count);
    }
    free(start);
    free(member);
    free(part);
    return fine;
}

void split_close(struct split *s) {
    free(s->train);
    free(s->validation);
    *s = (struct split){0};
}
