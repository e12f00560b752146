#include "data/class_weights.h"

#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

static void balance(float *weights, const struct dataset *d) {
    int *count = xcalloc((size_t)d->classes, sizeof *count), present = 0;
    for (int i = 0; i < d->count; i++)
        count[d->labels[i]]++;
    for (int k = 0; k < d->classes; k++)
        present += count[k] > 0;
    for (int k = 0; k < d->classes; k++)
        if (count[k] > 0)
            weights[k] = (float)(d->count / ((double)present * count[k]));
    free(count);
}

static int find_class(const struct dataset *d, const char *name, struct error *error) {
    for (int k = 0; k < d->classes; k++)
        if (strcmp(d->class_names[k], name) == 0)
            return k;
    struct text near = {0};
    text_nearest(&near, name, (const char *const *)d->class_names, d->classes);
    error_set(error, "there is no class '%s' in %s; did you mean %s?", name, d->name, near.data);
    text_free(&near);
    return -1;
}

// "malignant 4": the last space parts the two, as names may have spaces.
static bool weigh(float *weights, bool *given, const char *item, const struct dataset *d,
                  struct error *error) {
    const char *space = strrchr(item, ' ');
    double weight;
    if (!space || !text_to_real(space + 1, &weight) || weight < 0 || weight > 1e6)
        return error_set(error,
                         "'%s' is no weight; write a class and a number from 0 to 1000000, such as "
                         "'%s 2.5', or balanced alone",
                         item, d->class_names[0]);
    char *name = xstrndup(item, (size_t)(space - item));
    int class = find_class(d, name, error);
    free(name);
    if (class < 0)
        return false;
    if (given[class])
        return error_set(error, "class '%s' has two weights; give one", d->class_names[class]);
    given[class] = true;
    weights[class] = (float)weight;
    return true;
}

// A loss that weighs nothing trains nothing.
static bool check_sum(const float *weights, const struct dataset *d, struct error *error) {
    for (int i = 0; i < d->count; i++)
        if (weights[d->labels[i]] > 0)
            return true;
    return error_set(error, "all training samples weigh 0; give one of their classes more");
}

static bool weigh_all(float *weights, const struct text_list *list, const struct dataset *d,
                      struct error *error) {
    bool *given = xcalloc((size_t)d->classes, sizeof *given), ok = true;
    for (int i = 0; ok && i < list->count; i++)
        ok = weigh(weights, given, list->item[i], d, error);
    free(given);
    return ok && check_sum(weights, d, error);
}

bool class_weights_open(float **out, const struct experiment *e, const struct dataset *train,
                        struct error *error) {
    const struct text_list *list = &e->train.class_weights;
    *out = NULL;
    if (list->count == 0)
        return true;
    float *weights = xmalloc((size_t)train->classes * sizeof *weights);
    for (int k = 0; k < train->classes; k++)
        weights[k] = 1;
    bool balanced = list->count == 1 && strcmp(list->item[0], "balanced") == 0, ok = true;
    if (balanced)
        balance(weights, train);
    else
        ok = weigh_all(weights, list, train, error);
    if (ok) {
        *out = weights;
        return true;
    }
    free(weights);
    return error_prefix(error, "train.class_weights: ");
}

void class_weights_text(struct text *t, const float *weights, const struct dataset *train) {
    for (int k = 0; k < train->classes; k++)
        text_add(t, "%s%s %.3g", k ? ", " : "", train->class_names[k], (double)weights[k]);
}
