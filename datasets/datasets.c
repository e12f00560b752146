#include "datasets/datasets.h"

#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/embedded.h"
#include "datasets/folder.h"
#include "datasets/idx.h"
#include "datasets/texts.h"
#include <stdlib.h>
#include <string.h>

static const char *const clothes[] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot",
};

static const struct idx_meaning fashion_meaning = {"fashion-mnist", clothes, 10, 255};
static const struct idx_meaning fashion_mini_meaning = {"fashion-mini", clothes, 10, 255};
static const struct idx_meaning digits_meaning = {"digits", NULL, 10, 16};
static const struct idx_meaning idx_meaning = {"idx", NULL, 0, 255};

// Where Debian's dataset-fashion-mnist puts its files.
static const char fashion_directory[] = "/usr/share/datasets/fashion-mnist";

// The path of the first of `names` that the directory has, plain or packed; the caller frees.
static char *find_file(const char *directory, const char *const *names, int count,
                       struct error *error) {
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 2 * count; i++) {
        char *name = xprintf("%s%s", names[i / 2], endings[i % 2]);
        char *path = files_join(directory, name);
        free(name);
        if (files_exist(path))
            return path;
        free(path);
    }
    error_set(error, "%s: there is no %s or %s.gz", directory, names[0], names[0]);
    return NULL;
}

// One part, "train" or "t10k".
static struct dataset *open_part(const char *directory, const char *part,
                                 const struct idx_meaning *meaning, struct error *error) {
    struct dataset *d = NULL;
    char *flat = xprintf("%s-images-idx3-ubyte", part),
         *deep = xprintf("%s-images-idx4-ubyte", part);
    char *label = xprintf("%s-labels-idx1-ubyte", part);
    char *images = find_file(directory, (const char *const[]){flat, deep}, 2, error);
    char *labels = images ? find_file(directory, (const char *const[]){label}, 1, error) : NULL;
    if (labels)
        d = idx_open(images, labels, meaning, error);
    free(flat);
    free(deep);
    free(label);
    free(images);
    free(labels);
    return d;
}

static bool open_directory(const char *directory, const struct idx_meaning *meaning,
                           struct dataset_pair *out, struct error *error) {
    *out = (struct dataset_pair){0};
    out->train = open_part(directory, "train", meaning, error);
    if (!out->train)
        return false;
    // A class may be missing among the test images; one that training never saw is an error.
    struct idx_meaning same = *meaning;
    same.classes = out->train->classes;
    out->test = open_part(directory, "t10k", &same, error);
    if (out->test && !shape_equal(out->train->shape, out->test->shape)) {
        char train[32], test[32];
        error_set(error, "%s: training images are %s, but test images %s", directory,
                  shape_text(out->train->shape, train), shape_text(out->test->shape, test));
        dataset_close(out->test);
        out->test = NULL;
    }
    if (!out->test)
        dataset_pair_close(out);
    return out->test != NULL;
}

static bool has_path(const char *path) {
    return path && *path;
}

static bool fashion_open(const struct dataset_request *r, struct dataset_pair *out,
                         struct error *error) {
    const char *path = r->path;
    *out = (struct dataset_pair){0};
    if (!has_path(path) && !files_exist(fashion_directory))
        return error_set(
            error,
            "fashion-mnist: there is no %s: install Debian's dataset-fashion-mnist, or "
            "set data.path to a directory with the four files",
            fashion_directory);
    return open_directory(has_path(path) ? path : fashion_directory, &fashion_meaning, out, error);
}

static bool idx_pair_open(const struct dataset_request *r, struct dataset_pair *out,
                          struct error *error) {
    const char *path = r->path;
    *out = (struct dataset_pair){0};
    if (!has_path(path))
        return error_set(error, "idx: set data.path to a directory with train-images-idx3-ubyte, "
                                "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
                                "t10k-labels-idx1-ubyte, plain or .gz");
    return open_directory(path, &idx_meaning, out, error);
}

static bool open_embedded(const char *path, struct embedded_pair files,
                          const struct idx_meaning *meaning, struct dataset_pair *out,
                          struct error *error) {
    *out = (struct dataset_pair){0};
    if (has_path(path))
        return error_set(error, "%s is built in and takes no data.path, but has \"%s\"",
                         meaning->name, path);
    out->train = embedded_open(files.train, meaning, error);
    out->test = out->train ? embedded_open(files.test, meaning, error) : NULL;
    if (!out->test)
        dataset_pair_close(out);
    return out->test != NULL;
}

static bool fashion_mini_open(const struct dataset_request *r, struct dataset_pair *out,
                              struct error *error) {
    const char *path = r->path;
    return open_embedded(path, embedded_fashion(), &fashion_mini_meaning, out, error);
}

static bool digits_open(const struct dataset_request *r, struct dataset_pair *out,
                        struct error *error) {
    const char *path = r->path;
    return open_embedded(path, embedded_digits(), &digits_meaning, out, error);
}

const struct dataset_kind dataset_kinds[] = {
    {"fashion-mini", "clothes, 28x28 grey: 3,000 for training, 2,000 for testing; built in",
     "MIT, (c) 2017 Zalando SE", fashion_mini_open},
    {"digits", "hand-written digits, 8x8 grey: 1,000 for training, 797 for testing; built in",
     "CC BY 4.0, E. Alpaydin and C. Kaynak", digits_open},
    {"definitions", "what a noun's definition is of, 14 kinds: 4,200 and 2,800 texts; built in",
     "WordNet 3.0 license, (c) 2006 Princeton University", texts_definitions_open, .texts = true,
     .tokenizer = "wordnet"},
    {"fashion-mnist", "clothes, 28x28 grey: 60,000 and 10,000; Debian's package, or data.path",
     "MIT, (c) 2017 Zalando SE", fashion_open},
    {"idx", "your own images in four idx files, named as MNIST's, in the directory data.path",
     "yours", idx_pair_open},
    {"folder", "your own pictures: in data.path, a folder for each class, or a .csv of path,label",
     "yours", folder_open, .pictures = true},
    {"text",
     "your own texts: in data.path, a .csv, .tsv or .jsonl file, or a folder for each class",
     "yours", texts_open, .texts = true},
};

const int dataset_kind_count = sizeof dataset_kinds / sizeof dataset_kinds[0];

const struct dataset_kind *dataset_find(const char *name, struct error *error) {
    const char *names[sizeof dataset_kinds / sizeof dataset_kinds[0]];
    for (int i = 0; i < dataset_kind_count; i++) {
        names[i] = dataset_kinds[i].name;
        if (strcmp(name, names[i]) == 0)
            return &dataset_kinds[i];
    }
    struct text near = {0};
    text_nearest(&near, name, names, dataset_kind_count);
    error_set(error, "there is no data set \"%s\": did you mean %s?", name, near.data);
    text_free(&near);
    return NULL;
}

void dataset_pair_close(struct dataset_pair *pair) {
    dataset_close(pair->train);
    dataset_close(pair->test);
    dataset_close(pair->validation);
    free(pair->note);
    *pair = (struct dataset_pair){0};
}
