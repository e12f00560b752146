#include "training/training.h"
#include "base/xalloc.h"
#include "test.h"
#include "tiny_run.h"
#include "training_steps.h"
#include <math.h>

static float *copy_of(const struct tiny *t) {
    return xmemdup(t->training->weights.data, t->model->weight_floats * sizeof(float));
}

// 200 steps of an optimiser: every frozen tensor keeps its bytes, every thawed one changes.
static void check_frozen(const char *optim, const char *rules, const char *bn, bool moves) {
    char set[3][64];
    snprintf(set[0], sizeof set[0], "optim.name=%s", optim);
    snprintf(set[1], sizeof set[1], "freeze.rules=%s", rules);
    snprintf(set[2], sizeof set[2], "freeze.bn=%s", bn);
    const char *const sets[] = {
        set[0],           set[1], set[2], "train.epochs=25", "optim.weight_decay=0.01",
        "optim.lr=0.005", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    float *before = copy_of(&t);
    run_steps(t.training, 200);
    for (int p = 0; p < t.model->param_count; p++) {
        const struct param *param = &t.model->params[p];
        bool same = memcmp(before + param->at, weights_at(&t.training->weights, p),
                           param_bytes(param)) == 0;
        // A bias in front of a norm by batch statistics has no influence, and no gradient.
        bool idle = moves && strcmp(param->name, "block.conv2.bias") == 0;
        if (same == training_settings(t.training)->flags.thawed[p] && !idle)
            fail_msg("%s is %s", param->name, same ? "thawed and unchanged" : "frozen and changed");
    }
    struct error error;
    assert_true(training_verify(t.training, &error));
    int tracked = model_param(t.model, "bn1.num_batches_tracked");
    assert_int_equal(*weights_counter(&t.training->weights, tracked), moves ? 200 : 0);
    free(before);
    tiny_close(&t);
}

static void frozen_bytes_stay_for_200_steps(void **state) {
    (void)state;
    static const char *const optimisers[] = {"sgd", "adam", "adamw"};
    for (int i = 0; i < 3; i++) {
        check_frozen(optimisers[i], "[thaw head]", "frozen", false);
        check_frozen(optimisers[i], "[thaw block.conv2, thaw *.bias]", "frozen", false);
        check_frozen(optimisers[i], "[thaw all, freeze block.shortcut]", "batch", true);
        check_frozen(optimisers[i], "[thaw head]", "torch", true);
    }
}

static void verify_notices_a_changed_byte(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.rules=[thaw head]", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct error error;
    assert_true(training_verify(t.training, &error));
    weights_at(&t.training->weights, model_param(t.model, "conv1.weight"))[3] += 1e-6f;
    assert_false(training_verify(t.training, &error));
    assert_string_equal(error.text, "conv1.weight is frozen but its bytes changed");
    tiny_close(&t);
}

static float *weights_after(int threads, const char *const *sets, int steps) {
    struct tiny t;
    tiny_open(&t, threads, sets);
    run_steps(t.training, steps);
    float *result = copy_of(&t);
    tiny_close(&t);
    return result;
}

static void bits_do_not_depend_on_threads(void **state) {
    (void)state;
    static const char *const variants[][3] = {
        {"freeze.bn=batch", "freeze.rules=[thaw all]", NULL},
        {"freeze.bn=frozen", "freeze.rules=[thaw block, thaw head]", NULL},
        {"freeze.bn=torch", "optim.name=adamw", NULL},
    };
    struct model *model = residual_model(0);
    for (int i = 0; i < 3; i++) {
        float *one = weights_after(1, variants[i], 12);
        for (int threads = 2; threads <= 4; threads += 2) {
            float *many = weights_after(threads, variants[i], 12);
            assert_memory_equal(one, many, model->weight_floats * sizeof(float));
            free(many);
        }
        free(one);
    }
    model_close(model);
}

static void a_late_thaw_takes_effect_between_steps(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.rules=[thaw head]", "optim.name=adam", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    int conv = model_param(t.model, "block.conv2.weight");
    float *before = copy_of(&t);
    size_t bytes = param_bytes(&t.model->params[conv]);
    run_steps(t.training, 4);
    assert_memory_equal(weights_at(&t.training->weights, conv), before + t.model->params[conv].at,
                        bytes);
    apply(t.training, "thaw block.conv2");
    run_steps(t.training, 1);
    assert_memory_not_equal(weights_at(&t.training->weights, conv),
                            before + t.model->params[conv].at, bytes);
    assert_int_equal(t.training->optim.states[conv].steps, 1); // its own, for a correct first step
    apply(t.training, "freeze block.conv2");
    assert_null(t.training->optim.states[conv].first);
    free(before);
    tiny_close(&t);
}

static void refused_rules_change_nothing(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, NULL);
    struct flags before = flags_copy(&training_settings(t.training)->flags);
    static const char *const wrong[] = {"thaw blok", "thaw",        "melt fc",    "bn sometimes",
                                        "lr fast",   "lr block y2", "lr blok x2", ""};
    for (int i = 0; i < 8; i++) {
        struct error error = {0};
        assert_false(training_apply(t.training, wrong[i], &error));
        assert_true(error.kind == ERROR_REQUEST && error.text[0]);
        assert_true(flags_equal(&before, &training_settings(t.training)->flags));
    }
    flags_close(&before);
    tiny_close(&t);
}

