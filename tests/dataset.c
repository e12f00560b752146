#include "dataset.h"

#include "toy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void new_names_classes(void **state) {
    (void)state;
    struct dataset *d = dataset_new("n", (struct shape){2, 3, 1}, 4, 2, NULL);
    assert_string_equal(d->class_names[1], "1");
    for (int i = 0; i < 4; i++)
        assert_int_equal(d->labels[i], 0);
    dataset_close(d);
    d = dataset_new("n", (struct shape){2, 3, 1}, 4, 2, (const char *const[]){"cat", "dog"});
    assert_string_equal(d->class_names[1], "dog");
    d->labels[2] = 1;
    struct dataset *like = dataset_like(d);
    assert_int_equal(like->labels[2], 1);
    assert_string_equal(like->class_names[0], "cat");
    assert_ptr_not_equal(like->class_names[0], d->class_names[0]);
    dataset_close(d);
    dataset_close(like);
    dataset_close(NULL);
}

static void subset_takes_the_chosen(void **state) {
    (void)state;
    int released = 0, index[] = {5, 0, 5};
    float expected[6], got[6];
    struct dataset *d =
        dataset_subset(toy_open((struct shape){1, 2, 3}, 7, 3, &released), index, 3);
    index[0] = 1; // the list was copied
    assert_int_equal(d->count, 3);
    for (int i = 0; i < 3; i++) {
        int sample = i == 1 ? 0 : 5;
        assert_int_equal(d->labels[i], sample % 3);
        d->read(d, i, got);
        for (size_t k = 0; k < 6; k++)
            expected[k] = toy_pixel(sample, k);
        assert_memory_equal(got, expected, sizeof got);
    }
    assert_int_equal(released, 0);
    dataset_close(d);
    assert_int_equal(released, 1);
}

static void wrappers_show_texts(void **state) {
    (void)state;
    struct dataset *toy = toy_open((struct shape){4, 1, 1}, 7, 3, NULL);
    struct sample_text shown;
    assert_null(toy->show);
    toy->show = toy_show;
    toy->vocabulary = 9;
    struct dataset *d = dataset_subset(toy, (const int[]){5, 2}, 2);
    assert_int_equal(d->vocabulary, 9);
    d->show(d, 1, &shown);
    assert_string_equal(shown.text, "text 2");
    assert_string_equal(shown.tokens, "[CLS] text ##2 [SEP]");
    sample_text_close(&shown);
    dataset_close(d);
}

static bool holds(const int *list, int count, int value) {
    for (int i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

static void assert_ascending(const int *list, int count) {
    for (int i = 1; i < count; i++)
        assert_true(list[i - 1] < list[i]);
}

static int of_class(const struct dataset *d, const int *list, int count, int class) {
    int n = 0;
    for (int i = 0; i < count; i++)
        n += d->labels[list[i]] == class;
    return n;
}

static void split_counts_each_class(void **state) {
    (void)state;
    struct dataset *d = toy_open((struct shape){1, 1, 1}, 100, 4, NULL);
    static const struct {
        int limit;
        double validation;
        int train, held;
    } cases[] = {{0, 0, 25, 0}, {0, 0.1, 22, 3}, {5, 0.2, 5, 5}, {5, 20, 5, 20}, {1, 1, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct split s;
        struct error e = {0};
        assert_true(dataset_split(d, 7, cases[i].limit, cases[i].validation, &s, &e));
        for (int k = 0; k < 4; k++) {
            assert_int_equal(of_class(d, s.train, s.train_count, k), cases[i].train);
            assert_int_equal(of_class(d, s.validation, s.validation_count, k), cases[i].held);
        }
        assert_ascending(s.train, s.train_count);
        assert_ascending(s.validation, s.validation_count);
        for (int j = 0; j < s.train_count; j++)
            assert_false(holds(s.validation, s.validation_count, s.train[j]));
        split_close(&s);
    }
    dataset_close(d);
}

static void split_is_nested_and_seeded(void **state) {
    (void)state;
    struct dataset *d = toy_open((struct shape){1, 1, 1}, 300, 3, NULL);
    struct split small, large, again, other;
    assert_true(dataset_split(d, 1, 5, 10, &small, NULL));
    assert_true(dataset_split(d, 1, 40, 10, &large, NULL));
    assert_true(dataset_split(d, 1, 40, 20, &again, NULL));
    assert_true(dataset_split(d, 2, 40, 10, &other, NULL));
    for (int i = 0; i < small.train_count; i++)
        assert_true(holds(large.train, large.train_count, small.train[i]));
    // The number of validation samples leaves the training samples alone, and the other way round.
    assert_memory_equal(large.train, again.train, (size_t)large.train_count * sizeof(int));
    assert_memory_equal(small.validation, large.validation,
                        (size_t)large.validation_count * sizeof(int));
    assert_memory_not_equal(large.train, other.train, (size_t)large.train_count * sizeof(int));
    split_close(&small);
    split_close(&large);
    split_close(&again);
    split_close(&other);
    dataset_close(d);
}

static void split_skips_empty_classes(void **state) {
    (void)state;
    struct dataset *d = toy_open((struct shape){1, 1, 1}, 10, 2, NULL);
    struct split s;
    for (int i = 0; i < 10; i++)
        d->labels[i] = 1;
    assert_true(dataset_split(d, 1, 3, 0.2, &s, NULL));
    assert_int_equal(s.train_count, 3);
    assert_int_equal(s.validation_count, 2);
    split_close(&s);
    dataset_close(d);
}

static void split_says_what_is_short(void **state) {
    (void)state;
    struct dataset *d = toy_open((struct shape){1, 1, 1}, 39, 4, NULL);
    static const struct {
        int limit;
        double validation;
        const char *text;
    } cases[] = {
        {10, 0, "toy: class 3 (3) has 9 samples, but 0 for validation and 10 for training need 10"},
        {0, 10,
         "toy: class 0 (0) has 10 samples, but 10 for validation and 1 for training need 11"},
        {8, 0.2, "toy: class 3 (3) has 9 samples, but 2 for validation and 8 for training need 10"},
        {0, 1.5, "validation is 1.5: a fraction of each class below 1, or a whole number"},
        {0, -0.1, "validation is -0.1: "},
        {0, 1e300, "validation is 1e+300: "},
        {0, 0.0 / 0.0, "nan: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct split s;
        struct error e = {0};
        assert_false(dataset_split(d, 7, cases[i].limit, cases[i].validation, &s, &e));
        assert_int_equal(e.kind, ERROR_REQUEST);
        assert_non_null(strstr(e.text, cases[i].text));
        assert_null(s.train);
        split_close(&s);
    }
    dataset_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_names_classes),          cmocka_unit_test(subset_takes_the_chosen),
        cmocka_unit_test(wrappers_show_texts),        cmocka_unit_test(split_counts_each_class),
        cmocka_unit_test(split_is_nested_and_seeded), cmocka_unit_test(split_skips_empty_classes),
        cmocka_unit_test(split_says_what_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
