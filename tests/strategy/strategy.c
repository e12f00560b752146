#include "strategy/strategy.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "residual_model.h"
#include "test.h"
#include "tiny_run.h"
#include "training/schedule.h"

static char *value(const struct experiment *e, const char *path) {
    struct text t = {0};
    experiment_text_value(&t, e, experiment_key_find(path));
    return t.data;
}

static void expect_key(const struct experiment *e, const char *path, const char *expected) {
    char *text = value(e, path);
    assert_string_equal(text, expected);
    free(text);
}

// On the residual model: conv1 and bn1, block, fc.
static void expand(struct experiment *e, const char *name, const char *more, bool new_head) {
    struct error error;
    struct model *model = residual_model(0);
    char *set = xprintf("strategy.name=%s", name);
    tiny_experiment(e, (const char *const[]){set, more, NULL});
    if (!strategy_expand(e, model, new_head, &error))
        fail_msg("%s", error.text);
    free(set);
    model_close(model);
}

static void expect_rules(const char *name, const char *more, bool new_head, const char *rules) {
    struct experiment e;
    expand(&e, name, more, new_head);
    expect_key(&e, "freeze.rules", rules);
    expect_key(&e, "schedule.phases", "[]");
    experiment_close(&e);
}

static void fixed_ones_are_rules(void **state) {
    (void)state;
    expect_rules("none", NULL, false, "[thaw all]");
    expect_rules("full", NULL, false, "[thaw all]");
    expect_rules("head-only", NULL, false, "[thaw head]");
    expect_rules("last-k", NULL, false, "[thaw block, thaw fc]");
    expect_rules("last-k", "strategy.blocks=2", false, "[thaw all]");
    expect_rules("first-k", NULL, false, "[thaw conv1, thaw bn1]");
    expect_rules("first-k", NULL, true, "[thaw conv1, thaw bn1, thaw head]");
    expect_rules("single", "strategy.block=block.conv2", false, "[thaw block.conv2]");
    expect_rules("bitfit", NULL, false, "[thaw head, thaw bias]");
    expect_rules("norm-only", NULL, false, "[thaw head, thaw norm]");
    expect_rules("all-but-norm", NULL, false, "[thaw all, freeze norm]");
}

static void rates_of_their_own_are_a_key(void **state) {
    (void)state;
    struct experiment e;
    expand(&e, "auto-rgn", NULL, false);
    expect_key(&e, "optim.rates", "auto-rgn");
    expect_key(&e, "freeze.rules", "[thaw all]");
    experiment_close(&e);
}

static void moving_ones_are_phases(void **state) {
    (void)state;
    struct experiment e;
    expand(&e, "progressive", NULL, false);
    expect_key(&e, "freeze.rules", "[thaw head]");
    expect_key(&e, "schedule.phases",
               "[\"33.33% -> thaw block\", \"66.67% -> thaw conv1; thaw bn1\"]");
    experiment_close(&e);
    expand(&e, "progressive", "strategy.epochs=2", false);
    expect_key(&e, "schedule.phases",
               "[\"epoch 2 -> thaw block\", \"epoch 4 -> thaw conv1; thaw bn1\"]");
    experiment_close(&e);
    expand(&e, "progressive", "strategy.blocks=2", false);
    expect_key(&e, "schedule.phases", "[\"50% -> thaw conv1; thaw bn1; thaw block\"]");
    experiment_close(&e);
    expand(&e, "gradual", NULL, false);
    expect_key(&e, "schedule.phases",
               "[\"epoch 1 -> thaw block\", \"epoch 2 -> thaw conv1; thaw bn1\"]");
    expect_key(&e, "optim.layer_decay", "0.384615385");
    expect_key(&e, "schedule.name", "slanted-triangular");
    experiment_close(&e);
    expand(&e, "fine-tune", NULL, false);
    expect_key(&e, "optim.layer_decay", "0.1");
    experiment_close(&e);
    expand(&e, "freezeout", "strategy.start=0.5", false);
    expect_key(&e, "schedule.phases",
               "[\"start -> anneal conv1 until 12.5%; lr conv1 x8; anneal bn1 until 12.5%; lr bn1 "
               "x8; anneal block until 42.19%; lr block x2.37; anneal fc until 100%\", \"12.5% -> "
               "freeze conv1; freeze bn1\", \"42.19% -> freeze block\"]");
    experiment_close(&e);
}

