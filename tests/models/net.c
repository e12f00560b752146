// Networks of one's own: what their files build, and every way in which they can be wrong.
#include "models/net.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "model/freeze.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/thaw-net-XXXXXX.yaml";

static int make_file(void **state) {
    (void)state;
    int file = mkstemps(path, 5);
    return file < 0 || close(file) ? -1 : 0;
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static struct model *build(const char *text, struct arch_options options, struct error *error) {
    assert_true(files_write(path, text, strlen(text), error));
    return net_build(path, &options, error);
}

static const struct arch_options grey = {.input = {28, 28, 1}, .classes = 10};

static struct model *make(const char *text, struct arch_options options) {
    struct error error = {0};
    struct model *m = build(text, options, &error);
    if (!m)
        fail_msg("%s", error.text);
    return m;
}

static const char lenet[] = "# LeNet-5, nearly\n"
                            "layers:\n"
                            "  - features:\n"
                            "      - conv 6 5 pad 2 nobias\n"
                            "      - norm: batchnorm\n"
                            "      - relu\n"
                            "      - maxpool 2\n"
                            "  - conv2: conv 16 5\n"
                            "  - relu6\n"
                            "  - avgpool 2 stride 2\n"
                            "  - flatten\n"
                            "  - fc1: linear 120\n"
                            "  - batchnorm\n"
                            "  - dropout 0.25\n"
                            "  - fc2: linear\n";

static void params_are(const struct model *m, const char *want) {
    struct text is = {0};
    char dims[96];
    for (int i = 0; i < m->param_count; i++)
        if (m->params[i].kind == PARAM_WEIGHT || m->params[i].kind == PARAM_BIAS)
            text_add(&is, "%s %s\n", m->params[i].name, dims_text(m->params[i].dims, dims));
    assert_string_equal(is.data, want);
    text_free(&is);
}

static void test_lenet(void **state) {
    (void)state;
    struct model *m = make(lenet, grey);
    params_are(m, "features.0.weight [6, 1, 5, 5]\nfeatures.norm.weight [6]\n"
                  "features.norm.bias [6]\nconv2.weight [16, 6, 5, 5]\nconv2.bias [16]\n"
                  "fc1.weight [120, 400]\nfc1.bias [120]\n6.weight [120]\n6.bias [120]\n"
                  "fc2.weight [10, 120]\nfc2.bias [10]\n");
    const struct param *p = &m->params[model_param(m, "fc1.weight")];
    assert_int_equal(p->layout, LAYOUT_FLATTEN);
    assert_true(shape_equal(p->flat, (struct shape){5, 5, 16}));
    assert_int_equal(p->init, INIT_UNIFORM_FAN_IN);
    assert_string_equal(m->modules[model_module(m, "6")].kind, "BatchNorm1d");
    assert_string_equal(m->modules[model_module(m, "features.norm")].kind, "BatchNorm2d");
    assert_int_equal(m->classes, 10);
    model_close(m);
}

static void test_blocks_and_head(void **state) {
    (void)state;
    struct model *m = make(lenet, grey);
    static const char *const blocks[] = {"features", "conv2", "fc1"};
    for (int i = 0, found = 0; i < m->module_count; i++)
        if (m->modules[i].block)
            assert_string_equal(m->modules[i].name, blocks[found++]);
    assert_true(m->modules[model_module(m, "fc2")].head);
    static const char *const rules[] = {"thaw last-1-blocks"};
    struct flags flags = flags_open(m);
    assert_true(freeze_apply_all(&flags, BN_FROZEN, rules, 1, NULL));
    assert_true(flags.thawed[model_param(m, "6.weight")]); // fc1's BatchNorm
    assert_false(flags.thawed[model_param(m, "conv2.weight")]);
    flags_close(&flags);
    model_close(m);
    m = make("layers: [flatten, {body: [{inner: [linear 9, relu]}, linear 8]}, "
             "{top: [{deep: [linear 4, relu]}, linear]}]",
             grey);
    assert_true(m->modules[model_module(m, "body")].block);
    assert_false(m->modules[model_module(m, "body.inner")].block);
    assert_true(m->modules[model_module(m, "top")].head);
    assert_false(m->modules[model_module(m, "top.deep")].block);
    model_close(m);
}

static void test_own_head(void **state) {
    (void)state;
    static const char *const head[] = {"linear 7", "relu", "linear"};
    struct arch_options options = grey;
    options.head = head;
    options.head_count = 3;
    struct model *m = make(lenet, options);
    assert_true(model_param(m, "fc2.0.weight") > 0 && model_param(m, "fc2.2.bias") > 0);
    assert_true(m->modules[model_module(m, "fc2")].head);
    model_close(m);
    struct error error = {0};
    assert_null(build("layers: [conv 4 3, {a: [flatten, linear]}]", options, &error));
    assert_non_null(strstr(error.text, ":1:20: model.head takes the place of this and needs a "
                                       "vector, but here comes an image of 4x26x26"));
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"", ": it must have one key, 'layers:', with a list below it"},
        {"layers: relu", ": it must have one key, 'layers:'"},
        {"layers: [relu]\nmore: 1", ": it must have one key, 'layers:'"},
        {"layers: []", ":1:9: the list is empty"},
        {"layers:\n  - [relu]", ":2:5: a list inside a list needs a name"},
        {"layers:\n  - a: relu\n    b: relu", ":2:5: an item has one name; begin each with a dash"},
        {"layers:\n  - a.b: relu", ":2:5: 'a.b' is not a name; use letters, digits and _"},
        {"layers:\n  - a: relu\n  - a: relu", ":3:5: there is a 'a' before it in this list"},
        {"layers:\n  - relu\n  - 0: relu", ":3:5: there is a '0' before it in this list"},
        {"layers:\n  - 1: relu\n  - relu", ":3:5: there is a '1' before it in this list"},
        {"layers:\n  - relu:", ":2:10: there must be a text here, such as relu, or a list"},
        {"layers: [flatten, &a linear]", ":1:19: anchors (&) are not allowed"},
        {"layers:\n  - flaten", ":2:5: there is no layer 'flaten'; give conv, batchnorm, relu"},
        {"layers:\n  - conv 6", ":2:5: a number is missing; write conv OUT KERNEL"},
        {"layers:\n  - conv 6 3\n  - linear",
         ":3:5: linear takes a vector, but here comes an image of 6x26x26; put flatten or"},
        {"layers:\n  - flatten\n  - conv 6 3",
         ":3:5: conv takes an image, but here comes a vector"},
        {"layers:\n  - flatten\n  - flatten", ":3:5: flatten takes an image"},
        {"layers:\n  - a: [conv 6 3, maxpool 30]\n  - flatten\n  - linear",
         ":2:19: a.1: max_pool: kernel 30x30 is larger than the input"},
        {"layers:\n  - maxpool 17\n  - flatten\n  - linear",
         ":2:5: 0: max_pool: a window of 17x17: at most 16x16"},
        {"layers:\n  - conv 6 3 groups 2\n  - flatten\n  - linear",
         ":2:5: 0: conv2d: 1 input and 6 output channels do not divide into 2 groups"},
        {"layers:\n  - flatten\n  - linear 9",
         ":3:5: this would be Linear(784, 9), but there are 10"},
        {"layers:\n  - flatten\n  - a: [linear, relu]\n  - linear",
         ":3:9: only the last layer may leave out how many values it makes"},
        {"layers:\n  - flatten\n  - relu", ":3:5: the last layer must be linear"},
        {"layers:\n  - conv 1000000 1\n  - flatten\n  - linear",
         ":2:5: it makes 1000000x28x28 of every sample; at most 67108864 values fit"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error error = {0};
        assert_null(build(wrong[i][0], grey, &error));
        assert_int_equal(error.kind, ERROR_REQUEST);
        assert_memory_equal(error.text, path, strlen(path));
        if (strncmp(error.text + strlen(path), wrong[i][1], strlen(wrong[i][1])) != 0)
            fail_msg("%s\n%s", wrong[i][0], error.text);
    }
    struct error error = {0};
    assert_null(net_build("/nowhere/net.yaml", &grey, &error));
    assert_non_null(strstr(error.text, "/nowhere/net.yaml"));
}

static void test_too_many_items(void **state) {
    (void)state;
    struct text file = {0};
    struct error error = {0};
    text_add(&file, "layers:\n  - a: [");
    for (int i = 0; i < 4095; i++)
        text_add(&file, "relu,");
    text_add(&file, "relu]\n  - linear\n");
    assert_null(build(file.data, grey, &error));
    assert_non_null(strstr(error.text, ":2:8: there are more than 4096 items; leave some out"));
    text_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lenet),          cmocka_unit_test(test_blocks_and_head),
        cmocka_unit_test(test_own_head),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_many_items),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
