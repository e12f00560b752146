// Files that no one on this project wrote, beside the repository: tests skip where they are not.
#ifndef THAW_TESTS_SHARED_H
#define THAW_TESTS_SHARED_H

#include "base/files.h"
#include "base/xalloc.h"
#include <stdlib.h>

// The caller frees.
static inline char *shared_path(const char *name) {
    const char *shared = getenv("THAW_SHARED"), *source = getenv("THAW_SOURCE");
    if (shared)
        return files_join(shared, name);
    return xprintf("%s/../shared/%s", source ? source : ".", name);
}

static inline bool shared_exists(const char *name) {
    char *path = shared_path(name);
    bool exists = files_exist(path);
    free(path);
    return exists;
}

#endif