static void again_it_changes_nothing(void **state) {
    (void)state;
    struct model *model = residual_model(0);
    for (const struct strategy *s = strategies; s->name; s++) {
        struct experiment e;
        struct error error;
        expand(&e, s->name, "strategy.block=block", false);
        char *once = experiment_text(&e);
        if (!strategy_expand(&e, model, false, &error))
            fail_msg("%s: %s", s->name, error.text);
        char *twice = experiment_text(&e);
        assert_string_equal(once, twice);
        free(once);
        free(twice);
        experiment_close(&e);
    }
    model_close(model);
}

static void expect_error(const char *const *sets, const char *expected) {
    struct experiment e;
    struct error error;
    struct model *model = residual_model(0);
    tiny_experiment(&e, sets);
    assert_false(strategy_expand(&e, model, false, &error));
    assert_string_equal(error.text, expected);
    experiment_close(&e);
    model_close(model);
}

static void what_a_person_sets_otherwise_is_not_overruled(void **state) {
    (void)state;
    expect_error((const char *const[]){"strategy.name=full", "freeze.rules=[thaw head]", NULL},
                 "strategy.name: 'full' sets freeze.rules itself; leave one of the two out "
                 "(strategy.name: none)");
    expect_error((const char *const[]){"strategy.name=last-k", "strategy.blocks=3", NULL},
                 "strategy: strategy.blocks is 3, but residual has 2 blocks below its head");
    expect_error((const char *const[]){"strategy.name=single", NULL},
                 "strategy: 'single' needs strategy.block, such as conv1, bn1");
}

static void an_empty_list_counts_as_left_out(void **state) {
    (void)state;
    expect_rules("head-only", "freeze.rules=[]", false, "[thaw head]");
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

// Each makes a schedule that fits, whatever the network.
static void they_fit_every_network(void **state) {
    (void)state;
    static const char *const names[] = {"mlp",      "cnn",      "resnet20",
                                        "resnet50", "vgg11_bn", "mobilenet_v2"};
    struct schedule_length length = {100, 4000, 1, true}; // 40 epochs
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct model *model = network(names[i]);
        for (const struct strategy *s = strategies; s->name; s++) {
            if (strcmp(s->name, "norm-only") == 0 && strcmp(names[i], "mlp") == 0)
                continue; // it has none
            char *set = xprintf("strategy.name=%s", s->name);
            struct experiment e;
            struct error error;
            struct settings settings;
            struct schedule schedule;
            tiny_experiment(
                &e, (const char *const[]){set, "strategy.block=head", "train.epochs=40", NULL});
            if (!strategy_expand(&e, model, false, &error) ||
                !settings_open(&settings, model, &e, &error) ||
                !schedule_open(&schedule, &e, &error) ||
                !schedule_check(&schedule, &e, &settings, &length, &error))
                fail_msg("%s of %s: %s", s->name, names[i], error.text);
            assert_true(freeze_thawed_count(&settings.flags) > 0);
            schedule_close(&schedule);
            settings_close(&settings);
            experiment_close(&e);
            free(set);
        }
        model_close(model);
    }
}

// The table and the key's choices are the same.
static void the_key_knows_them_all(void **state) {
    (void)state;
    const struct experiment_key *key = experiment_key_find("strategy.name");
    struct text names = {0};
    text_add(&names, "none");
    for (const struct strategy *s = strategies; s->name; s++)
        text_add(&names, " %s", s->name);
    assert_string_equal(names.data, key->choices);
    text_free(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_ones_are_rules),
        cmocka_unit_test(rates_of_their_own_are_a_key),
        cmocka_unit_test(moving_ones_are_phases),
        cmocka_unit_test(again_it_changes_nothing),
        cmocka_unit_test(what_a_person_sets_otherwise_is_not_overruled),
        cmocka_unit_test(an_empty_list_counts_as_left_out),
        cmocka_unit_test(they_fit_every_network),
        cmocka_unit_test(the_key_knows_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
