#include "models/models.h"
#include "model/freeze.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct model *make(const char *name, struct arch_options options) {
    struct error error = {0};
    const struct arch *arch = arch_find(name, &error);
    struct model *m = arch ? arch_build(arch, &options, &error) : NULL;
    if (!m)
        fail_msg("%s", error.text);
    return m;
}

// What tests/torch/make_names.py wrote from PyTorch's state_dict: one "name [sizes]" a line.
static void same_as_torch(const char *name, struct arch_options options) {
    struct model *m = make(name, options);
    char path[4096], line[256], dims[96], want[256];
    snprintf(path, sizeof path, "%s/tests/models/%s.names", getenv("THAW_SOURCE"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int i = 0; i < m->param_count; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        snprintf(want, sizeof want, "%s %s\n", m->params[i].name,
                 dims_text(m->params[i].dims, dims));
        assert_string_equal(want, line);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    model_close(m);
}

static void test_names_are_torchs(void **state) {
    (void)state;
    same_as_torch("mlp", (struct arch_options){.classes = 10});
    same_as_torch("mlp", (struct arch_options){.classes = 10, .dropout = 0.5f});
    same_as_torch("cnn", (struct arch_options){.classes = 10});
    same_as_torch("cnn", (struct arch_options){.classes = 10, .dropout = 0.5f});
    same_as_torch("resnet20", (struct arch_options){.classes = 10, .input = {32, 32, 3}});
    same_as_torch("resnet18", (struct arch_options){.classes = 1000});
    same_as_torch("resnet18", (struct arch_options){.classes = 1000, .dropout = 0.5f});
}

static uint64_t add_fnv(uint64_t value, const char *text) {
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 0x100000001b3;
    return value;
}

// Of the lines that a .names file would have.
static uint64_t hash_of_names(const struct model *m) {
    uint64_t value = 0xcbf29ce484222325;
    char dims[96];
    for (int i = 0; i < m->param_count; i++) {
        value = add_fnv(value, m->params[i].name);
        value = add_fnv(add_fnv(value, " "), dims_text(m->params[i].dims, dims));
        value = add_fnv(value, "\n");
    }
    return value;
}

// What make_names.py wrote of torchvision's networks: name, trainable parameters, hash of names.
static void test_torchvision(void **state) {
    (void)state;
    char path[4096], name[32];
    size_t count;
    uint64_t hash;
    int networks = 0;
    snprintf(path, sizeof path, "%s/tests/models/torchvision.txt", getenv("THAW_SOURCE"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fscanf(file, "%31s %zu %" SCNx64, name, &count, &hash) == 3; networks++) {
        struct model *m = make(name, (struct arch_options){.classes = 1000});
        assert_int_equal(model_trainable_count(m), count);
        if (hash_of_names(m) != hash)
            fail_msg("%s: names or shapes differ; `make_names.py %s` lists PyTorch's", name, name);
        model_close(m);
    }
    fclose(file);
    assert_int_equal(networks, RESNET_SIZES + VGG_SIZES + 1);
}

// Counted by PyTorch: see the output of tests/torch/make_names.py.
static void test_counts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t a, b;
    } want[] = {
        {"resnet8", 75290, 78042},    {"resnet20", 269722, 272474}, {"resnet32", 464154, 466906},
        {"resnet44", 658586, 661338}, {"resnet56", 853018, 855770},
    };
    for (int i = 0; i < 5; i++) {
        struct arch_options options = {.classes = 10, .input = {32, 32, 3}, .shortcut = 'a'};
        struct model *m = make(want[i].name, options);
        assert_int_equal(model_trainable_count(m), want[i].a);
        model_close(m);
        options.shortcut = 'b';
        m = make(want[i].name, options);
        assert_int_equal(model_trainable_count(m), want[i].b);
        model_close(m);
    }
}

// As Hugging Face counts them (BertModel and GPT2LMHeadModel; a head of two classes is added).
static void test_counts_of_texts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t count, width;
    } want[] = {{"bert-tiny", 4385920, 128},
                {"bert-mini", 11170560, 256},
                {"bert-small", 28763648, 512},
                {"bert-base", 109482240, 768},
                {"gpt2-lm", 124439808, 0}};
    for (int i = 0; i < 5; i++) {
        struct model *m = make(want[i].name, (struct arch_options){.classes = 2});
        size_t head = want[i].width ? 2 * want[i].width + 2 : 0;
        assert_int_equal(model_trainable_count(m), want[i].count + head);
        model_close(m);
    }
}

