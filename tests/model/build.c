#include "model/build.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct build_conv conv3 = {.out = 6, .kernel = 3, .pad = 1};

// conv1, a block with a projection that is registered last, a pooled head.
static struct model *small_net(void) {
    struct build *b = build_start("small", (struct shape){8, 6, 3});
    int x = build_conv(b, "conv1", 0, conv3);
    build_push(b, "layer1", "Sequential");
    build_push_item(b, 0, "BasicBlock");
    build_mark_block(b);
    int y =
        build_conv(b, "conv", x, (struct build_conv){.out = 8, .kernel = 3, .stride = 2, .pad = 1});
    y = build_batch_norm(b, "bn", y);
    y = build_relu(b, "relu", y);
    build_push(b, "downsample", "Sequential");
    x = build_conv(b, "0", x,
                   (struct build_conv){.out = 8, .kernel = 1, .stride = 2, .bias = true});
    build_pop(b);
    x = build_relu(b, NULL, build_add(b, y, x));
    build_pop(b);
    build_pop(b);
    x = build_global_pool(b, "avgpool", x);
    build_mark_head(b);
    x = build_linear(b, "fc", x, 5, true);
    struct error error = {0};
    struct model *m = build_finish(b, x, &error);
    assert_non_null(m);
    return m;
}

static void test_tree(void **state) {
    (void)state;
    static const struct {
        const char *name, *kind;
        int parent, end, depth, params;
    } want[] = {
        {"", "Module", -1, 11, 0, 0},
        {"conv1", "Conv2d", 0, 2, 1, 1},
        {"layer1", "Sequential", 0, 9, 1, 0},
        {"layer1.0", "BasicBlock", 2, 9, 2, 0},
        {"layer1.0.conv", "Conv2d", 3, 5, 3, 1},
        {"layer1.0.bn", "BatchNorm2d", 3, 6, 3, 5},
        {"layer1.0.relu", "ReLU", 3, 7, 3, 0},
        {"layer1.0.downsample", "Sequential", 3, 9, 3, 0},
        {"layer1.0.downsample.0", "Conv2d", 7, 9, 4, 2},
        {"avgpool", "AdaptiveAvgPool2d", 0, 10, 1, 0},
        {"fc", "Linear", 0, 11, 1, 2},
    };
    struct model *m = small_net();
    assert_string_equal(m->arch, "small");
    assert_int_equal(m->module_count, sizeof want / sizeof want[0]);
    int param = 0;
    for (int i = 0; i < m->module_count; i++) {
        const struct module *module = &m->modules[i];
        assert_string_equal(module->name, want[i].name);
        assert_string_equal(module->kind, want[i].kind);
        assert_int_equal(module->parent, want[i].parent);
        assert_int_equal(module->end, want[i].end);
        assert_int_equal(module->depth, want[i].depth);
        assert_int_equal(module->param_count, want[i].params);
        assert_int_equal(module->first_param, param);
        assert_int_equal(module->block, i == 3);
        assert_int_equal(module->head, i == 10);
        param += want[i].params;
    }
    assert_int_equal(m->param_count, param);
    model_close(m);
}

static void test_params(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum param_kind kind;
        struct dims dims;
        enum param_init init;
        int fan;
    } want[] = {
        {"conv1.weight", PARAM_WEIGHT, {4, {6, 3, 3, 3}}, INIT_UNIFORM_FAN_IN, 27},
        {"layer1.0.conv.weight", PARAM_WEIGHT, {4, {8, 6, 3, 3}}, INIT_UNIFORM_FAN_IN, 54},
        {"layer1.0.bn.weight", PARAM_WEIGHT, {1, {8}}, INIT_ONE, 0},
        {"layer1.0.bn.bias", PARAM_BIAS, {1, {8}}, INIT_ZERO, 0},
        {"layer1.0.bn.running_mean", PARAM_STATISTIC, {1, {8}}, INIT_ZERO, 0},
        {"layer1.0.bn.running_var", PARAM_STATISTIC, {1, {8}}, INIT_ONE, 0},
        {"layer1.0.bn.num_batches_tracked", PARAM_COUNTER, {0, {0}}, INIT_ZERO, 0},
        {"layer1.0.downsample.0.weight", PARAM_WEIGHT, {4, {8, 6, 1, 1}}, INIT_UNIFORM_FAN_IN, 6},
        {"layer1.0.downsample.0.bias", PARAM_BIAS, {1, {8}}, INIT_UNIFORM_FAN_IN, 6},
        {"fc.weight", PARAM_WEIGHT, {2, {5, 8}}, INIT_UNIFORM_FAN_IN, 8},
        {"fc.bias", PARAM_BIAS, {1, {5}}, INIT_UNIFORM_FAN_IN, 8},
    };
    struct model *m = small_net();
    assert_int_equal(m->param_count, sizeof want / sizeof want[0]);
    for (int i = 0; i < m->param_count; i++) {
        const struct param *p = &m->params[i];
        assert_string_equal(p->name, want[i].name);
        assert_int_equal(p->kind, want[i].kind);
        assert_true(dims_equal(p->dims, want[i].dims));
        assert_int_equal(p->init, want[i].init);
        assert_int_equal(p->fan, want[i].fan);
        assert_int_equal(p->count, dims_count(want[i].dims));
        assert_int_equal(p->storage, i);
        assert_int_equal(p->norm, strstr(p->name, ".bn.") != NULL);
        assert_int_equal(p->layout, want[i].dims.rank == 4 ? LAYOUT_CONV : LAYOUT_PLAIN);
        const struct module *owner = &m->modules[p->module];
        assert_memory_equal(p->name, owner->name, strlen(owner->name));
        assert_in_range(i, owner->first_param, owner->first_param + owner->param_count - 1);
    }
    model_close(m);
}

