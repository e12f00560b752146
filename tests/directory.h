// A directory of a test's own: *state is its path.
#ifndef THAW_TESTS_DIRECTORY_H
#define THAW_TESTS_DIRECTORY_H

#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static inline int make_directory(void **state) {
    const char *parent = getenv("TMPDIR");
    *state = files_join(parent ? parent : P_tmpdir, "thaw-test-XXXXXX");
    return mkdtemp(*state) ? 0 : -1;
}

// With all that is in it.
static inline int remove_directory(void **state) {
    char *command = xprintf("rm -r '%s'", (char *)*state);
    int code = system(command);
    free(command);
    free(*state);
    return code;
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

#endif
