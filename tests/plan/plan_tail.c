// What is done in passing has the bits of what is done by itself, by every kind of convolution,
// with every instruction set and any number of threads; and a value inside a chain that is asked
// for is that of the operation.
#include "plan/plan_tail.h"
#include "base/kernels.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "model/build.h"
#include "model/freeze.h"
#include "plan/pass.h"
#include "test.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, SIDE = 14, CHANNELS = 3, CLASSES = 7, IMAGE = SIDE * SIDE * CHANNELS };

static int conv_norm(struct build *b, const char *name, int x, struct build_conv conv) {
    char norm[16];
    snprintf(norm, sizeof norm, "%s_bn", name);
    return build_batch_norm(b, norm, build_conv(b, name, x, conv));
}

// Direct, Winograd's in its two ways, depthwise, of stride 2, grouped; with every kind of tail.
static struct model *make_model(void) {
    struct build *b = build_start("tails", (struct shape){SIDE, SIDE, CHANNELS});
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_UNIFORM_FAN_IN);
    int x = conv_norm(b, "stem", 0, (struct build_conv){.out = 19, .kernel = 3, .pad = 1});
    x = build_relu(b, NULL, x);
    int y = conv_norm(b, "winograd", x,
                      (struct build_conv){.out = 19, .kernel = 3, .pad = 1, .bias = true});
    x = build_relu(b, NULL, build_add(b, x, y));
    y = conv_norm(b, "expand", x, (struct build_conv){.out = 38, .kernel = 1});
    y = build_relu6(b, NULL, y);
    y = build_relu6(b, NULL,
                    conv_norm(b, "depthwise", y,
                              (struct build_conv){.out = 38, .kernel = 3, .pad = 1, .groups = 38}));
    x = build_add(b, x, conv_norm(b, "project", y, (struct build_conv){.out = 19, .kernel = 1}));
    x = build_relu(b, NULL,
                   build_conv(b, "stride", x,
                              (struct build_conv){
                                  .out = 256, .kernel = 3, .stride = 2, .pad = 1, .bias = true}));
    y = conv_norm(b, "shared", x, (struct build_conv){.out = 40, .kernel = 3, .pad = 1});
    x = conv_norm(b, "grouped", x, (struct build_conv){.out = 40, .kernel = 1, .groups = 4});
    x = build_relu(b, NULL, build_add(b, y, x));
    build_mark_head(b);
    x = build_linear(b, "fc", build_global_pool(b, "pool", x), CLASSES, true);
    struct error error;
    struct model *model = build_finish(b, x, &error);
    assert_non_null(model);
    return model;
}

struct world {
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct batch batch;
};

static int open_world(void **state) {
    struct world *w = xcalloc(1, sizeof *w);
    const struct random_key key = random_key(5, RANDOM_PROBE, 0);
    w->model = make_model();
    w->weights = weights_open(w->model);
    w->flags = flags_open(w->model);
    weights_init(&w->weights, 1);
    for (int p = 0; p < w->model->param_count; p++) {
        const struct param *param = &w->model->params[p];
        const bool any = param->norm && param->kind != PARAM_COUNTER;
        for (size_t i = 0; any && i < param->count; i++) // above 0: some are variances
            weights_at(&w->weights, p)[i] = 0.5f + random_uniform(key, (uint32_t)p, 1, i);
    }
    w->batch = (struct batch){N, xcalloc(N * IMAGE, sizeof(float)), xcalloc(N, sizeof(int)),
                              xcalloc(N, sizeof(uint32_t))};
    for (uint32_t i = 0; i < N * IMAGE; i++)
        w->batch.x[i] = random_normal(key, i, 0, 0);
    for (uint32_t i = 0; i < N; i++)
        w->batch.sample[i] = i;
    *state = w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    free(w->batch.x);
    free(w->batch.label);
    free(w->batch.sample);
    weights_close(&w->weights);
    flags_close(&w->flags);
    model_close(w->model);
    free(w);
    return 0;
}

// Logits of a pass whose arena held NaN; `cut` may be NULL, or lie where nothing is in passing.
static void run(struct world *w, const struct plan *plan, const struct pass_cut *cut,
                float *logits) {
    struct pass pass = {.weights = &w->weights, .cut = cut};
    struct error error;
    assert_true(pass_use(&pass, plan, &error));
    memset(pass.arena.base, 0xff, plan->floats * sizeof(float));
    pass_forward(&pass, &w->batch, 0);
    memcpy(logits, pass_logits(&pass), N * CLASSES * sizeof *logits);
    for (int i = 0; i < N * CLASSES; i++)
        assert_true(isfinite(logits[i]));
    pass_close(&pass);
}

static struct plan *make_plan(const struct world *w, struct pool *pool, bool precise) {
    const struct plan_options options = {
        .purpose = PLAN_TRAIN, .n = N, .pool = pool, .precise = precise};
    return plan_make(&w->flags, &options);
}

static int take_apart(struct plan *plan) {
    int done = 0;
    for (int i = 1; i < plan->model->node_count; i++) {
        done += plan->nodes[i].head > 0;
        plan->nodes[i].head = plan->nodes[i].next = 0;
        plan->nodes[i].back_done = false;
    }
    return done;
}

