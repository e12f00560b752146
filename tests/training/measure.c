// What the layer tree shows, against plain loops in double.
#include "training/measure.h"
#include "base/xalloc.h"
#include "test.h"
#include "tiny_run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double norm_of(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static double distance_of(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sqrt(sum);
}

static void check_near(float is, double expected, const char *name) {
    bool same = isnan(expected) ? isnan(is) : fabs(is - expected) <= 1e-5 * expected;
    if (!same)
        fail_msg("%s: %g, not %g", name, (double)is, expected);
}

// A model with made-up gradients, and what measures it.
struct bench {
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct optim optim;
    struct measure measure;
    float **gradient;
    double *lr;
    double *node_seconds;
    struct pass pass;
    float *start, *before; // weights at the start, and in front of the last step
};

static void open_bench(struct bench *b, const char *thawed) {
    struct optim_settings settings = {.kind = OPTIM_SGD, .momentum = 0.9};
    struct error error;
    b->model = residual_model(0);
    size_t params = (size_t)b->model->param_count, bytes = b->model->weight_floats * sizeof(float);
    b->weights = weights_open(b->model);
    weights_init(&b->weights, 5);
    b->flags = flags_open(b->model);
    assert_true(freeze_apply(&b->flags, BN_FROZEN, thawed, &error));
    b->optim = optim_open(b->model, &settings);
    measure_open(&b->measure, &b->weights);
    b->gradient = xcalloc(params, sizeof *b->gradient);
    b->lr = xcalloc(params, sizeof *b->lr);
    for (size_t p = 0; p < params; p++)
        b->gradient[p] = xcalloc(b->model->params[p].count, sizeof(float));
    b->node_seconds = xcalloc((size_t)b->model->node_count, sizeof *b->node_seconds);
    b->pass = (struct pass){.node_seconds = b->node_seconds};
    b->start = xmemdup(b->weights.data, bytes);
    b->before = xmalloc(bytes);
}

static void close_bench(struct bench *b) {
    for (int p = 0; p < b->model->param_count; p++)
        free(b->gradient[p]);
    free(b->gradient);
    free(b->lr);
    free(b->node_seconds);
    free(b->start);
    free(b->before);
    measure_close(&b->measure);
    optim_close(&b->optim);
    flags_close(&b->flags);
    weights_close(&b->weights);
    model_close(b->model);
}

// A step with gradients that are functions of its number. Of what is frozen there is none, as in a
// pass that does not want it.
static void step(struct bench *b, int number) {
    struct gradient *gradient = xcalloc((size_t)b->model->param_count, sizeof *gradient);
    struct random_key key = random_key(9, RANDOM_PROBE, (uint32_t)number);
    for (int p = 0; p < b->model->param_count; p++) {
        const struct param *param = &b->model->params[p];
        for (size_t i = 0; i < param->count; i++)
            b->gradient[p][i] = random_normal(key, (uint32_t)p, 0, i);
        b->lr[p] = 0.01 * (1 + p % 3);
        bool wanted = b->flags.thawed[p] && !freeze_is_statistic(param);
        gradient[p].value = wanted ? b->gradient[p] : NULL;
    }
    for (int n = 0; n < b->model->node_count; n++)
        b->node_seconds[n] = (double)(n + number) / 1024;
    b->pass.step = (uint32_t)number;
    memcpy(b->before, b->weights.data, b->model->weight_floats * sizeof(float));
    struct optim_step s = {.flags = &b->flags, .gradient = gradient, .lr = b->lr};
    measure_before(&b->measure, &b->weights);
    optim_update(&b->optim, &b->weights, &s);
    measure_after(&b->measure, &b->weights, &b->optim, &s, &b->pass);
    free(gradient);
}