static void check_tree(const struct model *m) {
    int param = 0;
    for (int i = 0; i < m->module_count; i++) {
        const struct module *module = &m->modules[i];
        assert_true(module->end > i && module->end <= m->module_count);
        assert_int_equal(module->first_param, param);
        param += module->param_count;
        if (i == 0)
            continue;
        const struct module *parent = &m->modules[module->parent];
        assert_true(module->parent < i && module->end <= parent->end);
        assert_int_equal(module->depth, parent->depth + 1);
    }
    assert_int_equal(param, m->param_count);
    assert_int_equal(m->modules[0].end, m->module_count);
}

static void check_graph(const struct model *m) {
    for (int i = 1; i < m->node_count; i++) {
        const struct node *node = &m->nodes[i];
        struct shape in[OP_INPUTS] = {0}, out;
        for (int k = 0; k < node->op->inputs; k++) {
            assert_in_range(node->in[k], 0, i - 1);
            in[k] = m->nodes[node->in[k]].shape;
        }
        assert_true(node->op->infer(&node->attr, in, &out, NULL));
        assert_true(shape_equal(out, node->shape));
        for (int k = 0; k < OP_PARAMS; k++) {
            if (node->param[k] >= 0)
                assert_int_equal(m->params[node->param[k]].module, node->module);
        }
    }
}

// Every architecture has one head, which owns the last parameters, and blocks to thaw.
static void check_marks(const struct model *m) {
    int heads = 0, blocks = 0, head = 0;
    for (int i = 0; i < m->module_count; i++) {
        blocks += m->modules[i].block;
        heads += m->modules[i].head;
        head = m->modules[i].head ? i : head;
    }
    assert_int_equal(heads, 1);
    assert_int_equal(m->modules[head].end, m->module_count);
    assert_true(blocks >= 2);
}

static void test_every_arch_is_sound(void **state) {
    (void)state;
    for (const struct arch *const *arch = archs; *arch; arch++) {
        const bool text = (*arch)->text.kind, language = (*arch)->language;
        struct arch_options options = {
            .classes = 7, .input = {0, 0, text ? 1 : 3}, .dropout = language ? 0 : 0.1f};
        options.vocabulary = text ? 50 : 0;
        struct model *m = make((*arch)->name, options);
        assert_non_null((*arch)->help);
        check_tree(m);
        check_graph(m);
        check_marks(m);
        assert_int_equal(m->classes, language ? 50 : 7);
        assert_int_equal(m->text, text);
        assert_int_equal(model_is_language(m), language);
        assert_true(
            shape_equal(m->nodes[0].shape,
                        (struct shape){(*arch)->input.h, (*arch)->input.w, options.input.c}));
        model_close(m);
    }
}

static int count_blocks(const char *name) {
    struct model *m = make(name, (struct arch_options){.classes = 2});
    int count = 0;
    for (int i = 0; i < m->module_count; i++)
        count += m->modules[i].block;
    model_close(m);
    return count;
}

static void test_blocks(void **state) {
    (void)state;
    assert_int_equal(count_blocks("mlp"), 2);
    assert_int_equal(count_blocks("cnn"), 3);
    assert_int_equal(count_blocks("resnet8"), 3);
    assert_int_equal(count_blocks("resnet20"), 9);
    assert_int_equal(count_blocks("resnet18"), 8);
    assert_int_equal(count_blocks("resnet50"), 16);
    assert_int_equal(count_blocks("vgg16"), 13);
    assert_int_equal(count_blocks("vgg16_bn"), 13);
    assert_int_equal(count_blocks("mobilenet_v2"), 18);
    assert_int_equal(count_blocks("bert-mini"), 1 + 4);
    assert_int_equal(count_blocks("gpt-nano"), 1 + 3);
}

