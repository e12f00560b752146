// What to learn from, and what to validate on.
#include "data/dataset.h"

#include "base/xalloc.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum part { NEITHER, TRAIN, VALIDATION };

// The samples of each class, ascending: those of class k are member[start[k]] and on, up to
// start[k + 1].
static void order_classes(const struct dataset *d, int *start, int *member) {
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

// What is asked of one class of n samples.
struct goal {
    int n, held, train; // train 0: all that remain
};

static bool set_goal(struct goal *goal, const struct dataset *d, int class, int n, int limit,
                     double validation, struct error *error) {
    int64_t held = validation < 1 ? llround(validation * n) : (int64_t)validation;
    int64_t need = held + (limit > 0 ? limit : 1);
    *goal = (struct goal){.n = n, .train = limit};
    if (n == 0)
        return true;
    if (need > n)
        return error_set(error,
                         "%s: class %d (%s) has %d samples, but %lld for validation and %d for "
                         "training need %lld",
                         d->name, class, d->class_names[class], n, (long long)held,
                         limit > 0 ? limit : 1, (long long)need);
    goal->held = (int)held;
    return true;
}

// Holds back the last ones of one class's samples in their order.
static void hold_class(const struct goal *goal, const int *member, const int *order,
                       unsigned char *part) {
    for (int i = goal->n - goal->held; i < goal->n; i++)
        part[member[order[i]]] = VALIDATION;
}

// Takes the first ones of those that are not held back.
static void train_class(const struct goal *goal, const int *member, const int *order,
                        unsigned char *part) {
    int left = goal->train > 0 ? goal->train : goal->n;
    for (int i = 0; i < goal->n && left > 0; i++)
        if (part[member[order[i]]] == NEITHER) {
            part[member[order[i]]] = TRAIN;
            left--;
        }
}

static void split_class(const struct dataset *d, int class, const struct goal *goal,
                        const int *member, uint64_t seed, unsigned char *part) {
    int *order = xmalloc(((size_t)goal->n + 1) * sizeof *order);
    random_permutation(random_key(seed, RANDOM_SPLIT, 0), (uint32_t) class, 0, goal->n, order);
    if (!d->groups)
        hold_class(goal, member, order, part);
    train_class(goal, member, order, part);
    free(order);
}

// Groups

enum { ROUNDS = 20 };

struct grouped {
    int group, sample;
};

static int by_group(const void *a, const void *b) {
    const struct grouped *x = a, *y = b;
    return x->group != y->group ? (x->group > y->group) - (x->group < y->group)
                                : (x->sample > y->sample) - (x->sample < y->sample);
}

struct group_list {
    struct grouped *all; // samples by their groups
    int *first;          // [count + 1]: where each group begins in `all`
    int count;
};

static struct group_list order_groups(const struct dataset *d) {
    struct group_list list = {.all = xmalloc(((size_t)d->count + 1) * sizeof *list.all),
                              .first = xmalloc(((size_t)d->count + 1) * sizeof *list.first)};
    for (int i = 0; i < d->count; i++)
        list.all[i] = (struct grouped){d->groups[i], i};
    qsort(list.all, (size_t)d->count, sizeof *list.all, by_group);
    for (int i = 0; i < d->count; i++)
        if (i == 0 || list.all[i].group != list.all[i - 1].group)
            list.first[list.count++] = i;
    list.first[list.count] = d->count;
    return list;
}

static void close_groups(struct group_list *list) {
    free(list->all);
    free(list->first);
}

int dataset_group_count(const struct dataset *d) {
    if (!d->groups)
        return 0;
    struct group_list list = order_groups(d);
    close_groups(&list);
    return list.count;
}

// Whether a group should change sides; `sign`: 1 to be held back, -1 to go back to training.
// `held`: of each class, so far; `own`: of each class in this group.
static bool should_change(const struct goal *goals, int classes, const int *held, const int *own,
                          int sign) {
    double change = 0; // of the sum of squares
    for (int k = 0; k < classes; k++) {
        if (own[k] == 0)
            continue;
        double before = held[k] - goals[k].held, after = before + sign * own[k];
        change += (after * after - before * before) / ((double)goals[k].n * goals[k].n);
        int left = goals[k].n - held[k] - sign * own[k];
        if (sign > 0 && left < (goals[k].train > 0 ? goals[k].train : 1))
            return false;
    }
    return change < -1e-12;
}

// Goes through the groups once; returns whether any changed sides.
static bool change_groups(const struct dataset *d, const struct goal *goals,
                          const struct group_list *list, const int *order, int *held,
                          unsigned char *part) {
    int *own = xcalloc((size_t)d->classes, sizeof *own);
    bool changed = false;
    for (int g = 0; g < list->count; g++) {
        int from = list->first[order[g]], to = list->first[order[g] + 1];
        memset(own, 0, (size_t)d->classes * sizeof *own);
        for (int i = from; i < to; i++)
            own[d->labels[list->all[i].sample]]++;
        int sign = part[list->all[from].sample] == VALIDATION ? -1 : 1;
        if (!should_change(goals, d->classes, held, own, sign))
            continue;
        for (int i = from; i < to; i++) {
            part[list->all[i].sample] = sign > 0 ? VALIDATION : NEITHER;
            held[d->labels[list->all[i].sample]] += sign;
        }
        changed = true;
    }
    free(own);
    return changed;
}

static void hold_groups(const struct dataset *d, const struct goal *goals, uint64_t seed,
                        unsigned char *part) {
    struct group_list list = order_groups(d);
    int *order = xmalloc(((size_t)list.count + 1) * sizeof *order);
    int *held = xcalloc((size_t)d->classes, sizeof *held);
    random_permutation(random_key(seed, RANDOM_SPLIT, 1), 0, 0, list.count, order);
    for (int round = 0; round < ROUNDS; round++)
        if (!change_groups(d, goals, &list, order, held, part))
            break;
    close_groups(&list);
    free(order);
    free(held);
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
    struct goal *goals = xcalloc((size_t)d->classes, sizeof *goals);
    bool fine = true;
    order_classes(d, start, member);
    for (int k = 0; k < d->classes && fine; k++)
        fine = set_goal(&goals[k], d, k, start[k + 1] - start[k], limit, validation, error);
    if (fine && d->groups)
        hold_groups(d, goals, seed, part);
    for (int k = 0; k < d->classes && fine; k++)
        split_class(d, k, &goals[k], member + start[k], seed, part);
    if (fine) {
        out->train = gather(part, d->count, TRAIN, &out->train_count);
        out->validation = gather(part, d->count, VALIDATION, &out->validation_count);
    }
    free(start);
    free(member);
    free(part);
    free(goals);
    return fine;
}

void split_close(struct split *s) {
    free(s->train);
    free(s->validation);
    *s = (struct split){0};
}
