// Pruned gradients are those of the unpruned graph, bit for bit, for every freeze mask.
#include "plan/pass.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "outcome.h"
#include "residual_model.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, IMAGE = RESIDUAL_SIDE * RESIDUAL_SIDE * 2 };

struct world {
    struct model *model;
    struct weights weights;
    struct pool *pool;
    struct batch batch;
};

static void fill_batch(struct batch *b, int n) {
    struct random_key key = random_key(5, RANDOM_PROBE, 0);
    b->n = n;
    b->x = xcalloc((size_t)n * IMAGE, sizeof *b->x);
    b->label = xcalloc((size_t)n, sizeof *b->label);
    b->sample = xcalloc((size_t)n, sizeof *b->sample);
    for (int i = 0; i < n; i++) {
        b->label[i] = (i * 3 + 1) % RESIDUAL_CLASSES;
        b->sample[i] = (uint32_t)(100 + 7 * i);
        for (int k = 0; k < IMAGE; k++)
            b->x[i * IMAGE + k] = random_normal(key, (uint32_t)i, 0, (uint64_t)k);
    }
}

static int open_world(void **state) {
    struct world *w = xcalloc(1, sizeof *w);
    w->model = residual_model(0.3f);
    w->weights = weights_open(w->model);
    weights_init(&w->weights, 1);
    w->pool = pool_open(2);
    fill_batch(&w->batch, N);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    free(w->batch.x);
    free(w->batch.label);
    free(w->batch.sample);
    pool_close(w->pool);
    weights_close(&w->weights);
    model_close(w->model);
    free(w);
    return 0;
}

static const float class_weights[RESIDUAL_CLASSES] = {0.25f, 3, 1.5f, 1, 0};

static struct plan *make_plan(const struct world *w, const struct flags *flags, bool unpruned) {
    struct plan_options options = {.purpose = PLAN_TRAIN,
                                   .n = N,
                                   .pool = w->pool,
                                   .smoothing = 0.1f,
                                   .class_weight = class_weights,
                                   .unpruned = unpruned};
    return plan_make(flags, &options);
}

static struct outcome run(const struct world *w, const struct flags *flags, bool unpruned) {
    return outcome_open(make_plan(w, flags, unpruned), &w->weights, &w->batch, false);
}

static void check_mask(const struct world *w, int mask, enum bn_policy policy) {
    struct flags flags = residual_flags(w->model, mask, policy);
    struct outcome pruned = run(w, &flags, false), whole = run(w, &flags, true);
    assert_true(pruned.loss == whole.loss);
    assert_memory_equal(pruned.after.data, whole.after.data,
                        w->model->weight_floats * sizeof(float));
    for (int p = 0; p < w->model->param_count; p++) {
        const struct param *param = &w->model->params[p];
        bool trainable = param->kind == PARAM_WEIGHT || param->kind == PARAM_BIAS;
        assert_int_equal(pruned.gradient[p] != NULL, trainable && flags.thawed[p]);
        assert_int_equal(whole.gradient[p] != NULL, trainable);
    }
    outcome_same_gradients(&pruned, &whole);
    outcome_close(&pruned);
    outcome_close(&whole);
    flags_close(&flags);
}

static void pruned_equals_unpruned_for_every_mask(void **state) {
    static const enum bn_policy policies[] = {BN_FROZEN, BN_BATCH, BN_TORCH};
    for (int i = 0; i < 3; i++)
        for (int mask = 0; mask < RESIDUAL_MASKS; mask++)
            check_mask(*state, mask, policies[i]);
}

// What is done in passing gives the bits of what is done by itself (in place: a chain has one
// output). Of the 4 BatchNorms, 3 ReLUs and the sum, at most all; the ReLUs and the sum always.
static void operations_may_be_done_in_passing(void **state) {
    const struct world *w = *state;
    for (int mask = 0; mask < RESIDUAL_MASKS; mask++) {
        struct flags flags = residual_flags(w->model, mask, mask % 2 ? BN_BATCH : BN_FROZEN);
        struct plan *apart = make_plan(w, &flags, false);
        int done = 0;
        for (int i = 1; i < w->model->node_count; i++) {
            done += apart->nodes[i].head > 0;
            apart->nodes[i].head = apart->nodes[i].next = 0;
            apart->nodes[i].back_done = false;
        }
        assert_true(done >= 4 && done <= 8 && (mask > 0 || done == 8));
        struct outcome a = run(w, &flags, false),
                       b = outcome_open(apart, &w->weights, &w->batch, false);
        assert_memory_equal(a.logits, b.logits, a.logit_bytes);
        outcome_same_gradients(&a, &b);
        outcome_close(&a);
        outcome_close(&b);
        flags_close(&flags);
    }
}

// Gradients that share a buffer have the bits of those with a buffer each.
static void gradients_may_share_buffers(void **state) {
    const struct world *w = *state;
    for (int mask = 0; mask < RESIDUAL_MASKS; mask++) {
        struct flags flags = residual_flags(w->model, mask, mask % 2 ? BN_BATCH : BN_FROZEN);
        struct plan *apart = make_plan(w, &flags, false);
        size_t floats = apart->floats;
        for (int i = 1; i < w->model->node_count; i++)
            if (apart->nodes[i].wanted) {
                apart->nodes[i].grad = (ptrdiff_t)floats;
                floats += (N * shape_count(w->model->nodes[i].shape) + 15) / 16 * 16;
            }
        apart->floats = floats;
        struct outcome a = run(w, &flags, false),
                       b = outcome_open(apart, &w->weights, &w->batch, false);
        outcome_same_gradients(&a, &b);
        outcome_close(&a);
        outcome_close(&b);
        flags_close(&flags);
    }
}

