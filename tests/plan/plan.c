#include "plan/plan.h"
#include "base/xalloc.h"
#include "residual_model.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

static struct plan *plan_of(const struct model *model, int mask, enum bn_policy policy) {
    struct flags flags = residual_flags(model, mask, policy);
    struct pool *pool = pool_open(1);
    struct plan_options options = {.purpose = PLAN_TRAIN, .n = 4, .pool = pool};
    struct plan *plan = plan_make(&flags, &options);
    pool_close(pool);
    flags_close(&flags);
    return plan;
}

// The bit of a module in a mask.
static int bit(const char *name) {
    for (int i = 0; i < RESIDUAL_MODULES; i++)
        if (strcmp(residual_modules[i], name) == 0)
            return 1 << i;
    fail_msg("no module %s", name);
    return 0;
}

static bool wanted(const struct plan *plan, const char *module, const struct operation *op) {
    for (int i = 1; i < plan->model->node_count; i++) {
        const struct node *node = &plan->model->nodes[i];
        if (node->op == op && strcmp(plan->model->modules[node->module].name, module) == 0)
            return plan->nodes[i].wanted;
    }
    fail_msg("no node in %s", module);
    return false;
}

static void backward_visits_what_leads_to_a_thawed_parameter(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, bit("block.conv2") | bit("fc"), BN_FROZEN);
    assert_false(wanted(plan, "block.conv1", &op_conv2d));
    assert_true(wanted(plan, "block.conv2", &op_conv2d));
    assert_true(wanted(plan, "block.bn2", &op_batch_norm)); // frozen, passes gradients through
    assert_false(wanted(plan, "block.shortcut.0", &op_conv2d));
    assert_true(wanted(plan, "fc", &op_linear));
    assert_true(plan->trains);
    plan_close(plan);
    model_close(model);
}

static void nothing_thawed_is_legal(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, 0, BN_FROZEN);
    assert_false(plan->trains);
    assert_true(plan->cost.data == 0 && plan->cost.weight == 0 && plan->cost.forward > 0);
    plan_close(plan);
    model_close(model);
}

static const char *cut_module(const struct plan *plan, int which) {
    int node = plan->cut.nodes[which];
    return node == 0 ? "input" : plan->model->modules[plan->model->nodes[node].module].name;
}

static void head_only_cuts_behind_the_pooled_features(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, bit("fc"), BN_FROZEN);
    assert_int_equal(plan->cut.count, 1);
    assert_string_equal(cut_module(plan, 0), "pool");
    assert_int_equal(plan->cut.floats, 8);
    plan_close(plan);
    model_close(model);
}

static void dropout_in_front_of_the_head_stays_active_and_behind_the_cut(void **state) {
    (void)state;
    struct model *model = residual_model(0.5f);
    struct plan *plan = plan_of(model, bit("fc"), BN_FROZEN);
    bool dropped = false;
    for (int i = 1; i < model->node_count; i++)
        dropped |= plan->nodes[i].drop;
    assert_true(dropped);
    assert_string_equal(cut_module(plan, 0), "pool");
    plan_close(plan);
    model_close(model);
}

static void dropout_in_the_prefix_is_off(void **state) {
    (void)state;
    struct model *model = residual_model(0.5f);
    struct plan *plan = plan_of(model, 0, BN_FROZEN);
    for (int i = 1; i < model->node_count; i++)
        assert_false(plan->nodes[i].drop);
    plan_close(plan);
    model_close(model);
}

static enum plan_drop drop_of(struct model *model, int mask, const char *name) {
    struct plan *plan = plan_of(model, mask, BN_FROZEN);
    int module = 0;
    while (strcmp(model->modules[module].name, name) != 0)
        module++;
    enum plan_drop drop = plan_drop(plan, module);
    plan_close(plan);
    return drop;
}