static void test_graph(void **state) {
    (void)state;
    // module and inputs of each node, its shape, and its parameters.
    static const struct {
        const struct operation *op;
        int module, in[2];
        struct shape shape;
        int param[OP_PARAMS], counter;
    } want[] = {
        {NULL, 0, {-1, -1}, {8, 6, 3}, {-1, -1, -1, -1, -1}, -1},
        {&op_conv2d, 1, {0, -1}, {8, 6, 6}, {0, -1, -1, -1, -1}, -1},
        {&op_conv2d, 4, {1, -1}, {4, 3, 8}, {1, -1, -1, -1, -1}, -1},
        {&op_batch_norm, 5, {2, -1}, {4, 3, 8}, {2, 3, 4, 5, -1}, 6},
        {&op_relu, 6, {3, -1}, {4, 3, 8}, {-1, -1, -1, -1, -1}, -1},
        {&op_conv2d, 8, {1, -1}, {4, 3, 8}, {7, 8, -1, -1, -1}, -1},
        {&op_add, 3, {4, 5}, {4, 3, 8}, {-1, -1, -1, -1, -1}, -1},
        {&op_relu, 3, {6, -1}, {4, 3, 8}, {-1, -1, -1, -1, -1}, -1},
        {&op_global_pool, 9, {7, -1}, {1, 1, 8}, {-1, -1, -1, -1, -1}, -1},
        {&op_linear, 10, {8, -1}, {1, 1, 5}, {9, 10, -1, -1, -1}, -1},
        {&op_cross_entropy, 0, {9, -1}, {1, 1, 1}, {-1, -1, -1, -1, -1}, -1},
    };
    struct model *m = small_net();
    assert_int_equal(m->node_count, sizeof want / sizeof want[0]);
    assert_int_equal(m->classes, 5);
    for (int i = 0; i < m->node_count; i++) {
        const struct node *node = &m->nodes[i];
        assert_ptr_equal(node->op, want[i].op);
        assert_int_equal(node->module, want[i].module);
        assert_memory_equal(node->in, want[i].in, sizeof want[i].in);
        assert_true(shape_equal(node->shape, want[i].shape));
        assert_memory_equal(node->param, want[i].param, sizeof node->param);
        assert_int_equal(node->counter, want[i].counter);
    }
    const union op_attr *attr = &m->nodes[2].attr;
    assert_int_equal(attr->conv.stride, 2);
    assert_int_equal(attr->conv.groups, 1);
    assert_float_equal(m->nodes[3].attr.norm.eps, 1e-5f, 0);
    assert_float_equal(m->nodes[3].attr.norm.momentum, 0.1f, 0);
    model_close(m);
}

static void test_marks(void **state) {
    (void)state;
    struct build *b = build_start("marks", (struct shape){1, 1, 4});
    build_mark_block(b); // the root is never meant: the next module is
    int x = build_linear(b, "a", 0, 4, false);
    build_push(b, "b", "Sequential");
    x = build_linear(b, "0", x, 4, false);
    build_mark_block(b); // not b, which has a child
    x = build_linear(b, "1", x, 4, false);
    build_pop(b);
    build_mark_head(b);
    build_push(b, "c", "Sequential");
    x = build_linear(b, "0", x, 3, false);
    build_pop(b);
    struct model *m = build_finish(b, x, NULL);
    for (int i = 0; i < m->module_count; i++) {
        const char *name = m->modules[i].name;
        assert_int_equal(m->modules[i].block, !strcmp(name, "a") || !strcmp(name, "b.1"));
        assert_int_equal(m->modules[i].head, !strcmp(name, "c"));
    }
    model_close(m);
}

static struct model *flat_net(struct shape input) {
    struct build *b = build_start("flat", input);
    int x = build_flatten(b, "flatten", 0);
    x = build_relu(b, "relu", build_dropout(b, "drop", x, 0.5f));
    x = build_flatten(b, NULL, x);
    x = build_linear(b, "fc1", build_add(b, x, x), 6, false);
    x = build_linear(b, "fc2", x, 2, false);
    return build_finish(b, x, NULL);
}

