#include "datasets/embedded.h"

#include "base/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct idx_meaning meaning = {"test", NULL, 10, 255};

static struct dataset *opened(struct embedded_files files) {
    struct error e = {0};
    struct dataset *d = embedded_open(files, &meaning, &e);
    if (!d)
        fail_msg("%s", e.text);
    return d;
}

static void count_classes(const struct dataset *d, int counts[10]) {
    memset(counts, 0, 10 * sizeof *counts);
    for (int i = 0; i < d->count; i++)
        counts[d->labels[i]]++;
}

static void fashion_is_balanced(void **state) {
    (void)state;
    for (int part = 0; part < 2; part++) {
        struct dataset *d = opened(part ? embedded_fashion().test : embedded_fashion().train);
        int counts[10], each = part ? 200 : 300;
        assert_true(shape_equal(d->shape, (struct shape){28, 28, 1}));
        assert_int_equal(d->count, 10 * each);
        count_classes(d, counts);
        for (int k = 0; k < 10; k++)
            assert_int_equal(counts[k], each);
        dataset_close(d);
    }
}

static void digits_are_the_uci_digits(void **state) {
    (void)state;
    // The first image, a zero, as published.
    static const int first[64] = {
        0, 0,  5, 13, 9,  1, 0,  0, 0,  0,  13, 15, 10, 15, 5, 0,  0,  3, 15, 2, 0,  11,
        8, 0,  0, 4,  12, 0, 0,  8, 8,  0,  0,  5,  8,  0,  0, 9,  8,  0, 0,  4, 11, 0,
        1, 12, 7, 0,  0,  2, 14, 5, 10, 12, 0,  0,  0,  0,  6, 13, 10, 0, 0,  0,
    };
    float image[64];
    struct idx_meaning sixteenths = {"digits", NULL, 10, 16};
    struct dataset *train = embedded_open(embedded_digits().train, &sixteenths, NULL);
    struct dataset *test = opened(embedded_digits().test);
    assert_true(shape_equal(train->shape, (struct shape){8, 8, 1}));
    assert_int_equal(train->count, 1000);
    assert_int_equal(test->count, 797);
    train->read(train, 0, image);
    for (int i = 0; i < 64; i++)
        assert_true(image[i] == (float)first[i] / 16);
    for (int i = 0; i < 10; i++)
        assert_int_equal(train->labels[i], i);
    // How many of each digit the 1,797 have, as published.
    static const int published[10] = {178, 182, 177, 183, 181, 182, 181, 179, 174, 180};
    int a[10], b[10];
    count_classes(train, a);
    count_classes(test, b);
    for (int k = 0; k < 10; k++)
        assert_int_equal(a[k] + b[k], published[k]);
    float max = 0;
    for (int i = 0; i < train->count; i++) {
        train->read(train, i, image);
        for (int k = 0; k < 64; k++)
            max = image[k] > max ? image[k] : max;
    }
    assert_true(max == 1);
    dataset_close(train);
    dataset_close(test);
}

// The first images of each class, in file order, are those of the Debian package.
static void fashion_equals_the_original(void **state) {
    (void)state;
    static const char directory[] = "/usr/share/datasets/fashion-mnist";
    if (!files_exist(directory)) {
        print_message("Debian's dataset-fashion-mnist is not installed\n");
        skip();
    }
    char *images = files_join(directory, "t10k-images-idx3-ubyte.gz");
    char *labels = files_join(directory, "t10k-labels-idx1-ubyte.gz");
    struct dataset *all = idx_open(images, labels, &meaning, NULL);
    struct dataset *few = opened(embedded_fashion().test);
    int seen[10] = {0}, next = 0;
    float expected[784], got[784];
    assert_non_null(all);
    for (int i = 0; i < all->count; i++) {
        if (seen[all->labels[i]]++ >= 200)
            continue;
        assert_int_equal(few->labels[next], all->labels[i]);
        all->read(all, i, expected);
        few->read(few, next++, got);
        assert_memory_equal(got, expected, sizeof got);
    }
    assert_int_equal(next, few->count);
    dataset_close(all);
    dataset_close(few);
    free(images);
    free(labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_is_balanced),
        cmocka_unit_test(digits_are_the_uci_digits),
        cmocka_unit_test(fashion_equals_the_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
