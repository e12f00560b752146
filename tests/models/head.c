// Own heads: names, layers, initialisation, and what is refused.
#include "base/xalloc.h"
#include "model/freeze.h"
#include "models/layer.h"
#include "models/models.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 8 };

// "dropout 0.5, linear 256, linear": as it stands in an experiment.
struct words {
    char *text, *layer[LAYERS_MAX];
    int count;
};

static struct words split(const char *list) {
    struct words w = {.text = xstrdup(list)};
    for (char *rest = w.text, *item; (item = strtok_r(NULL, ",", &rest));)
        w.layer[w.count++] = item + strspn(item, " ");
    return w;
}

static struct model *build(const char *arch, const char *head, struct shape input,
                           struct error *error) {
    struct words words = split(head);
    struct arch_options options = {.input = input,
                                   .classes = 10,
                                   .dropout = -1,
                                   .head = (const char *const *)words.layer,
                                   .head_count = words.count};
    struct model *m = arch_build(arch_find(arch, NULL), &options, error);
    free(words.text);
    return m;
}

static struct model *make(const char *arch, const char *head) {
    struct error error = {0};
    struct model *m = build(arch, head, (struct shape){0}, &error);
    if (!m)
        fail_msg("%s", error.text);
    return m;
}

// Names and kinds of the last modules: "fc Sequential, 0 Dropout".
static void modules_are(const struct model *m, const char *want) {
    struct text is = {0};
    int head = 0;
    while (!m->modules[head].head)
        head++;
    for (int i = head; i < m->module_count; i++) {
        const char *dot = strrchr(m->modules[i].name, '.');
        text_add(&is, "%s%s %s", i > head ? ", " : "", dot ? dot + 1 : m->modules[i].name,
                 m->modules[i].kind);
    }
    assert_string_equal(is.data, want);
    text_free(&is);
}

static void test_names(void **state) {
    (void)state;
    struct model *m = make("resnet18", "dropout 0.5, linear 256, batchnorm, relu, linear");
    modules_are(m, "fc Sequential, 0 Dropout, 1 Linear, 2 BatchNorm1d, 3 ReLU, 4 Linear");
    const struct param *p = &m->params[model_param(m, "fc.1.weight")];
    assert_true(dims_equal(p->dims, (struct dims){2, {256, 512}}));
    p = &m->params[model_param(m, "fc.4.weight")];
    assert_true(dims_equal(p->dims, (struct dims){2, {10, 256}}));
    assert_true(model_param(m, "fc.2.running_var") > 0);
    assert_int_equal(m->classes, 10);
    model_close(m);
    m = make("vgg11", "linear 64 nobias, relu6, linear 10");
    modules_are(m, "classifier Sequential, 0 Linear, 1 ReLU6, 2 Linear");
    assert_int_equal(model_param(m, "classifier.0.bias"), -1);
    model_close(m);
    const char *const others[][2] = {{"mobilenet_v2", "classifier"},
                                     {"resnet20", "linear"},
                                     {"cnn", "classifier"},
                                     {"mlp", "fc3"}};
    for (int i = 0; i < 4; i++) {
        m = make(others[i][0], "linear");
        assert_string_equal(m->modules[m->module_count - 2].name, others[i][1]);
        assert_true(m->modules[m->module_count - 2].head);
        model_close(m);
    }
}

// PyTorch's default, also where the architecture has another.
static void test_init(void **state) {
    (void)state;
    struct model *m = make("vgg11", "linear 64, relu, linear");
    const struct param *weight = &m->params[model_param(m, "classifier.0.weight")];
    assert_int_equal(weight->init, INIT_UNIFORM_FAN_IN);
    assert_int_equal(weight->fan, 512 * 49);
    const struct param *bias = &m->params[model_param(m, "classifier.0.bias")];
    assert_int_equal(bias->init, INIT_UNIFORM_FAN_IN);
    assert_int_equal(bias->fan, 512 * 49);
    assert_int_equal(m->params[model_param(m, "features.0.bias")].init, INIT_ZERO);
    model_close(m);
}

// Behind a flatten a BatchNorm's elements stand in our order of columns, and a linear layer's too.
static void test_layout(void **state) {
    (void)state;
    struct model *m = make("cnn", "batchnorm, dropout, linear 8, batchnorm, linear");
    const char *const moved[] = {"classifier.0.weight", "classifier.0.running_mean",
                                 "classifier.2.weight"};
    for (int i = 0; i < 3; i++) {
        const struct param *p = &m->params[model_param(m, moved[i])];
        assert_int_equal(p->layout, LAYOUT_FLATTEN);
        assert_true(shape_equal(p->flat, (struct shape){3, 3, 128}));
    }
    assert_int_equal(m->params[model_param(m, "classifier.2.bias")].layout, LAYOUT_PLAIN);
    assert_int_equal(m->params[model_param(m, "classifier.3.weight")].layout, LAYOUT_PLAIN);
    assert_int_equal(m->params[model_param(m, "classifier.4.weight")].layout, LAYOUT_PLAIN);
    model_close(m);
}

