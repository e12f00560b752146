// The classes that a person's labels name.
#ifndef THAW_DATASETS_CLASSES_H
#define THAW_DATASETS_CLASSES_H

#include <stdbool.h>

struct classes {
    char **names; // different ones, in order
    int count;
    bool numbers; // all are whole numbers, and in their order
};

// The different names among the labels (copied), in the order of their bytes, or of their numbers
// when all are whole numbers.
struct classes classes_of(const char *const *labels, int count);
void classes_close(struct classes *c);

// The class of this name, or -1. Takes a number of comparisons that is the logarithm of theirs.
int classes_find(const struct classes *c, const char *name);

#endif
