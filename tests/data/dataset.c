#include "data/dataset.h"

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

// `groups` groups of 1 .. largest samples in a row; `mixed`: of several classes, else each of one.
static struct dataset *grouped(int groups, int largest, int classes, bool mixed, uint32_t seed) {
    struct random_key key = random_key(seed, RANDOM_PROBE, 0);
    int *label = NULL, *group = NULL, count = 0;
    for (int g = 0; g < groups; g++) {
        int size = 1 + (int)random_below(key, (uint32_t)g, 0, 0, (uint32_t)largest);
        int class = (int)random_below(key, (uint32_t)g, 0, 1, (uint32_t)classes);
        label = xrealloc(label, (size_t)(count + size) * sizeof *label);
        group = xrealloc(group, (size_t)(count + size) * sizeof *group);
        for (int i = 0; i < size; i++, count++) {
            int own = (int)random_below(key, (uint32_t)g, 1, (uint64_t)i, (uint32_t)classes);
            label[count] = mixed ? own : class;
            group[count] = 1000 - g; // any numbers will do
        }
    }
    struct dataset *d = toy_open((struct shape){1, 1, 1}, count, classes, NULL);
    memcpy(d->labels, label, (size_t)count * sizeof *label);
    d->groups = group;
    free(label);
    return d;
}

static void check_apart(const struct dataset *d, const struct split *s) {
    for (int i = 0; i < s->train_count; i++)
        for (int j = 0; j < s->validation_count; j++)
            assert_int_not_equal(d->groups[s->train[i]], d->groups[s->validation[j]]);
}

static void groups_stay_together_and_classes_near_their_goals(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 40; seed++) {
        bool mixed = seed % 2;
        struct dataset *d = grouped(60, 9, 3, mixed, seed);
        assert_int_equal(dataset_group_count(d), 60);
        struct split s;
        struct error e = {0};
        if (!dataset_split(d, seed, 0, 0.25, &s, &e))
            fail_msg("%s", e.text);
        check_apart(d, &s);
        assert_int_equal(s.train_count + s.validation_count, d->count);
        assert_ascending(s.train, s.train_count);
        for (int k = 0; k < 3; k++) {
            int held = of_class(d, s.validation, s.validation_count, k);
            int n = held + of_class(d, s.train, s.train_count, k);
            assert_in_range(held, n / 4 > 5 ? n / 4 - 5 : 0, n / 4 + 6); // half of 9, and rounding
        }
        split_close(&s);
        dataset_close(d);
    }
}

static void groups_are_chosen_by_the_seed_and_limits_are_nested(void **state) {
    (void)state;
    struct dataset *d = grouped(60, 9, 2, true, 5);
    struct split small, large, again, other;
    assert_true(dataset_split(d, 1, 5, 20, &small, NULL));
    assert_true(dataset_split(d, 1, 40, 20, &large, NULL));
    assert_true(dataset_split(d, 1, 40, 20, &again, NULL));
    assert_true(dataset_split(d, 2, 40, 20, &other, NULL));
    check_apart(d, &large);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(of_class(d, small.train, small.train_count, k), 5);
        assert_int_equal(of_class(d, large.train, large.train_count, k), 40);
    }
    for (int i = 0; i < small.train_count; i++)
        assert_true(holds(large.train, large.train_count, small.train[i]));
    assert_int_equal(large.validation_count, again.validation_count);
    assert_memory_equal(large.validation, again.validation,
                        (size_t)large.validation_count * sizeof(int));
    assert_true(large.validation_count != other.validation_count ||
                memcmp(large.validation, other.validation,
                       (size_t)large.validation_count * sizeof(int)) != 0);
    // Wrappers and subsets keep groups, so that another split of a part keeps them apart as well.
    struct dataset *part = dataset_subset(dataset_share(d), large.train, large.train_count);
    struct dataset *like = dataset_like(part);
    assert_int_equal(like->groups[3], d->groups[large.train[3]]);
    struct split second;
    assert_true(dataset_split(part, 1, 0, 0.3, &second, NULL));
    assert_true(second.validation_count > 0);
    check_apart(part, &second);
    split_close(&second);
    dataset_close(like);
    dataset_close(part);
    split_close(&small);
    split_close(&large);
    split_close(&again);
    split_close(&other);
    dataset_close(d);
}

// One patient has all of class 1: it stays in training. What is asked for must be possible.
static void a_class_in_one_group_remains_for_training(void **state) {
    (void)state;
    struct dataset *d = toy_open((struct shape){1, 1, 1}, 40, 2, NULL);
    d->groups = xcalloc(40, sizeof *d->groups);
    for (int i = 0; i < 40; i++)
        d->groups[i] = d->labels[i] == 1 ? 7 : 100 + i;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct split s;
        assert_true(dataset_split(d, seed, 0, 0.8, &s, NULL));
        assert_int_equal(of_class(d, s.validation, s.validation_count, 0), 16);
        assert_int_equal(of_class(d, s.train, s.train_count, 1), 20);
        split_close(&s);
    }
    struct split s;
    struct error e = {0};
    assert_false(dataset_split(d, 1, 15, 6, &s, &e));
    assert_non_null(strstr(e.text, "class 0 (0) has 20 samples, but 6 for validation and 15"));
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
        cmocka_unit_test(new_names_classes),
        cmocka_unit_test(subset_takes_the_chosen),
        cmocka_unit_test(wrappers_show_texts),
        cmocka_unit_test(split_counts_each_class),
        cmocka_unit_test(split_is_nested_and_seeded),
        cmocka_unit_test(split_skips_empty_classes),
        cmocka_unit_test(split_says_what_is_short),
        cmocka_unit_test(groups_stay_together_and_classes_near_their_goals),
        cmocka_unit_test(groups_are_chosen_by_the_seed_and_limits_are_nested),
        cmocka_unit_test(a_class_in_one_group_remains_for_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
