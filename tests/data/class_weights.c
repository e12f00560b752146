#include "data/class_weights.h"

#include "test.h"
#include "tiny_run.h"
#include "toy.h"
#include <math.h>

// Of cat 6 samples, of dog 3, of hen none, of "sea cow" 1.
static struct dataset *animals(void) {
    static const char *const names[] = {"cat", "dog", "hen", "sea cow"};
    static const int labels[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 3};
    struct dataset *d = dataset_new("animals", (struct shape){1, 1, 1}, 10, 4, names);
    for (int i = 0; i < d->count; i++)
        d->labels[i] = labels[i];
    d->read = toy_read;
    return d;
}

static bool open(float **weights, const char *list, const struct dataset *d, struct error *error) {
    char set[200];
    struct experiment e;
    snprintf(set, sizeof set, "train.class_weights=%s", list);
    const char *const sets[] = {set, NULL};
    tiny_experiment(&e, sets);
    bool ok = class_weights_open(weights, &e, d, error);
    experiment_close(&e);
    return ok;
}

static void check(const char *list, float cat, float dog, float hen, float cow) {
    struct dataset *d = animals();
    struct error error = {0};
    float *weights, expected[] = {cat, dog, hen, cow};
    if (!open(&weights, list, d, &error))
        fail_msg("%s", error.text);
    for (int k = 0; k < 4; k++)
        assert_true(fabsf(weights[k] - expected[k]) < 1e-6f);
    free(weights);
    dataset_close(d);
}

// scikit-learn's compute_class_weight("balanced", classes=[0, 1, 3], y=labels): 0.5555556,
// 1.1111111, 3.3333333.
static void balanced_is_what_scikit_learn_says(void **state) {
    (void)state;
    check("balanced", 10 / 18.0f, 10 / 9.0f, 1, 10 / 3.0f);
    check("[balanced]", 10 / 18.0f, 10 / 9.0f, 1, 10 / 3.0f);
}

static void a_list_names_classes_and_the_others_weigh_1(void **state) {
    (void)state;
    check("[sea cow 4.5, cat 0]", 0, 1, 1, 4.5f);
    struct dataset *d = animals();
    float *weights;
    struct error error = {0};
    assert_true(open(&weights, "[]", d, &error));
    assert_null(weights);
    assert_true(open(&weights, "dog 2", d, &error));
    struct text t = {0};
    class_weights_text(&t, weights, d);
    assert_string_equal(t.data, "cat 1, dog 2, hen 1, sea cow 1");
    text_free(&t);
    free(weights);
    dataset_close(d);
}

static void what_does_not_fit_is_told(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"[dug 2]", "train.class_weights: there is no class 'dug' in animals; did you mean dog"},
        {"[dog]", "train.class_weights: 'dog' is no weight; write a class and a number"},
        {"[dog -1]", "'dog -1' is no weight"},
        {"[dog 2x]", "such as 'cat 2.5', or balanced alone"},
        {"[balanced, dog 2]", "'balanced' is no weight"},
        {"[dog 2, dog 3]", "class 'dog' has two weights; give one"},
        {"[cat 0, dog 0, sea cow 0]", "all training samples weigh 0"},
    };
    struct dataset *d = animals();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float *weights;
        struct error error = {0};
        assert_false(open(&weights, cases[i][0], d, &error));
        assert_null(weights);
        assert_int_equal(error.kind, ERROR_REQUEST);
        if (!strstr(error.text, cases[i][1]))
            fail_msg("\"%s\" lacks \"%s\"", error.text, cases[i][1]);
    }
    dataset_close(d);
}

// The weights of a tiny run after some steps.
static float *trained(const char *list, int threads, double *loss, size_t *bytes) {
    const char *const sets[] = {list, NULL};
    struct tiny t;
    struct error error;
    struct step_result result;
    tiny_open(&t, threads, sets);
    for (int i = 0; i < 10; i++)
        assert_true(training_step(t.training, &result, &error));
    struct tally evaluated;
    assert_true(
        training_evaluate(t.training, t.training->data.validation, &evaluated, NULL, &error));
    *loss = evaluated.loss;
    *bytes = t.model->weight_floats * sizeof(float);
    float *weights = xmemdup(t.training->weights.data, *bytes);
    tiny_close(&t);
    return weights;
}

static void weights_of_1_change_no_bit_and_others_do(void **state) {
    (void)state;
    static const char *const lists[] = {"train.class_weights=[]", "train.class_weights=[0 1, 1 1]",
                                        "train.class_weights=[0 0.5, 1 3]",
                                        "train.class_weights=[0 0.5, 1 3]"};
    float *after[4];
    double loss[4];
    size_t bytes;
    for (int i = 0; i < 4; i++)
        after[i] = trained(lists[i], i == 3 ? 4 : 1, &loss[i], &bytes);
    assert_memory_equal(after[0], after[1], bytes);
    assert_memory_not_equal(after[0], after[2], bytes);
    assert_memory_equal(after[2], after[3], bytes); // on more threads
    for (int i = 0; i < 4; i++)
        free(after[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balanced_is_what_scikit_learn_says),
        cmocka_unit_test(a_list_names_classes_and_the_others_weigh_1),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(weights_of_1_change_no_bit_and_others_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