static void check_bits(struct world *w, int threads, bool precise) {
    struct pool *pool = pool_open(threads), *single = pool_open(1);
    struct plan *fused = make_plan(w, pool, precise), *apart = make_plan(w, single, precise);
    float a[N * CLASSES], b[N * CLASSES];
    assert_int_equal(take_apart(apart), 16); // 7 norms, 6 ReLUs, 3 sums
    run(w, fused, NULL, a);
    run(w, apart, NULL, b);
    assert_memory_equal(a, b, sizeof a);
    plan_close(fused);
    plan_close(apart);
    pool_close(pool);
    pool_close(single);
}

static void bits_are_those_of_operations_apart(void **state) {
    for (const struct kernels *const *isa = kernels_available(); *isa; isa++) {
        assert_true(kernels_force((*isa)->isa));
        for (int threads = 1; threads <= 3; threads++) {
            check_bits(*state, threads, false);
            check_bits(*state, threads, true);
        }
    }
    kernels_force(kernels_available()[0]->isa);
}

// All gradients, one after another, and behind them the weights after the pass, on a copy of them.
static float *train(const struct world *w, const struct plan *plan) {
    const size_t floats = w->model->weight_floats;
    float *result = xcalloc(2 * floats, sizeof *result);
    struct weights weights = weights_open(w->model);
    struct pass pass = {.weights = &weights};
    struct error error;
    memcpy(weights.data, w->weights.data, floats * sizeof(float));
    assert_true(pass_use(&pass, plan, &error));
    memset(pass.arena.base, 0xff, plan->floats * sizeof(float));
    pass_forward(&pass, &w->batch, 0);
    pass_backward(&pass);
    for (int p = 0; p < w->model->param_count; p++)
        if (pass_gradient(&pass, p).value)
            memcpy(result + w->model->params[p].at, pass_gradient(&pass, p).value,
                   w->model->params[p].count * sizeof(float));
    memcpy(result + floats, weights.data, floats * sizeof(float));
    pass_close(&pass);
    weights_close(&weights);
    return result;
}

// Everything thawed, by the batch's statistics: backward of ReLUs is done in passing as well.
static void gradients_are_those_of_operations_apart(void **state) {
    struct world *w = *state;
    const size_t bytes = 2 * w->model->weight_floats * sizeof(float);
    struct error error;
    assert_true(freeze_apply(&w->flags, BN_BATCH, "thaw all", &error));
    for (const struct kernels *const *isa = kernels_available(); *isa; isa++) {
        assert_true(kernels_force((*isa)->isa));
        struct pool *pool = pool_open(2), *single = pool_open(1);
        struct plan *fused = make_plan(w, pool, false), *apart = make_plan(w, single, false);
        int done = 0;
        for (int i = 1; i < w->model->node_count; i++)
            done += fused->nodes[i].back_done;
        assert_int_equal(done, 2); // behind expand and depthwise; the stem's goes to a sum
        take_apart(apart);
        float *a = train(w, fused), *b = train(w, apart);
        assert_memory_equal(a, b, bytes);
        free(a);
        free(b);
        plan_close(fused);
        plan_close(apart);
        pool_close(pool);
        pool_close(single);
    }
    kernels_force(kernels_available()[0]->isa);
}

// Of one node's output; `rows` are where the samples' values stand.
static struct pass_cut cut_at(const struct world *w, int node, ptrdiff_t *place, bool *skip,
                              void *const *rows) {
    for (int i = 0; i < w->model->node_count; i++) {
        place[i] = i == node ? 0 : -1;
        skip[i] = i <= node;
    }
    return (struct pass_cut){.place = place, .skip = skip, .rows = rows};
}

// Taken down wherever in a chain; and given again where it is enough for what is behind it: before
// the first branch, and where branches join (nodes of the root module).
static void values_inside_a_chain_are_at_hand(void **state) {
    struct world *w = *state;
    const size_t nodes = (size_t)w->model->node_count;
    ptrdiff_t *place = xcalloc(nodes, sizeof *place);
    bool *skip = xcalloc(nodes, sizeof *skip);
    struct pool *pool = pool_open(2);
    struct plan *fused = make_plan(w, pool, false), *apart = make_plan(w, pool, false);
    float plain[N * CLASSES], taken[N * CLASSES], given[N * CLASSES];
    const int branches = model_module(w->model, "winograd");
    take_apart(apart);
    run(w, fused, NULL, plain);
    for (int i = 1; i < model_logits(w->model); i++) {
        const size_t floats = shape_count(w->model->nodes[i].shape);
        void *rows[2][N];
        for (int k = 0; k < 2 * N; k++)
            rows[k / N][k % N] = xcalloc(floats, sizeof(float));
        struct pass_cut cut = cut_at(w, i, place, skip, rows[0]);
        const struct pass_cut other = cut_at(w, i, place, skip, rows[1]);
        run(w, fused, &cut, taken);
        assert_memory_equal(taken, plain, sizeof plain);
        run(w, apart, &other, taken);
        for (int k = 0; k < N; k++)
            assert_memory_equal(rows[0][k], rows[1][k], floats * sizeof(float));
        if (w->model->nodes[i].module < branches && fused->nodes[i].next) {
            cut.given = true;
            run(w, fused, &cut, given);
            assert_memory_equal(given, plain, sizeof plain);
        }
        for (int k = 0; k < 2 * N; k++)
            free(rows[k / N][k % N]);
    }
    plan_close(fused);
    plan_close(apart);
    pool_close(pool);
    free(place);
    free(skip);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bits_are_those_of_operations_apart, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(gradients_are_those_of_operations_apart, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(values_inside_a_chain_are_at_hand, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