static void check_param(const struct bench *b, int p) {
    const struct param *param = &b->model->params[p];
    const struct layer_values *v = &b->measure.values.params[p];
    bool updated = b->flags.thawed[p] && !freeze_is_statistic(param);
    const float *now = b->weights.data + param->at, *before = b->before + param->at,
                *start = b->start + param->at;
    size_t n = param->count;
    bool number = param->kind != PARAM_COUNTER;
    check_near(v->gradient_norm, updated ? norm_of(b->gradient[p], n) : (double)NAN, param->name);
    check_near(v->lr, updated ? b->lr[p] : 0, param->name);
    check_near(v->update, number ? distance_of(now, before, n) : (double)NAN, param->name);
    check_near(v->before, number ? norm_of(before, n) : (double)NAN, param->name);
    check_near(v->drift, number ? distance_of(now, start, n) : (double)NAN, param->name);
    check_near(v->start, number ? norm_of(start, n) : (double)NAN, param->name);
}

static void norms_are_right(void **state) {
    (void)state;
    static const char *const rules[] = {"thaw all", "thaw block", "thaw head", "thaw none"};
    for (int i = 0; i < 4; i++) {
        struct bench b;
        open_bench(&b, rules[i]);
        assert_int_equal(b.measure.values.step, -1);
        for (int number = 0; number < 3; number++) {
            b.measure.next = 0; // due
            step(&b, number);
            assert_int_equal(b.measure.values.step, number + 1);
            for (int p = 0; p < b.model->param_count; p++)
                check_param(&b, p);
        }
        close_bench(&b);
    }
}

static void seconds_are_summed_by_module(void **state) {
    (void)state;
    struct bench b;
    open_bench(&b, "thaw head");
    for (int number = 0; number < 2; number++) {
        step(&b, number);
        double *expected = xcalloc((size_t)b.model->module_count, sizeof *expected);
        for (int n = 1; n < b.model->node_count; n++)
            expected[b.model->nodes[n].module] += b.node_seconds[n];
        for (int m = 0; m < b.model->module_count; m++)
            check_near(b.measure.values.seconds[m], expected[m], b.model->modules[m].name);
        free(expected);
    }
    b.pass.node_seconds = NULL; // nobody took times
    step(&b, 2);
    for (int m = 0; m < b.model->module_count; m++)
        assert_true(b.measure.values.seconds[m] == 0);
    close_bench(&b);
}

// Reading the weights is for when it is due; the rest is new at every step.
static void weights_are_read_only_when_due(void **state) {
    (void)state;
    struct bench b;
    open_bench(&b, "thaw all");
    int p = model_param(b.model, "block.conv2.weight");
    struct layer_values *v = &b.measure.values.params[p];
    step(&b, 0);
    assert_true(b.measure.due); // the first one always is
    struct layer_values first = *v;
    b.measure.next = INFINITY;
    step(&b, 1);
    assert_false(b.measure.due);
    assert_true(v->update == first.update && v->drift == first.drift);
    check_near(v->gradient_norm, norm_of(b.gradient[p], b.model->params[p].count), "due");
    assert_true(v->gradient_norm != first.gradient_norm);
    b.measure.next = 0;
    step(&b, 2);
    assert_true(b.measure.due && b.measure.next > 0 && v->drift > first.drift);
    check_param(&b, p);
    close_bench(&b);
}

// What is frozen later does not go on showing the norm of when it was thawed.
static void a_frozen_norm_is_not_known(void **state) {
    (void)state;
    struct bench b;
    struct error error;
    open_bench(&b, "thaw all");
    int conv = model_param(b.model, "conv1.weight"), fc = model_param(b.model, "fc.weight");
    step(&b, 0);
    assert_true(b.measure.values.params[conv].gradient_norm > 0);
    assert_true(freeze_apply(&b.flags, BN_FROZEN, "freeze conv1", &error));
    b.measure.next = 0;
    step(&b, 1);
    check_param(&b, conv);
    check_param(&b, fc);
    assert_true(b.measure.values.params[conv].update == 0);
    assert_true(b.measure.values.params[conv].drift > 0); // it did move before
    close_bench(&b);
}

