#include "training/figures.h"

#include "base/xalloc.h"
#include "test.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *const names[] = {(char[]){"a"}, (char[]){"b"}, (char[]){"c"}, (char[]){"d"}};

// `probability` NULL: all is put on what is predicted. Close with predictions_close.
static struct predictions predictions_of(int count, int classes, const int *label,
                                         const int *predicted, const float *probability) {
    struct predictions p = {.count = count, .classes = classes};
    p.label = xmemdup(label, (size_t)count * sizeof *label);
    p.predicted = xmemdup(predicted, (size_t)count * sizeof *predicted);
    p.probability = xcalloc((size_t)count * (size_t)classes, sizeof *p.probability);
    for (int i = 0; i < count; i++)
        for (int c = 0; c < classes; c++)
            p.probability[i * classes + c] =
                probability ? probability[i * classes + c] : (float)(predicted[i] == c);
    return p;
}

static struct figures of(int count, int classes, const int *label, const int *predicted,
                         const float *probability) {
    struct predictions p = predictions_of(count, classes, label, predicted, probability);
    struct figures f = figures_of(&p, names);
    predictions_close(&p);
    return f;
}

static void same(double is, double expected) {
    if (!(isnan(expected) ? isnan(is) : fabs(is - expected) < 1e-12))
        fail_msg("%.17g is not %.17g", is, expected);
}

// The examples of scikit-learn's documentation.
static void examples_of_scikit_learn(void **state) {
    (void)state;
    struct figures f = of(6, 2, (int[]){0, 1, 0, 0, 1, 0}, (int[]){0, 1, 0, 0, 0, 1}, NULL);
    same(f.scores.balanced_accuracy, 0.625);
    figures_close(&f);
    f = of(6, 3, (int[]){0, 1, 2, 0, 1, 2}, (int[]){0, 2, 1, 0, 0, 1}, NULL);
    same(f.scores.macro_f1, 0.8 / 3); // 0.26
    figures_close(&f);
    f = of(4, 2, (int[]){0, 0, 1, 1}, (int[]){0, 0, 0, 1},
           (float[]){0.9f, 0.1f, 0.6f, 0.4f, 0.65f, 0.35f, 0.2f, 0.8f});
    same(f.scores.auroc, 0.75);
    figures_close(&f);
}

// Of a: 3 right of 4, one said to be b. Of b: 1 right of 2, one said to be a. Of c: both right.
static void by_hand(void **state) {
    (void)state;
    struct figures f =
        of(8, 3, (int[]){0, 0, 0, 0, 1, 1, 2, 2}, (int[]){0, 0, 1, 0, 1, 0, 2, 2}, NULL);
    static const int64_t matrix[] = {3, 1, 0, 1, 1, 0, 0, 0, 2};
    assert_memory_equal(f.matrix, matrix, sizeof matrix);
    same(figures_accuracy(&f), 0.75);
    assert_true(f.of_class[0].support == 4 && f.of_class[0].predicted == 4);
    same(f.of_class[0].precision, 0.75);
    same(f.of_class[0].recall, 0.75);
    same(f.of_class[0].specificity, 0.75);
    same(f.of_class[0].f1, 0.75);
    same(f.of_class[1].precision, 0.5);
    same(f.of_class[1].specificity, 5.0 / 6);
    same(f.of_class[2].f1, 1);
    same(f.scores.balanced_accuracy, 0.75);
    same(f.scores.macro_f1, 0.75);
    // With all on one class, a pair is won, or tied by 1 to 1 or 0 to 0.
    same(f.of_class[0].auroc, (3 * 3 + (1.0 * 3 + 3 * 1) / 2) / 16);
    same(f.scores.auroc, (0.75 + 8.0 / 12 + 1) / 3);
    figures_close(&f);
}

