// BatchNorm statistics measured anew. What they must be is held against PyTorch in
// torch/compare_update_bn.py.
#include "models/models.h"
#include "test.h"
#include "tiny_run.h"
#include "training_copy.h"
#include "training_steps.h"
#include <math.h>

// Statistics alone change, to the same bits whatever the threads; everything frozen has its proof.
static void only_statistics_change(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.rules=[thaw block]", "optim.name=adam", NULL};
    uint64_t hashes[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct tiny t;
        struct error error;
        tiny_open(&t, i ? 4 : 1, sets);
        run_steps(t.training, 3);
        struct training_copy copy = training_copy(t.training);
        apply(t.training, "bn reestimate");
        assert_true(training_verify(t.training, &error));
        for (int p = 0; p < t.model->param_count; p++) {
            const struct param *param = &t.model->params[p];
            bool same = memcmp(copy.weights + param->at, weights_at(&t.training->weights, p),
                               param_bytes(param)) == 0;
            assert_true(same == !freeze_is_statistic(param));
            assert_int_equal(t.training->optim.states[p].steps, copy.steps[p]);
            if (param->kind == PARAM_COUNTER)
                assert_int_equal(*weights_counter(&t.training->weights, p), 8); // batches
            hashes[i] = hashes[i] * 31 + weights_hash(&t.training->weights, p);
        }
        assert_int_equal(t.training->step, 3);
        training_copy_close(&copy);
        run_steps(t.training, 3);
        tiny_close(&t);
    }
    assert_true(hashes[0] == hashes[1]);
}

// Twice the same: they do not depend on those of before.
static void what_was_before_does_not_count(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 2, NULL);
    apply(t.training, "bn reestimate");
    float *first = xmemdup(t.training->weights.data, t.model->weight_floats * sizeof *first);
    weights_at(&t.training->weights, model_param(t.model, "bn1.running_var"))[0] = 100;
    apply(t.training, "bn reestimate");
    assert_memory_equal(t.training->weights.data, first, t.model->weight_floats * sizeof *first);
    free(first);
    tiny_close(&t);
}

// The cache of the frozen prefix is of the statistics as they are.
static void the_cache_follows(void **state) {
    (void)state;
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        const char *const sets[] = {"data.augment=[]", "freeze.rules=[thaw head]",
                                    i ? "train.cache=0" : "train.cache=64", NULL};
        struct tiny t;
        tiny_open(&t, 2, sets);
        run_steps(t.training, 12);
        apply(t.training, "bn reestimate");
        run_steps(t.training, 12);
        hashes[i] = weights_hash(&t.training->weights, model_param(t.model, "fc.weight"));
        tiny_close(&t);
    }
    assert_true(hashes[0] == hashes[1]);
}

static void an_experiment_can_begin_with_it(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.reestimate_bn=true", NULL};
    struct tiny asked, by_hand;
    struct error error;
    tiny_open(&asked, 2, sets);
    tiny_open(&by_hand, 2, NULL);
    apply(by_hand.training, "bn reestimate");
    assert_true(training_verify(asked.training, &error));
    assert_memory_equal(asked.training->weights.data, by_hand.training->weights.data,
                        asked.model->weight_floats * sizeof(float));
    tiny_close(&asked);
    tiny_close(&by_hand);
}

static void it_is_no_setting_and_stands_alone(void **state) {
    (void)state;
    struct tiny t;
    struct error error;
    tiny_open(&t, 1, NULL);
    apply(t.training, "thaw block");
    apply(t.training, "bn reestimate");
    struct training_copy copy = training_copy(t.training);
    assert_false(training_apply(t.training, "bn reestimate; thaw all", &error));
    assert_string_equal(error.text, "'bn reestimate' is no setting; write it alone");
    assert_false(training_apply(t.training, "thaw all;reset moments", &error));
    training_copy_equal(&copy, t.training);
    training_copy_close(&copy);
    apply(t.training, "undo"); // of "thaw block"
    assert_false(training_apply(t.training, "undo", &error));
    tiny_close(&t);
}

static void weights_that_are_not_finite_change_nothing(void **state) {
    (void)state;
    struct tiny t;
    struct error error;
    tiny_open(&t, 1, NULL);
    weights_at(&t.training->weights, model_param(t.model, "conv1.weight"))[0] = NAN;
    float *before = xmemdup(t.training->weights.data, t.model->weight_floats * sizeof *before);
    assert_false(training_apply(t.training, "bn reestimate", &error));
    assert_non_null(strstr(error.text, "is not finite when it is measured anew"));
    assert_memory_equal(t.training->weights.data, before, t.model->weight_floats * sizeof *before);
    assert_int_equal(t.training->history.text_count, 0);
    free(before);
    tiny_close(&t);
}

static void without_batch_norm_it_is_refused(void **state) {
    (void)state;
    struct error error;
    struct experiment e;
    struct settings s;
    struct arch_options options = {.classes = 10};
    struct model *mlp = arch_build(&arch_mlp, &options, &error);
    tiny_experiment(&e, NULL);
    assert_true(settings_open(&s, mlp, &e, &error));
    assert_false(settings_apply(&s, "bn reestimate", &error));
    assert_string_equal(error.text,
                        "this model has no BatchNorm, so it has no statistics to measure anew");
    settings_close(&s);
    experiment_close(&e);
    model_close(mlp);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_statistics_change),
        cmocka_unit_test(what_was_before_does_not_count),
        cmocka_unit_test(the_cache_follows),
        cmocka_unit_test(an_experiment_can_begin_with_it),
        cmocka_unit_test(it_is_no_setting_and_stands_alone),
        cmocka_unit_test(weights_that_are_not_finite_change_nothing),
        cmocka_unit_test(without_batch_norm_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