// On from the thawed layer right behind it, or before it, to the loss.
static void dropout_inside_a_block_is_on_where_the_block_learns(void **state) {
    (void)state;
    struct model *model = residual_model(0.5f);
    assert_int_equal(drop_of(model, bit("fc"), "block.drop"), PLAN_DROP_OFF);
    assert_int_equal(drop_of(model, bit("block.bn2"), "block.drop"), PLAN_DROP_OFF);
    assert_int_equal(drop_of(model, bit("block.shortcut.0"), "block.drop"), PLAN_DROP_OFF);
    assert_int_equal(drop_of(model, bit("block.conv2"), "block.drop"), PLAN_DROP_ON);
    assert_int_equal(drop_of(model, bit("block.conv1"), "block.drop"), PLAN_DROP_ON);
    assert_int_equal(drop_of(model, bit("conv1"), "block.drop"), PLAN_DROP_ON);
    assert_int_equal(drop_of(model, bit("conv1"), "drop"), PLAN_DROP_ON);
    assert_int_equal(drop_of(model, bit("conv1"), "block"), PLAN_NO_DROP);
    model_close(model);
}

static void moving_statistics_forbid_a_cut_behind_them(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, bit("fc"), BN_TORCH);
    assert_int_equal(plan->cut.count, 1);
    assert_string_equal(cut_module(plan, 0), "conv1");
    plan_close(plan);
    model_close(model);
}

static void inside_a_block_the_cut_is_several_tensors(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, bit("block.conv2") | bit("fc"), BN_FROZEN);
    assert_int_equal(plan->cut.count, 2); // the block's inner activation, and the shortcut's end
    assert_string_equal(cut_module(plan, 0), "block");
    assert_string_equal(cut_module(plan, 1), "block.shortcut.1");
    plan_close(plan);
    model_close(model);
}

static void everything_thawed_cuts_at_the_input(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, RESIDUAL_MASKS - 1, BN_FROZEN);
    assert_int_equal(plan->cut.count, 1);
    assert_string_equal(cut_module(plan, 0), "input");
    assert_true(plan->cut.forward == 0);
    plan_close(plan);
    model_close(model);
}

// With everything thawed: the ReLUs' and BatchNorms' gradients with those of their inputs, but for
// the last BatchNorm's, whose gradient is the shortcut's as well; the sum's with those of both.
static void gradients_share_buffers(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *plan = plan_of(model, RESIDUAL_MASKS - 1, BN_BATCH);
    int shared = 0, inputs = 0;
    for (int i = 1; i < model->node_count; i++) {
        const struct operation *op = model->nodes[i].op;
        for (int k = 0; op->back != OP_BACK_ELSEWHERE && k < op->inputs; k++) {
            shared += plan->nodes[model->nodes[i].in[k]].grad == plan->nodes[i].grad;
            inputs++;
        }
    }
    assert_int_equal(inputs, 9); // 4 BatchNorms, 3 ReLUs, 2 of the sum
    assert_int_equal(shared, 8);
    plan_close(plan);
    model_close(model);
}

static void thawing_more_never_costs_less(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    struct plan *all = plan_of(model, RESIDUAL_MASKS - 1, BN_FROZEN);
    for (int mask = 0; mask < RESIDUAL_MASKS; mask++) {
        struct plan *plan = plan_of(model, mask, BN_FROZEN);
        assert_true(plan->cost.data <= all->cost.data);
        assert_true(plan->cost.weight <= all->cost.weight);
        assert_true(plan->cost.forward == all->cost.forward);
        plan_close(plan);
    }
    plan_close(all);
    model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backward_visits_what_leads_to_a_thawed_parameter),
        cmocka_unit_test(nothing_thawed_is_legal),
        cmocka_unit_test(head_only_cuts_behind_the_pooled_features),
        cmocka_unit_test(dropout_in_front_of_the_head_stays_active_and_behind_the_cut),
        cmocka_unit_test(dropout_in_the_prefix_is_off),
        cmocka_unit_test(dropout_inside_a_block_is_on_where_the_block_learns),
        cmocka_unit_test(moving_statistics_forbid_a_cut_behind_them),
        cmocka_unit_test(inside_a_block_the_cut_is_several_tensors),
        cmocka_unit_test(everything_thawed_cuts_at_the_input),
        cmocka_unit_test(gradients_share_buffers),
        cmocka_unit_test(thawing_more_never_costs_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