static void test_flatten(void **state) {
    (void)state;
    struct shape input = {4, 3, 5};
    struct model *m = flat_net(input);
    const struct param *first = &m->params[0], *second = &m->params[1];
    assert_int_equal(first->layout, LAYOUT_FLATTEN);
    assert_true(shape_equal(first->flat, input));
    assert_int_equal(first->dims.size[1], 60);
    assert_int_equal(second->layout, LAYOUT_PLAIN);
    model_close(m);

    m = flat_net((struct shape){4, 3, 1});
    assert_int_equal(m->params[0].layout, LAYOUT_PLAIN);
    model_close(m);
    m = flat_net((struct shape){1, 1, 7});
    assert_int_equal(m->params[0].layout, LAYOUT_PLAIN);
    model_close(m);
}

static void test_dropout_of_nothing(void **state) {
    (void)state;
    struct build *b = build_start("drop", (struct shape){1, 1, 4});
    assert_int_equal(build_dropout(b, "drop", 0, 0), 0);
    int x = build_dropout(b, NULL, 0, 0.25f);
    assert_int_equal(x, 1);
    x = build_linear(b, "fc", x, 2, true);
    struct model *m = build_finish(b, x, NULL);
    assert_int_equal(model_module(m, "drop"), 1);
    assert_string_equal(m->modules[1].kind, "Dropout");
    assert_float_equal(m->nodes[1].attr.dropout.p, 0.25f, 0);
    model_close(m);
}

static void test_pools_and_init(void **state) {
    (void)state;
    struct build *b = build_start("pools", (struct shape){9, 9, 4});
    build_init(b, INIT_KAIMING_NORMAL_OUT, INIT_KAIMING_NORMAL_IN);
    int x = build_conv(b, "conv", 0, (struct build_conv){.out = 8, .kernel = 3, .groups = 2});
    assert_true(shape_equal(build_shape(b, x), (struct shape){7, 7, 8}));
    x = build_max_pool(b, "max", x, 3, 2, 1);
    assert_true(shape_equal(build_shape(b, x), (struct shape){4, 4, 8}));
    x = build_avg_pool(b, "avg", x, 2, 2, 0);
    assert_true(shape_equal(build_shape(b, x), (struct shape){2, 2, 8}));
    x = build_pad_shortcut(b, "pad", x, 12, 2);
    assert_true(shape_equal(build_shape(b, x), (struct shape){1, 1, 12}));
    x = build_linear(b, "fc", x, 3, true);
    struct model *m = build_finish(b, x, NULL);
    const struct param *conv = &m->params[0], *fc = &m->params[1];
    assert_true(dims_equal(conv->dims, (struct dims){4, {8, 2, 3, 3}}));
    assert_int_equal(conv->init, INIT_KAIMING_NORMAL_OUT);
    assert_int_equal(conv->fan, 72); // PyTorch's fan_out does not divide by groups
    assert_int_equal(fc->init, INIT_KAIMING_NORMAL_IN);
    assert_int_equal(fc->fan, 12);
    assert_int_equal(m->params[2].init, INIT_UNIFORM_FAN_IN);
    model_close(m);
}

static void test_first_error_sticks(void **state) {
    (void)state;
    struct build_conv huge = {.out = 6, .kernel = 9};
    struct shape input = {4, 4, 3}, out;
    union op_attr attr = {.conv = {6, 9, 9, 1, 0, 1, false}};
    struct error inner = {0}, error = {0};
    assert_false(op_conv2d.infer(&attr, &input, &out, &inner));

    struct build *b = build_start("bad", input);
    build_push(b, "layer1", "Sequential");
    build_push_item(b, 0, "BasicBlock");
    assert_int_equal(build_conv(b, "conv1", 0, huge), 0);
    assert_int_equal(build_linear(b, "fc", 0, 10, true), 0);
    assert_int_equal(build_batch_norm(b, "bn", 0), 0);
    assert_int_equal(build_flatten(b, NULL, 0), 0);
    build_fail(b, "a later error");
    build_pop(b);
    assert_null(build_finish(b, 0, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    char want[1100];
    snprintf(want, sizeof want, "layer1.0.conv1: %s", inner.text);
    assert_string_equal(error.text, want);
}

static void test_fail(void **state) {
    (void)state;
    struct error error = {0};
    struct build *b = build_start("bad", (struct shape){1, 1, 3});
    build_fail(b, "%d%% of nothing", 5);
    assert_null(build_finish(b, 0, &error));
    assert_string_equal(error.text, "5% of nothing");

    b = build_start("bad", (struct shape){1, 1, 3});
    build_push(b, "head", "Sequential");
    build_fail(b, "too small");
    assert_null(build_finish(b, 0, &error));
    assert_string_equal(error.text, "head: too small");
}

static void test_functional_error_names_the_container(void **state) {
    (void)state;
    struct error error = {0};
    struct build *b = build_start("bad", (struct shape){4, 4, 3});
    build_push(b, "block", "BasicBlock");
    int y = build_conv(b, "conv", 0, conv3);
    build_add(b, 0, y);
    assert_null(build_finish(b, 0, &error));
    assert_memory_equal(error.text, "block: ", 7);
    assert_non_null(strstr(error.text, "3x4x4"));
    assert_non_null(strstr(error.text, "6x4x4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_graph),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_flatten),
        cmocka_unit_test(test_dropout_of_nothing),
        cmocka_unit_test(test_pools_and_init),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_functional_error_names_the_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
