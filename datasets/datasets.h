// The table of data sets that an experiment may name.
#ifndef THAW_DATASETS_DATASETS_H
#define THAW_DATASETS_DATASETS_H

#include "dataset.h"

// Training and test samples: shapes, classes and class names are the same.
struct dataset_pair {
    struct dataset *train, *test;
};

struct dataset_kind {
    const char *name, *help, *license;
    // Reads both parts; the caller closes them with dataset_pair_close. `path` is the experiment's
    // data.path ("" or NULL: the default place). Errors name the file.
    bool (*open)(const char *path, struct dataset_pair *out, struct error *error);
};

extern const struct dataset_kind dataset_kinds[];
extern const int dataset_kind_count;

// NULL after an error, which lists the nearest names.
const struct dataset_kind *dataset_find(const char *name, struct error *error);

void dataset_pair_close(struct dataset_pair *pair);

#endif