static double loss_at(const struct world *w, const struct flags *flags, int param, size_t index,
                      float delta) {
    float *value = &weights_at(&w->weights, param)[index], old = *value;
    *value = old + delta;
    struct outcome o = run(w, flags, false);
    *value = old;
    outcome_close(&o);
    return o.loss;
}

// The whole chain of operations, by central differences of the loss: a coarse check in float32, as
// each operation is checked in double.
static void gradients_point_the_right_way(void **state) {
    const struct world *w = *state;
    static const enum bn_policy policies[] = {BN_FROZEN, BN_BATCH};
    for (int i = 0; i < 2; i++) {
        struct flags flags = residual_flags(w->model, RESIDUAL_MASKS - 1, policies[i]);
        struct outcome o = run(w, &flags, false);
        for (int p = 0; p < w->model->param_count; p++) {
            if (!o.gradient[p])
                continue;
            size_t index = w->model->params[p].count / 2;
            double slope =
                (loss_at(w, &flags, p, index, 1e-3f) - loss_at(w, &flags, p, index, -1e-3f)) / 2e-3;
            assert_true(fabs(slope - o.gradient[p][index]) < 2e-3 + 0.02 * fabs(slope));
        }
        outcome_close(&o);
        flags_close(&flags);
    }
}

// The mean as PyTorch's documentation of CrossEntropyLoss has it: what is divided by is the weights
// of the labels, also of the part that smoothing spreads.
static void the_mean_is_weighted_as_in_pytorch(void **state) {
    const struct world *w = *state;
    struct flags flags = residual_flags(w->model, RESIDUAL_MASKS - 1, BN_FROZEN);
    struct outcome o = run(w, &flags, false);
    double sum = 0, weight = 0;
    for (int i = 0; i < N; i++) {
        const float *x = o.logits + (ptrdiff_t)i * RESIDUAL_CLASSES;
        double all = 0;
        for (int c = 0; c < RESIDUAL_CLASSES; c++)
            all += exp(x[c]);
        for (int c = 0; c < RESIDUAL_CLASSES; c++) {
            double target = (c == w->batch.label[i] ? 0.9 : 0) + 0.1 / RESIDUAL_CLASSES;
            sum -= class_weights[c] * target * (x[c] - log(all));
        }
        weight += class_weights[w->batch.label[i]];
    }
    assert_true(fabs(o.loss - sum / weight) < 1e-6 * fabs(o.loss));
    outcome_close(&o);
    flags_close(&flags);
}

// A smaller last batch runs in the buffers of the full one.
static void smaller_batch_gives_the_same_logits(void **state) {
    struct world *w = *state;
    struct flags flags = residual_flags(w->model, 0, BN_FROZEN);
    struct plan_options options = {.purpose = PLAN_EVALUATE, .n = N, .pool = w->pool};
    struct plan *plan = plan_make(&flags, &options);
    struct pass pass = {.weights = &w->weights};
    struct error error;
    assert_true(pass_use(&pass, plan, &error));
    float whole[N * RESIDUAL_CLASSES];
    pass_forward(&pass, &w->batch, 0);
    memcpy(whole, pass_logits(&pass), sizeof whole);
    struct batch part = {N - 1, w->batch.x + IMAGE, w->batch.label + 1, w->batch.sample + 1};
    pass_forward(&pass, &part, 0);
    assert_memory_equal(pass_logits(&pass), whole + RESIDUAL_CLASSES,
                        (N - 1) * RESIDUAL_CLASSES * sizeof(float));
    pass_close(&pass);
    plan_close(plan);
    flags_close(&flags);
}

static void check_finds_the_first_bad_node(void **state) {
    struct world *w = *state;
    struct flags flags = residual_flags(w->model, 0, BN_FROZEN);
    struct plan_options options = {.purpose = PLAN_TRAIN, .n = N, .pool = w->pool};
    struct plan *plan = plan_make(&flags, &options);
    struct pass pass = {.weights = &w->weights, .check = true};
    struct error error;
    assert_true(pass_use(&pass, plan, &error));
    pass_forward(&pass, &w->batch, 0);
    assert_int_equal(pass.bad_node, -1);
    weights_at(&w->weights, model_param(w->model, "block.conv2.bias"))[1] = INFINITY;
    pass_forward(&pass, &w->batch, 0);
    assert_true(pass.bad_node > 0);
    const struct node *node = &w->model->nodes[pass.bad_node];
    assert_string_equal(w->model->modules[node->module].name, "block.conv2");
    pass_close(&pass);
    plan_close(plan);
    flags_close(&flags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pruned_equals_unpruned_for_every_mask, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(operations_may_be_done_in_passing, open_world, close_world),
        cmocka_unit_test_setup_teardown(gradients_may_share_buffers, open_world, close_world),
        cmocka_unit_test_setup_teardown(gradients_point_the_right_way, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_mean_is_weighted_as_in_pytorch, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(smaller_batch_gives_the_same_logits, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(check_finds_the_first_bad_node, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