// Thaws `rule`, which must leave frozen what begins with none of the names.
static void thaws(const char *arch, const char *rule, const char *const *names) {
    struct model *m = make(arch, (struct arch_options){.classes = 2});
    struct flags flags = flags_open(m);
    struct error error = {0};
    if (!freeze_apply_all(&flags, BN_BATCH, &rule, 1, &error))
        fail_msg("%s", error.text);
    for (int i = 0; i < m->param_count; i++) {
        bool named = false;
        for (const char *const *name = names; *name; name++)
            named |= strncmp(m->params[i].name, *name, strlen(*name)) == 0;
        if (flags.thawed[i] != named)
            fail_msg("%s, %s: %s", arch, rule, m->params[i].name);
    }
    flags_close(&flags);
    model_close(m);
}

static void test_presets(void **state) {
    (void)state;
    thaws("resnet50", "thaw head", (const char *[]){"fc.", NULL});
    thaws("resnet50", "thaw last-1-blocks", (const char *[]){"layer4.2.", "fc.", NULL});
    thaws("vgg11", "thaw head", (const char *[]){"classifier.", NULL});
    thaws("vgg11", "thaw last-1-blocks", (const char *[]){"features.18.", "classifier.", NULL});
    thaws("vgg11_bn", "thaw last-2-blocks",
          (const char *[]){"features.22.", "features.23.", "features.25.", "features.26.",
                           "classifier.", NULL});
    thaws("bert-tiny", "thaw head", (const char *[]){"classifier.", NULL});
    thaws("bert-tiny", "thaw last-1-blocks",
          (const char *[]){"bert.encoder.layer.1.", "bert.pooler.", "classifier.", NULL});
    thaws("bert-tiny", "thaw last-3-blocks", (const char *[]){"bert.", "classifier.", NULL});
    thaws("gpt-nano", "thaw last-1-blocks",
          (const char *[]){"transformer.h.2.", "transformer.ln_f.", "score.", NULL});
    thaws("gpt-nano", "thaw last-4-blocks", (const char *[]){"transformer.", "score.", NULL});
    thaws("mobilenet_v2", "thaw head", (const char *[]){"classifier.", NULL});
    thaws("mobilenet_v2", "thaw last-2-blocks",
          (const char *[]){"features.17.", "features.18.", "classifier.", NULL});
}

// Any size that the architecture allows; the smallest is where the last pooling has a pixel.
static void test_input_sizes(void **state) {
    (void)state;
    struct model *m = make("vgg16", (struct arch_options){.classes = 2, .input = {32, 45, 1}});
    const struct param *p = &m->params[model_param(m, "classifier.0.weight")];
    assert_true(shape_equal(p->flat, (struct shape){7, 7, 512}));
    model_close(m);
    model_close(make("mobilenet_v2", (struct arch_options){.classes = 2, .input = {1, 1, 3}}));
    model_close(make("resnet101", (struct arch_options){.classes = 2, .input = {1, 33, 3}}));
    struct error error = {0};
    struct arch_options small = {.classes = 2, .input = {31, 32, 3}};
    assert_null(arch_build(arch_find("vgg16", NULL), &small, &error));
    assert_memory_equal(error.text, "model vgg16: features.30: max_pool: kernel 2x2", 46);
}

static void test_flatten_layout(void **state) {
    (void)state;
    struct model *m = make("cnn", (struct arch_options){.classes = 10, .dropout = 0.5f});
    const struct param *p = &m->params[model_param(m, "classifier.1.weight")];
    assert_int_equal(p->layout, LAYOUT_FLATTEN);
    assert_true(shape_equal(p->flat, (struct shape){3, 3, 128}));
    model_close(m);

    m = make("mlp", (struct arch_options){.classes = 10});
    assert_int_equal(m->params[0].layout, LAYOUT_PLAIN); // one channel: the orders agree
    model_close(m);
    m = make("mlp", (struct arch_options){.classes = 10, .input = {8, 8, 3}});
    assert_int_equal(m->params[0].layout, LAYOUT_FLATTEN);
    assert_int_equal(m->params[2].layout, LAYOUT_PLAIN);
    model_close(m);
}

