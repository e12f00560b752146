// L2-SP in a training: what is pulled where. The formulas are held against PyTorch in optim.c.
#include "trainer_session.h"
#include "training_steps.h"
#include <math.h>

static double distance(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)(a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

// How far a parameter has gone from its start after 24 steps.
static double drift(const char *optim, const char *l2_sp, const char *param) {
    char sets[2][64];
    snprintf(sets[0], sizeof sets[0], "optim.name=%s", optim);
    snprintf(sets[1], sizeof sets[1], "optim.l2_sp=%s", l2_sp);
    const char *const all[] = {
        sets[0], sets[1], "model.weights=some", "optim.weight_decay=0", "schedule.name=constant",
        NULL};
    struct tiny t;
    tiny_open(&t, 2, all);
    int p = model_param(t.model, param);
    size_t count = t.model->params[p].count;
    float *start = xmemdup(weights_at(&t.training->weights, p), count * sizeof *start);
    run_steps(t.training, 24);
    double far = distance(start, weights_at(&t.training->weights, p), count);
    free(start);
    tiny_close(&t);
    return far;
}

static void pretrained_weights_stay_nearer(void **state) {
    (void)state;
    static const char *const optimisers[] = {"sgd", "adam", "adamw"};
    for (int i = 0; i < 3; i++) {
        double free_to_go = drift(optimisers[i], "0", "block.conv2.weight");
        double pulled = drift(optimisers[i], "3", "block.conv2.weight");
        assert_true(pulled > 0 && pulled < 0.7 * free_to_go);
    }
}

// The new head and, as for the decay, biases and norms have no anchor; neither has a statistic.
static void only_pretrained_weights_have_an_anchor(void **state) {
    (void)state;
    const char *const sets[] = {"optim.l2_sp=0.1", "model.weights=some", "optim.weight_decay=0.01",
                                NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    for (int p = 0; p < t.model->param_count; p++) {
        const struct param *param = &t.model->params[p];
        bool head = strncmp(param->name, "fc.", 3) == 0;
        bool weight = param->kind == PARAM_WEIGHT && !param->norm;
        const float *anchor = t.training->optim.anchor[p];
        assert_true((anchor != NULL) == (weight && !head));
        assert_true(optim_decay(&t.training->optim, p) == (weight && head ? 0.01 : 0));
        if (anchor)
            assert_memory_equal(anchor, weights_at(&t.training->weights, p), param_bytes(param));
    }
    tiny_close(&t);
}

static void what_is_frozen_is_not_pulled(void **state) {
    (void)state;
    const char *const sets[] = {"optim.l2_sp=1", "model.weights=some", "optim.decay_all=true",
                                "freeze.rules=[thaw block, thaw head]", NULL};
    struct tiny t;
    struct error error;
    tiny_open(&t, 2, sets);
    run_steps(t.training, 5);
    apply(t.training, "freeze block.conv1"); // away from its start
    run_steps(t.training, 10);
    assert_true(training_verify(t.training, &error));
    tiny_close(&t);
}

// A run taken up again is pulled to where the first one began, not to where it stopped.
static void a_resumed_run_has_the_same_bits(void **state) {
    static const char *const sets[] = {"optim.l2_sp=0.5", "model.weights=some", "optim.name=adamw",
                                       NULL};
    char *whole = files_join(*state, "whole"), *parts = files_join(*state, "parts");
    uint64_t expected = straight(whole, sets);
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct session *s = start(&t, parts, (struct trainer_options){.paused = true});
    steps_to(s, 11);
    stop(s, &t);
    resume(parts, 3, sets, SESSION_FINISHED);
    assert_true(file_hash(parts, "last.safetensors") == expected);
    free(whole);
    free(parts);
}

static void without_pretrained_weights_it_is_refused(void **state) {
    (void)state;
    const char *const sets[] = {"optim.l2_sp=0.1", NULL};
    struct tiny t;
    struct error error;
    tiny_experiment(&t.experiment, sets);
    t.model = residual_model(0);
    t.pool = pool_open(1);
    struct weights weights = weights_open(t.model);
    weights_init(&weights, 0);
    struct training_data data = {tiny_data(TINY_COUNT), NULL, NULL};
    t.training = training_open(&t.experiment, t.model, weights, data, t.pool, &error);
    assert_null(t.training);
    assert_non_null(strstr(error.text, "nothing of this model is pretrained"));
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pretrained_weights_stay_nearer),
        cmocka_unit_test(only_pretrained_weights_have_an_anchor),
        cmocka_unit_test(what_is_frozen_is_not_pulled),
        IN_DIRECTORY(a_resumed_run_has_the_same_bits),
        cmocka_unit_test(without_pretrained_weights_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