// Two names of one storage show the same.
static void tied_parameters_show_their_storage(void **state) {
    (void)state;
    struct bench b;
    open_bench(&b, "thaw all");
    int first = model_param(b.model, "block.bn1.weight");
    int second = model_param(b.model, "block.bn2.weight");
    b.model->params[second].storage = first;
    step(&b, 0);
    check_param(&b, first);
    assert_memory_equal(&b.measure.values.params[second], &b.measure.values.params[first],
                        sizeof(struct layer_values));
    b.model->params[second].storage = second;
    close_bench(&b);
}

static void one_step(struct training *t) {
    struct step_result result;
    struct error error;
    if (!training_step(t, &result, &error))
        fail_msg("%s", error.text);
}

// The gradient norms of the first step when everything is thawed.
static double *norms_of_all(const struct model *model) {
    static const char *const sets[] = {"freeze.rules=[thaw all]", "model.dropout=0", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    one_step(t.training);
    double *norms = xcalloc((size_t)model->param_count, sizeof *norms);
    for (int p = 0; p < model->param_count; p++) {
        const float *gradient = pass_gradient(&t.training->pass, p).value;
        norms[p] = gradient ? norm_of(gradient, model->params[p].count) : (double)NAN;
    }
    tiny_close(&t);
    return norms;
}

static void the_probe_fills_frozen_ones_only(void **state) {
    (void)state;
    static const char *const sets[] = {"freeze.rules=[thaw fc, thaw block.conv2]",
                                       "model.dropout=0", NULL};
    struct tiny t;
    struct measure measure;
    struct error error;
    tiny_open(&t, 1, sets);
    struct training *training = t.training;
    double *norms = norms_of_all(t.model);
    size_t bytes = t.model->weight_floats * sizeof(float);
    float *before = xmemdup(training->weights.data, bytes);
    measure_open(&measure, &training->weights);
    measure.probing = true;
    training->measure = &measure;
    assert_true(training_probe(training, &error));
    assert_memory_equal(training->weights.data, before, bytes);
    for (int p = 0; p < t.model->param_count; p++) {
        bool thawed = training_settings(training)->flags.thawed[p];
        check_near(measure.values.params[p].gradient_norm, thawed ? (double)NAN : norms[p],
                   t.model->params[p].name);
    }
    one_step(training); // leaves what the probe said, and fills the rest
    for (int p = 0; p < t.model->param_count; p++)
        check_near(measure.values.params[p].gradient_norm, norms[p], t.model->params[p].name);
    measure_close(&measure);
    free(before);
    free(norms);
    tiny_close(&t);
}

// Frozen and probed in front of the same step: the probe's norm is the one to see after it.
static void the_probe_right_after_a_freeze_stays(void **state) {
    (void)state;
    static const char *const sets[] = {"freeze.rules=[thaw all]", NULL};
    struct tiny t;
    struct measure measure;
    struct error error;
    tiny_open(&t, 1, sets);
    measure_open(&measure, &t.training->weights);
    measure.probing = true;
    t.training->measure = &measure;
    one_step(t.training);
    assert_true(training_apply(t.training, "freeze conv1", &error));
    assert_true(training_probe(t.training, &error));
    float probed = measure.values.params[model_param(t.model, "conv1.weight")].gradient_norm;
    one_step(t.training);
    assert_true(probed > 0);
    assert_true(measure.values.params[model_param(t.model, "conv1.weight")].gradient_norm ==
                probed);
    measure_close(&measure);
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_right),
        cmocka_unit_test(seconds_are_summed_by_module),
        cmocka_unit_test(weights_are_read_only_when_due),
        cmocka_unit_test(a_frozen_norm_is_not_known),
        cmocka_unit_test(tied_parameters_show_their_storage),
        cmocka_unit_test(the_probe_fills_frozen_ones_only),
        cmocka_unit_test(the_probe_right_after_a_freeze_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
