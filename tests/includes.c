// Dependencies run one way: ui -> models, datasets -> src; base below the rest of src. The #include
// lines tell.
#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A folder may include what begins with one of these (a file beside it has the folder's own name).
// "" closes the list; system headers are ruled below.
struct layer {
    const char *folder;
    const char *may[8];
};

static const struct layer layers[] = {
    {"src/base/", {"base/"}},
    {"src/ops/", {"base/", "ops/"}},
    {"src/checkpoint/", {"base/", "ops/", "checkpoint/", "model/"}},
    {"models/", {"base/", "models/", "model/", "experiment/experiment_tree.h"}},
    {"datasets/", {"base/", "datasets/", "data/crop.h", "data/dataset.h"}},
};

// Headers of libraries, and the files that alone may include them.
static const struct {
    const char *header, *place;
} libraries[] = {
    {"<cairo", "ui/report/chart_file.c"},
    {"<fontconfig", "ui/report/chart_file.c"},
    {"<cblas.h>", "src/base/blas.c"},
    {"<curses.h>", "ui/workbench/"},
    {"<ncurses.h>", "ui/workbench/"},
    {"<stb_image.h>", "datasets/"},
    {"<stb/stb_image.h>", "datasets/"},
    {"<utf8proc.h>", "datasets/unicode.c"},
    {"<yaml.h>", "src/experiment/"},
    {"<yaml.h>", "src/sweep/sweep_read.c"},
    {"<zlib.h>", "datasets/"},
    {"<xxhash.h>", "src/base/hash.c"},
    {"<zlib.h>", "src/checkpoint/torch_zip.c"},
};

static const char *source_root(void) {
    const char *root = getenv("THAW_SOURCE");
    return root ? root : ".";
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static bool allowed_by_layer(const char *file, const char *included) {
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        if (!begins(file, layers[i].folder))
            continue;
        for (int k = 0; k < 8 && layers[i].may[k]; k++)
            if (begins(included, layers[i].may[k]))
                return true;
        return false;
    }
    // The rest of src knows no screen, no architecture, no data set; models and datasets no screen.
    if (begins(file, "src/"))
        return !begins(included, "ui/") && !begins(included, "models/") &&
               !begins(included, "datasets/");
    if (begins(file, "ui/report/"))
        return !begins(included, "ui/workbench/") && !begins(included, "ui/cli/");
    return true;
}

static bool allowed_by_library(const char *file, const char *included) {
    bool known = false;
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        if (!begins(included, libraries[i].header))
            continue;
        if (begins(file, libraries[i].place))
            return true;
        known = true;
    }
    return !known;
}

static void check_line(const char *file, int number, const char *line, int *bad) {
    char target[256];
    bool ok = true;
    if (sscanf(line, "#include \"%255[^\"]", target) == 1)
        ok = allowed_by_layer(file, target);
    else if (sscanf(line, "#include %255s", target) == 1)
        ok = allowed_by_library(file, target);
    if (ok)
        return;
    print_error("%s:%d must not include %s\n", file, number, target);
    ++*bad;
}

static int files_read, bad_lines;

static void check_file(const char *file) {
    char *path = files_join(source_root(), file);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char line[1024];
    for (int number = 1; fgets(line, sizeof line, in); number++)
        check_line(file, number, line, &bad_lines);
    fclose(in);
    free(path);
    files_read++;
}

static bool is_source(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0);
}

// `folder` is relative to the root and ends with a slash.
static void walk(const char *folder) {
    char *path = files_join(source_root(), folder);
    DIR *dir = opendir(path);
    if (!dir) {
        free(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = xprintf("%s%s", folder, entry->d_name);
        char *full = files_join(source_root(), below);
        struct stat info;
        if (stat(full, &info) == 0 && S_ISDIR(info.st_mode)) {
            char *deeper = xprintf("%s/", below);
            walk(deeper);
            free(deeper);
        } else if (is_source(entry->d_name)) {
            check_file(below);
        }
        free(full);
        free(below);
    }
    closedir(dir);
    free(path);
}

static void dependencies_run_one_way(void **state) {
    (void)state;
    static const char *const folders[] = {"src/", "models/", "datasets/", "ui/"};
    for (int i = 0; i < 4; i++)
        walk(folders[i]);
    assert_true(files_read > 50);
    assert_int_equal(bad_lines, 0);
}

static void the_check_itself_notices(void **state) {
    (void)state;
    int bad = 0;
    check_line("src/base/pool.c", 1, "#include \"model.h\"", &bad);
    check_line("src/plan/plan.c", 1, "#include \"ui/setup.h\"", &bad);
    check_line("models/cnn.c", 1, "#include \"datasets/idx.h\"", &bad);
    check_line("src/ops/linear.c", 1, "#include <cblas.h>", &bad);
    check_line("ui/cli/run.c", 1, "#include <curses.h>", &bad);
    check_line("ui/report/metrics.c", 1, "#include \"ui/workbench/scene.h\"", &bad);
    assert_int_equal(bad, 6);
    check_line("ui/setup.c", 1, "#include \"datasets/idx.h\"", &bad);
    check_line("src/base/blas.c", 1, "#include <cblas.h>", &bad);
    assert_int_equal(bad, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_itself_notices),
        cmocka_unit_test(dependencies_run_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