static void test_preset(void **state) {
    (void)state;
    struct model *m = make("resnet20", "linear 16, relu, linear");
    static const char *const rules[] = {"thaw head"};
    struct flags flags = flags_open(m);
    assert_true(freeze_apply_all(&flags, BN_FROZEN, rules, 1, NULL));
    assert_int_equal(freeze_thawed_count(&flags), 16 * 64 + 16 + 10 * 16 + 10);
    flags_close(&flags);
    model_close(m);
}

static void refused(const char *head, const char *want) {
    struct error error = {0};
    assert_null(build("resnet18", head, (struct shape){32, 32, 3}, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    if (strncmp(error.text, "model resnet18: model.head, item ", 33) != 0 ||
        !strstr(error.text, want))
        fail_msg("%s", error.text);
}

static void test_refusals(void **state) {
    (void)state;
    refused(
        "linear 256, relu, linear 1000",
        "item 3 'linear 1000': fc.2 would be Linear(256, 1000), but there are 10 classes, which "
        "need Linear(256, 10); write linear");
    refused("linear 1000", "fc.0 would be Linear(512, 1000)");
    refused("linear, relu", "item 2 'relu': the last layer must be linear");
    refused("lineer 3, linear", "item 1 'lineer 3': a head has no layer 'lineer'; give batchnorm, "
                                "relu, relu6, linear or dropout");
    refused("linear, conv 3 3", "item 2 'conv 3 3': a head has no layer 'conv'");
    refused("linear 0, linear", "'0' is not a whole number from 1 to 1048576; write linear [OUT]");
    refused("linear 2.5, linear", "'2.5' is not a whole number");
    refused("linear 4 5, linear", "'5' is too much; write linear [OUT]");
    refused("dropout 1, linear", "'1' is not a probability from 0 to below 1; write dropout [P]");
    refused("relu 6, linear", "'6' is too much; write relu");
    struct error error = {0};
    struct arch_options both = {.classes = 10, .dropout = 0.5f, .head_count = 1};
    both.head = (const char *const[]){"linear"};
    assert_null(arch_build(arch_find("resnet18", NULL), &both, &error));
    assert_string_equal(error.text, "model resnet18: dropout 0.5, but the head is your own; put "
                                    "'dropout 0.5' into it");
}

static void test_words(void **state) {
    (void)state;
    struct layer layer;
    struct error error = {0};
    assert_true(layer_parse(&layer, " conv  32 3 stride 2 pad 1 groups 4 nobias ", false, &error));
    assert_true(layer.number[0] == 32 && layer.number[1] == 3 && layer.stride == 2);
    assert_true(layer.pad == 1 && layer.groups == 4 && !layer.bias);
    assert_true(layer_parse(&layer, "maxpool 2", false, &error) && layer.stride == 0);
    static const char *const wrong[][2] = {
        {"", "there is no layer ''; give conv, batchnorm"},
        {"conv 32", "a number is missing; write conv OUT KERNEL"},
        {"conv 32 3 stride", "there is no number behind 'stride'"},
        {"conv 32 3 stride 0", "stride '0' is not a whole number from 1"},
        {"conv 32 3 pad -1", "pad '-1' is not a whole number from 0"},
        {"conv 32 3 dilation 2", "'dilation' is too much"},
        {"maxpool 2 groups 2", "'groups' is too much"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(layer_parse(&layer, wrong[i][0], false, &error));
        if (strncmp(error.text, wrong[i][1], strlen(wrong[i][1])) != 0)
            fail_msg("'%s': %s", wrong[i][0], error.text);
    }
}

// Without a head of one's own, a dropout below 0 is the architecture's.
static void test_usual_dropout(void **state) {
    (void)state;
    static const struct {
        const char *arch, *module;
        float p;
    } usual[] = {{"vgg16", "classifier.2", 0.5f}, {"mobilenet_v2", "classifier.0", 0.2f}};
    for (int i = 0; i < 2; i++) {
        struct arch_options options = {.classes = 2, .dropout = -1};
        struct model *m = arch_build(arch_find(usual[i].arch, NULL), &options, NULL);
        int module = model_module(m, usual[i].module), found = 0;
        for (int n = 1; n < m->node_count; n++)
            if (m->nodes[n].module == module)
                found += m->nodes[n].op == &op_dropout && m->nodes[n].attr.dropout.p == usual[i].p;
        assert_int_equal(found, 1);
        model_close(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_init),
        cmocka_unit_test(test_layout),        cmocka_unit_test(test_preset),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_words),
        cmocka_unit_test(test_usual_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
