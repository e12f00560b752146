#include "strategy/parts.h"
#include "model/freeze.h"
#include "models/models.h"
#include "residual_model.h"
#include "test.h"
#include <stdlib.h>

static struct model *model_of(const char *name) {
    struct error error;
    struct model *m =
        arch_build(arch_find(name, &error), &(struct arch_options){.classes = 10}, &error);
    if (!m)
        fail_msg("%s", error.text);
    return m;
}

static void check_names(const char *arch, const char *const *names, int count) {
    struct model *m = model_of(arch);
    struct parts p = parts_of(m);
    assert_int_equal(p.count, count);
    for (int i = 0; i < count; i++) {
        assert_string_equal(p.items[i].name, names[i]);
        assert_true(p.items[i].head == (i == count - 1));
    }
    parts_close(&p);
    model_close(m);
}

static void parts_are_stem_blocks_and_head(void **state) {
    (void)state;
    const char *const resnet[] = {"conv1, bn1", "layer1.0", "layer2.0", "layer3.0", "linear"};
    check_names("resnet8", resnet, 5);
    const char *const vgg[] = {
        "features.0, features.1",   "features.4, features.5",   "features.8, features.9",
        "features.11, features.12", "features.15, features.16", "features.18, features.19",
        "features.22, features.23", "features.25, features.26", "classifier"};
    check_names("vgg11_bn", vgg, 9);
}

// In every architecture: each weight and bias in one part, sizes that add up, and names that
// thaw just that part.
static void every_parameter_belongs_to_one_part(void **state) {
    (void)state;
    for (int a = 0; archs[a]; a++) {
        struct model *m = model_of(archs[a]->name);
        struct parts p = parts_of(m);
        size_t sum = 0;
        for (int i = 0; i < p.count; i++)
            sum += p.items[i].parameters;
        assert_int_equal(sum, model_trainable_count(m));
        for (int i = 0; i < m->param_count; i++) {
            int part = parts_find(&p, m, i);
            assert_true(part >= 0);
            int module = m->params[m->params[i].storage].module;
            assert_true(module >= p.items[part].first && module < p.items[part].end);
        }
        parts_close(&p);
        model_close(m);
    }
}

static char *name(const struct parts *p, const struct model *m, const bool *chosen) {
    struct text text = {0};
    parts_name(p, m, chosen, "only ", "; thaw ", &text);
    return text.data;
}

static void names_are_as_few_as_can_be(void **state) {
    (void)state;
    struct model *m = model_of("resnet20");
    struct parts p = parts_of(m);
    bool chosen[11] = {0};
    assert_int_equal(p.count, 11);
    assert_null(name(&p, m, chosen));
    chosen[0] = chosen[1] = chosen[2] = chosen[3] = chosen[5] = chosen[10] = true;
    char *some = name(&p, m, chosen);
    assert_string_equal(some, "only conv1; thaw bn1; thaw layer1; thaw layer2.1; thaw linear");
    for (int i = 0; i < 11; i++)
        chosen[i] = true;
    char *all = name(&p, m, chosen);
    assert_string_equal(all, "only all");
    free(some);
    free(all);
    parts_close(&p);
    model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_stem_blocks_and_head),
        cmocka_unit_test(every_parameter_belongs_to_one_part),
        cmocka_unit_test(names_are_as_few_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
