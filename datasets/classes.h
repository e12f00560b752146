// The classes that a person's labels name.
#ifndef THAW_DATASETS_CLASSES_H
#define THAW_DATASETS_CLASSES_H

struct classes {
    char **names; // different ones, in order
    int count;
};

// The different names among the labels (copied), in the order of their bytes, or of their numbers
// when all are whole numbers.
struct classes classes_of(const char *const *labels, int count);
void classes_close(struct classes *c);

// The class of this name, or -1.
int classes_find(const struct classes *c, const char *name);

#endif
