// What is done takes time, and what is not, or is done in passing by another node, takes none.
#include "plan/node_times.h"
#include "base/xalloc.h"
#include "residual_model.h"
#include "test.h"
#include <stdlib.h>

enum { N = 4 };

struct world {
    struct model *model;
    struct weights weights;
    struct flags flags;
    struct plan *plan;
    struct pass pass;
    struct batch batch;
};

static void open_world(struct world *w, const char *rule) {
    *w = (struct world){.model = residual_model(0)};
    const size_t floats = N * shape_count(w->model->nodes[0].shape);
    w->weights = weights_open(w->model);
    weights_init(&w->weights, 1);
    w->flags = flags_open(w->model);
    assert_true(freeze_apply_all(&w->flags, BN_BATCH, &rule, 1, NULL));
    struct plan_options options = {.purpose = PLAN_TRAIN, .n = N, .pool = pool_open(2)};
    w->plan = plan_make(&w->flags, &options);
    w->pass.weights = &w->weights;
    w->batch = (struct batch){.n = N,
                              .x = xcalloc(floats, sizeof(float)),
                              .label = xcalloc(N, sizeof(int)),
                              .sample = xcalloc(N, sizeof(uint32_t))};
}

static void close_world(struct world *w) {
    free(w->batch.x);
    free(w->batch.label);
    free(w->batch.sample);
    pool_close(w->plan->options.pool);
    plan_close(w->plan);
    flags_close(&w->flags);
    weights_close(&w->weights);
    model_close(w->model);
}

static void check(const char *rule) {
    struct world w;
    struct error error;
    open_world(&w, rule);
    struct node_times *nodes = node_times_measure(&w.pass, w.plan, &w.batch, &error);
    assert_non_null(nodes);
    double sum = 0;
    for (int i = 1; i < w.model->node_count; i++) {
        const struct plan_node *mark = &w.plan->nodes[i];
        const bool data = mark->grad_in[0] || mark->grad_in[1] || mark->grad_in[2];
        bool weight = false;
        for (int k = 0; k < OP_PARAMS; k++)
            weight |= mark->grad_param[k];
        assert_true(mark->head || nodes[i].forward > 0);
        assert_int_equal(nodes[i].data > 0, data && !mark->back_done);
        assert_int_equal(nodes[i].weight > 0, weight);
        sum += nodes[i].forward + nodes[i].data + nodes[i].weight;
    }
    bool *skip = xcalloc((size_t)w.model->node_count, sizeof *skip);
    assert_float_equal(node_times_sum(nodes, w.model, NULL), sum, 1e-9);
    assert_float_equal(node_times_sum(nodes, w.model, skip), sum, 1e-9);
    skip[1] = true;
    assert_float_equal(node_times_sum(nodes, w.model, skip), sum - nodes[1].forward, 1e-9);
    free(skip);
    free(nodes);
    close_world(&w);
}

static void each_pass_that_is_wanted_takes_time(void **state) {
    (void)state;
    check("thaw all");
    check("thaw head");
    check("thaw none");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_pass_that_is_wanted_takes_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
