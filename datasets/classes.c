#include "datasets/classes.h"

#include "base/text.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_number(const void *a, const void *b) {
    int64_t x = 0, y = 0;
    text_to_int(*(const char *const *)a, &x);
    text_to_int(*(const char *const *)b, &y);
    return x != y ? (x > y) - (x < y) : by_name(a, b);
}

static bool all_numbers(const char *const *labels, int count) {
    int64_t value;
    for (int i = 0; i < count; i++)
        if (!text_to_int(labels[i], &value))
            return false;
    return true;
}

struct classes classes_of(const char *const *labels, int count) {
    struct classes c = {.numbers = all_numbers(labels, count)};
    const char **sorted = xmemdup(labels, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, c.numbers ? by_number : by_name);
    c.names = xmalloc(((size_t)count + 1) * sizeof *c.names);
    for (int i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            c.names[c.count++] = xstrdup(sorted[i]);
    free(sorted);
    return c;
}

void classes_close(struct classes *c) {
    for (int i = 0; i < c->count; i++)
        free(c->names[i]);
    free(c->names);
    *c = (struct classes){0};
}

int classes_find(const struct classes *c, const char *name) {
    const char *const *found = bsearch(&name, c->names, (size_t)c->count, sizeof *c->names,
                                       c->numbers ? by_number : by_name);
    return found ? (int)(found - (const char *const *)c->names) : -1;
}
