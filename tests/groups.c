#include "groups.h"
#include "models/models.h"
#include "residual_model.h"
#include "test.h"

static int group_of(const struct groups *b, const char *param) {
    int p = model_param(b->model, param);
    assert_true(p >= 0);
    return b->group[p];
}

static void expect_words(const struct groups *b, int first, int last, const char *expected) {
    struct text words = {0};
    groups_words(b, "thaw", first, last, &words);
    assert_string_equal(words.data, expected);
    text_free(&words);
}

static void what_stands_before_the_first_block_is_a_group(void **state) {
    (void)state;
    struct model *model = residual_model(0.2f);
    struct groups b = groups_of(model);
    assert_int_equal(b.count, 3);
    assert_int_equal(group_of(&b, "conv1.weight"), 0);
    assert_int_equal(group_of(&b, "bn1.running_mean"), 0);
    assert_int_equal(group_of(&b, "block.shortcut.1.bias"), 1);
    assert_int_equal(group_of(&b, "fc.bias"), 2);
    expect_words(&b, 0, 0, "thaw conv1; thaw bn1");
    expect_words(&b, 1, 2, "thaw block; thaw fc");
    assert_string_equal(groups_name(&b, 1), "block");
    groups_close(&b);
    model_close(model);
}

static struct model *network(const char *name) {
    struct error error;
    const struct arch *arch = arch_find(name, &error);
    assert_non_null(arch);
    struct arch_options options = {.classes = 10, .dropout = -1};
    struct model *model = arch_build(arch, &options, &error);
    if (!model)
        fail_msg("%s", error.text);
    return model;
}

// A convolution that is a block of its own takes the BatchNorm behind it along, and a layer's
// blocks are named together where all of them are meant.
static void blocks_of_real_networks(void **state) {
    (void)state;
    struct model *vgg = network("vgg11_bn"), *resnet = network("resnet20");
    struct groups b = groups_of(vgg);
    assert_int_equal(b.count, 9); // 8 convolutions and the classifier
    expect_words(&b, 0, 0, "thaw features.0; thaw features.1");
    expect_words(&b, 8, 8, "thaw classifier");
    groups_close(&b);
    b = groups_of(resnet);
    assert_int_equal(b.count, 11);
    expect_words(&b, 1, 3, "thaw layer1");
    expect_words(&b, 6, 10, "thaw layer2.2; thaw layer3; thaw linear");
    groups_close(&b);
    model_close(vgg);
    model_close(resnet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_before_the_first_block_is_a_group),
        cmocka_unit_test(blocks_of_real_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