static void multipliers_change_the_rate_of_what_they_name(void **state) {
    (void)state;
    const char *const sets[] = {"optim.lr_scale=[block 0.5, block.conv2 0.25]", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    int conv1 = model_param(t.model, "block.conv1.weight");
    int conv2 = model_param(t.model, "block.conv2.weight");
    assert_true(training_settings(t.training)->lr_scale[conv1] == 0.5 &&
                training_settings(t.training)->lr_scale[conv2] == 0.25);
    apply(t.training, "lr block x0.1");
    assert_true(fabs(training_settings(t.training)->lr_scale[conv2] - 0.025) < 1e-15);
    double before = training_lr(t.training);
    apply(t.training, "lr x0.5");
    assert_true(training_lr(t.training) == 0.5 * before);
    tiny_close(&t);
}

static void evaluation_changes_nothing(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.bn=batch", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    run_steps(t.training, 3);
    float *before = copy_of(&t);
    struct tally first, second;
    struct error error;
    assert_true(training_evaluate(t.training, t.training->data.test, &first, NULL, &error));
    assert_true(training_evaluate(t.training, t.training->data.test, &second, NULL, &error));
    assert_memory_equal(before, t.training->weights.data, t.model->weight_floats * sizeof(float));
    assert_int_equal(first.samples, 30);
    assert_true(first.loss == second.loss && first.correct == second.correct);
    free(before);
    tiny_close(&t);
}

static void training_learns(void **state) {
    (void)state;
    const char *const sets[] = {"train.epochs=30", "freeze.bn=batch", "data.augment=[]", NULL};
    struct tiny t;
    tiny_open(&t, 2, sets);
    struct tally before, after;
    struct error error;
    assert_true(training_evaluate(t.training, t.training->data.test, &before, NULL, &error));
    run_steps(t.training, (int)t.training->total);
    assert_true(training_evaluate(t.training, t.training->data.test, &after, NULL, &error));
    assert_true(tally_loss(&after) < 0.5 * tally_loss(&before));
    assert_true(tally_accuracy(&after) > 0.8);
    tiny_close(&t);
}

static void divergence_names_step_and_layer(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, NULL);
    run_steps(t.training, 2);
    weights_at(&t.training->weights, model_param(t.model, "block.bn1.weight"))[0] = NAN;
    struct step_result result;
    struct error error;
    assert_false(training_step(t.training, &result, &error));
    assert_int_equal(error.kind, ERROR_RUN);
    assert_non_null(strstr(error.text, "step 3"));
    assert_non_null(strstr(error.text, "block.bn1"));
    assert_int_equal(t.training->step, 2);
    tiny_close(&t);
}

// At the keyboard one goes on from here, and a run of the events never sees the step that failed.
static void a_failed_step_leaves_no_trace(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.bn=torch", "freeze.rules=[thaw head]", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    run_steps(t.training, 2);
    weights_at(&t.training->weights, model_param(t.model, "fc.weight"))[0] = NAN;
    float *before = copy_of(&t);
    struct step_result result;
    struct error error;
    assert_false(training_step(t.training, &result, &error));
    assert_memory_equal(before, t.training->weights.data, t.model->weight_floats * sizeof(float));
    free(before);
    tiny_close(&t);
}

// A gigabyte for each of the samples: refused by its size, before anything is allocated.
static void batches_that_do_not_fit_are_refused(void **state) {
    (void)state;
    const char *const sets[] = {"train.batch=10000", NULL};
    struct experiment e;
    tiny_experiment(&e, sets);
    struct model *model = residual_model(0);
    struct pool *pool = pool_open(1);
    struct dataset *d = tiny_data(10000);
    d->shape = (struct shape){1 << 14, 1 << 14, 1};
    struct training_data data = {.train = d};
    struct error error;
    assert_null(training_open(&e, model, weights_open(model), data, pool, &error));
    assert_int_equal(error.kind, ERROR_RUN);
    assert_non_null(strstr(error.text, "memory for the batches: need 39.1 TiB"));
    pool_close(pool);
    model_close(model);
    experiment_close(&e);
}

// When all steps are done, settings other than `epochs` can still be changed.
static void settings_change_after_the_last_step(void **state) {
    (void)state;
    const char *const sets[] = {"freeze.rules=[thaw head]", "train.epochs=1", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    run_steps(t.training, (int)t.training->total);
    struct error error = {0};
    apply(t.training, "thaw all");
    apply(t.training, "undo");
    apply(t.training, "epochs 3");
    run_steps(t.training, 8);
    assert_false(training_apply(t.training, "undo", &error)); // back to one epoch, which is past
    assert_non_null(strstr(error.text, "'epochs 1' is past"));
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_bytes_stay_for_200_steps),
        cmocka_unit_test(verify_notices_a_changed_byte),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(a_late_thaw_takes_effect_between_steps),
        cmocka_unit_test(refused_rules_change_nothing),
        cmocka_unit_test(multipliers_change_the_rate_of_what_they_name),
        cmocka_unit_test(evaluation_changes_nothing),
        cmocka_unit_test(training_learns),
        cmocka_unit_test(divergence_names_step_and_layer),
        cmocka_unit_test(a_failed_step_leaves_no_trace),
        cmocka_unit_test(batches_that_do_not_fit_are_refused),
        cmocka_unit_test(settings_change_after_the_last_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
