#include "datasets/datasets.h"

#include "base/files.h"
#include "idx_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool open_kind(const char *name, const char *path, struct dataset_pair *pair,
                      struct error *e) {
    *e = (struct error){0};
    const struct dataset_kind *kind = dataset_find(name, e);
    assert_non_null(kind);
    return kind->open(&(struct dataset_request){.path = path}, pair, e);
}

static void finds_by_name(void **state) {
    (void)state;
    struct error e = {0};
    for (int i = 0; i < dataset_kind_count; i++) {
        assert_ptr_equal(dataset_find(dataset_kinds[i].name, &e), &dataset_kinds[i]);
        assert_true(*dataset_kinds[i].help && *dataset_kinds[i].license);
    }
    assert_null(dataset_find("fashion", &e));
    assert_non_null(strstr(e.text, "there is no data set \"fashion\": did you mean fashion-mini"));
}

static void opens_the_embedded(void **state) {
    (void)state;
    struct dataset_pair pair;
    struct error e;
    float image[784];
    assert_true(open_kind("fashion-mini", "", &pair, &e));
    assert_int_equal(pair.train->count, 3000);
    assert_int_equal(pair.test->count, 2000);
    assert_string_equal(pair.test->class_names[9], "Ankle boot");
    pair.test->read(pair.test, 0, image);
    for (int i = 0; i < 784; i++)
        assert_true(image[i] >= 0 && image[i] <= 1);
    dataset_pair_close(&pair);
    assert_true(open_kind("digits", NULL, &pair, &e));
    assert_int_equal(pair.train->count, 1000);
    assert_string_equal(pair.train->class_names[9], "9");
    dataset_pair_close(&pair);
    assert_false(open_kind("digits", "here", &pair, &e));
    assert_string_equal(e.text, "digits is built in and takes no data.path, but has \"here\"");
}

static void opens_debians_package(void **state) {
    (void)state;
    struct dataset_pair pair;
    struct error e;
    if (!open_kind("fashion-mnist", "", &pair, &e)) {
        assert_non_null(strstr(e.text, "install Debian's dataset-fashion-mnist"));
        print_message("%s\n", e.text);
        skip();
    }
    assert_int_equal(pair.train->count, 60000);
    assert_int_equal(pair.test->count, 10000);
    assert_string_equal(pair.train->class_names[pair.train->labels[0]], "Ankle boot");
    dataset_pair_close(&pair);
}

static void put(const char *directory, const char *name, struct bytes b, bool packed) {
    char *path = files_join(directory, name);
    struct bytes z = gzip_bytes(b);
    struct bytes written = packed ? z : b;
    assert_true(files_write(path, written.data, written.size, NULL));
    free(path);
    free(z.data);
    free(b.data);
}

static void assert_fails(const char *directory, const char *text) {
    struct dataset_pair pair;
    struct error e;
    assert_false(open_kind("idx", directory, &pair, &e));
    assert_null(pair.train);
    assert_null(pair.test);
    if (!strstr(e.text, text))
        fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

// Files come one by one until the directory is whole.
static void opens_a_directory(void **state) {
    (void)state;
    char directory[] = "thaw-datasets-XXXXXX";
    struct dataset_pair pair;
    struct error e;
    assert_non_null(mkdtemp(directory));
    assert_fails("", "idx: set data.path to a directory with train-images-idx3-ubyte");
    assert_fails(directory, "there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz");
    put(directory, "train-images-idx4-ubyte.gz",
        idx_bytes((const uint32_t[4]){5, 2, 3, 3}, 90, 251), true);
    assert_fails(directory, "there is no train-labels-idx1-ubyte");
    put(directory, "train-labels-idx1-ubyte", idx_bytes((const uint32_t[4]){5}, 5, 4), false);
    assert_fails(directory, "there is no t10k-images-idx3-ubyte");
    put(directory, "t10k-images-idx3-ubyte", idx_bytes((const uint32_t[4]){2, 2, 3}, 12, 251),
        false);
    put(directory, "t10k-labels-idx1-ubyte", idx_bytes((const uint32_t[4]){2}, 2, 2), false);
    assert_fails(directory, "training images are 3x2x3, but test images 1x2x3");
    put(directory, "t10k-images-idx3-ubyte", idx_bytes((const uint32_t[4]){2, 2, 3, 3}, 36, 251),
        false);
    assert_true(open_kind("idx", directory, &pair, &e));
    // The test images have classes 0 and 1 only, but share the training images' four.
    assert_int_equal(pair.train->classes, 4);
    assert_int_equal(pair.test->classes, 4);
    dataset_pair_close(&pair);
    put(directory, "t10k-labels-idx1-ubyte", idx_bytes((const uint32_t[4]){2}, 2, 8), false);
    assert_fails(directory, "sample 1 has label 7, but the classes are 0 to 3");
    put(directory, "train-labels-idx1-ubyte", idx_bytes((const uint32_t[4]){4}, 4, 4), false);
    assert_fails(directory, "train-labels-idx1-ubyte: 5 images, but 4 labels");
    // Clothes have ten classes, whatever the labels in the directory are.
    put(directory, "train-labels-idx1-ubyte", idx_bytes((const uint32_t[4]){5}, 5, 4), false);
    assert_true(open_kind("fashion-mnist", directory, &pair, &e));
    assert_int_equal(pair.train->classes, 10);
    dataset_pair_close(&pair);
    files_remove(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(opens_the_embedded),
        cmocka_unit_test(opens_debians_package),
        cmocka_unit_test(opens_a_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