static void what_is_not_defined_is_nan_and_in_no_mean(void **state) {
    (void)state;
    // b is neither there nor said; c is there and never said.
    struct figures f = of(3, 3, (int[]){0, 0, 2}, (int[]){0, 0, 0}, NULL);
    assert_true(isnan(f.of_class[1].precision) && isnan(f.of_class[1].recall) &&
                isnan(f.of_class[1].f1) && isnan(f.of_class[1].auroc));
    same(f.of_class[1].specificity, 1);
    assert_true(isnan(f.of_class[2].precision));
    same(f.of_class[2].f1, 0);
    same(f.scores.balanced_accuracy, 0.5);
    same(f.scores.macro_f1, 0.4);
    figures_close(&f);
    f = of(2, 2, (int[]){1, 1}, (int[]){1, 0}, NULL); // one class alone
    assert_true(isnan(f.scores.auroc) && isnan(f.of_class[1].specificity));
    same(f.scores.balanced_accuracy, 0.5);
    char text[SCORES_TEXT];
    assert_string_equal(scores_text(&f.scores, text),
                        "balanced accuracy 50.00 %, macro-F1 0.3333, AUROC -");
    figures_close(&f);
    f = of(0, 2, NULL, NULL, NULL);
    assert_true(isnan(f.scores.balanced_accuracy) && isnan(f.scores.macro_f1) &&
                isnan(f.scores.auroc) && isnan(figures_accuracy(&f)));
    figures_close(&f);
    f = of(2, 2, (int[]){0, 1}, (int[]){0, 0}, (float[]){NAN, NAN, 0.5f, 0.5f}); // diverged
    assert_true(isnan(f.scores.auroc));
    same(f.scores.balanced_accuracy, 0.5);
    figures_close(&f);
}

// Against tests/training/figures.json, which make_figures.py works out by the definitions.

static double real_at(const json_t *list, size_t i) {
    const json_t *value = json_array_get(list, i);
    assert_true(json_is_number(value) || json_is_null(value));
    return json_is_null(value) ? NAN : json_number_value(value);
}

static int *whole(const json_t *list) {
    int *to = xmalloc((json_array_size(list) + 1) * sizeof *to);
    for (size_t i = 0; i < json_array_size(list); i++)
        to[i] = (int)json_integer_value(json_array_get(list, i));
    return to;
}

static struct figures case_figures(const json_t *entry) {
    const json_t *labels = json_object_get(entry, "label"),
                 *values = json_object_get(entry, "probability");
    int *label = whole(labels), *predicted = whole(json_object_get(entry, "predicted"));
    float *probability = xmalloc((json_array_size(values) + 1) * sizeof *probability);
    for (size_t i = 0; i < json_array_size(values); i++)
        probability[i] = (float)real_at(values, i);
    struct figures f =
        of((int)json_array_size(labels), (int)json_integer_value(json_object_get(entry, "classes")),
           label, predicted, probability);
    free(label);
    free(predicted);
    free(probability);
    return f;
}

static void check_case(const json_t *entry) {
    struct figures f = case_figures(entry);
    assert_true(f.samples > 0);
    for (size_t c = 0; c < (size_t)f.classes; c++) {
        const struct class_figures *is = &f.of_class[c];
        same((double)is->support, real_at(json_object_get(entry, "support"), c));
        same(is->precision, real_at(json_object_get(entry, "precision"), c));
        same(is->recall, real_at(json_object_get(entry, "recall"), c));
        same(is->specificity, real_at(json_object_get(entry, "specificity"), c));
        same(is->f1, real_at(json_object_get(entry, "f1"), c));
        same(is->auroc, real_at(json_object_get(entry, "auroc"), c));
        for (size_t k = 0; k < (size_t)f.classes; k++)
            same((double)f.matrix[c * (size_t)f.classes + k],
                 real_at(json_array_get(json_object_get(entry, "matrix"), c), k));
    }
    same(f.scores.balanced_accuracy,
         json_number_value(json_object_get(entry, "balanced_accuracy")));
    same(f.scores.macro_f1, json_number_value(json_object_get(entry, "macro_f1")));
    same(f.scores.auroc, json_number_value(json_object_get(entry, "mean_auroc")));
    figures_close(&f);
}

static void as_worked_out_by_the_definitions(void **state) {
    (void)state;
    const char *source = getenv("THAW_SOURCE");
    char *path = xprintf("%s/tests/training/figures.json", source ? source : ".");
    json_t *cases = json_load_file(path, 0, NULL), *entry;
    size_t i;
    assert_int_equal(json_array_size(cases), 3);
    json_array_foreach(cases, i, entry) check_case(entry);
    json_decref(cases);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_scikit_learn),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(what_is_not_defined_is_nan_and_in_no_mean),
        cmocka_unit_test(as_worked_out_by_the_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