static void same_parameters(const struct model *a, const struct model *b) {
    assert_int_equal(a->param_count, b->param_count);
    for (int i = 0; i < a->param_count; i++) {
        char x[96], y[96];
        assert_string_equal(a->params[i].name, b->params[i].name);
        assert_string_equal(dims_text(a->params[i].dims, x), dims_text(b->params[i].dims, y));
    }
}

// The node reads what was dropped into weights that lie in the same block.
static void check_reader(const struct model *m, int drop) {
    int readers = 0, reader = 0;
    for (int i = drop + 1; i < m->node_count; i++)
        for (int k = 0; k < m->nodes[i].op->inputs; k++)
            if (m->nodes[i].in[k] == drop)
                reader = i, readers++;
    assert_int_equal(readers, 1);
    assert_true(m->nodes[reader].op == &op_conv2d || m->nodes[reader].op == &op_linear);
    bool in_block = false;
    for (int i = m->nodes[reader].module; i >= 0; i = m->modules[i].parent)
        in_block |= m->modules[i].block;
    assert_true(in_block);
    assert_true(m->nodes[drop].in[0] != 0); // not the picture itself
}

static int block_dropouts(const char *name) {
    struct arch_options options = {.classes = 2};
    struct model *without = make(name, options);
    options.block_dropout = 0.25f;
    struct model *m = make(name, options);
    int count = 0;
    same_parameters(without, m);
    for (int i = 1; i < m->node_count; i++) {
        if (m->nodes[i].op != &op_dropout)
            continue;
        assert_true(m->nodes[i].attr.dropout.p == 0.25f);
        check_reader(m, i);
        count++;
    }
    assert_int_equal(m->node_count, without->node_count + count);
    model_close(without);
    model_close(m);
    return count;
}

static void test_block_dropout(void **state) {
    (void)state;
    assert_int_equal(block_dropouts("mlp"), 1); // all have as many as blocks, but for the first
    assert_int_equal(block_dropouts("cnn"), 2); // one, where that looks at the picture
    assert_int_equal(block_dropouts("vgg11"), 7);
    assert_int_equal(block_dropouts("vgg16_bn"), 12);
    assert_int_equal(block_dropouts("resnet20"), 9);
    assert_int_equal(block_dropouts("resnet18"), 8);
    assert_int_equal(block_dropouts("resnet50"), 16);
    assert_int_equal(block_dropouts("mobilenet_v2"), 18);
}

static void test_init(void **state) {
    (void)state;
    struct model *m = make("resnet20", (struct arch_options){.classes = 10});
    const struct param *conv = &m->params[model_param(m, "layer2.0.conv1.weight")];
    assert_int_equal(conv->init, INIT_KAIMING_NORMAL_IN);
    assert_int_equal(conv->fan, 16 * 9);
    const struct param *linear = &m->params[model_param(m, "linear.weight")];
    assert_int_equal(linear->init, INIT_KAIMING_NORMAL_IN);
    model_close(m);

    m = make("resnet18", (struct arch_options){.classes = 10});
    conv = &m->params[model_param(m, "layer2.0.conv1.weight")];
    assert_int_equal(conv->init, INIT_KAIMING_NORMAL_OUT);
    assert_int_equal(conv->fan, 128 * 9);
    linear = &m->params[model_param(m, "fc.weight")];
    assert_int_equal(linear->init, INIT_UNIFORM_FAN_IN);
    assert_int_equal(linear->fan, 512);
    model_close(m);

    m = make("vgg11", (struct arch_options){.classes = 10});
    assert_int_equal(m->params[model_param(m, "features.0.bias")].init, INIT_ZERO);
    assert_int_equal(m->params[model_param(m, "classifier.6.weight")].init, INIT_NORMAL);
    model_close(m);
}

static void refused(const struct arch *arch, struct arch_options options, const char *want) {
    struct error error = {0};
    assert_null(arch_build(arch, &options, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_string_equal(error.text, want);
}

static void test_errors(void **state) {
    (void)state;
    const struct arch *resnet8 = &arch_resnet_cifar[0];
    refused(&arch_cnn, (struct arch_options){.classes = 0},
            "model cnn: 0 classes; at least 1 is needed");
    refused(&arch_cnn, (struct arch_options){.classes = 2, .input = {-4, 8, 3}},
            "model cnn: an input of 3x-4x8 has no elements; every size must be at least 1");
    refused(&arch_mlp, (struct arch_options){.classes = 2, .input = {4096, 4097, 1}},
            "model mlp: an input of 1x4096x4097 is too large; at most 16777216 elements fit");
    refused(&arch_cnn, (struct arch_options){.classes = 2, .dropout = 1},
            "model cnn: dropout 1; it must be at least 0 and below 1");
    refused(&arch_cnn, (struct arch_options){.classes = 2, .block_dropout = 1},
            "model cnn: block dropout 1; it must be at least 0 and below 1");
    refused(&arch_bert[0], (struct arch_options){.classes = 2, .block_dropout = 0.5f},
            "model bert-tiny: block dropout 0.5, but a network for texts has that in its "
            "configuration; leave it out");
    refused(&arch_mlp, (struct arch_options){.classes = 2, .shortcut = 'a'},
            "model mlp: it has no choice of shortcut; leave that out");
    refused(resnet8, (struct arch_options){.classes = 2, .shortcut = 'c'},
            "model resnet8: shortcut 'c'; it must be a or b");
    refused(&arch_cnn, (struct arch_options){.classes = 2, .vocabulary = 9},
            "model cnn: it takes pictures, not texts");
    refused(&arch_bert[0], (struct arch_options){.classes = 2, .input = {8, 8, 1}},
            "model bert-tiny: it takes texts, not pictures of 1x8x8");
    refused(&arch_bert[0], (struct arch_options){.classes = 2, .input = {600, 1, 1}},
            "model bert-tiny: bert.embeddings.position_embeddings: token_add: texts of up to 600 "
            "tokens, but there are 512 positions; the most for data.length is 512");
    refused(&arch_bert[0],
            (struct arch_options){.classes = 2,
                                  .vocabulary = 9,
                                  .text = &(struct text_config){.vocabulary = 8, .positions = 9}},
            "model bert-tiny: the texts have 9 different tokens, but its embedding has only 8 "
            "rows; are data.tokenizer and model.config of one model?");
    refused(&arch_gpt[1], (struct arch_options){.classes = 2, .pool = POOL_MEAN},
            "model gpt-nano-lm: it predicts tokens; leave out head, dropout and pool");
    struct error error = {0};
    struct arch_options small = {.classes = 2, .input = {4, 4, 1}};
    assert_null(arch_build(&arch_cnn, &small, &error));
    assert_memory_equal(error.text, "model cnn: features.2.3: ", 25);
}

static void test_find(void **state) {
    (void)state;
    struct error error = {0};
    assert_ptr_equal(arch_find("resnet18", &error), &arch_resnet[0]);
    assert_int_equal(error.kind, ERROR_NONE);
    assert_null(arch_find("resnet81", &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_memory_equal(error.text, "there is no model 'resnet81'; the nearest names are ", 51);
    assert_non_null(strstr(error.text, "resnet8,"));
    assert_non_null(strstr(error.text, "resnet18"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_torchs),
        cmocka_unit_test(test_torchvision),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_counts_of_texts),
        cmocka_unit_test(test_every_arch_is_sound),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_input_sizes),
        cmocka_unit_test(test_flatten_layout),
        cmocka_unit_test(test_block_dropout),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
