#include "model/freeze.h"
#include "base/xalloc.h"
#include "small_model.h"
#include "test.h"
#include <stdlib.h>

static const struct small_module table[] = {
    {"conv1", SMALL_WEIGHT, SMALL_PLAIN, 12, 0},
    {"bn1", SMALL_NORM, SMALL_PLAIN, 4, 4},
    {"layer1", SMALL_EMPTY, SMALL_PLAIN, 0, 0},
    {"layer1.0", SMALL_EMPTY, SMALL_BLOCK, 0, 0},
    {"layer1.0.conv1", SMALL_WEIGHT, SMALL_PLAIN, 16, 0},
    {"layer1.0.bn1", SMALL_NORM, SMALL_PLAIN, 4, 4},
    {"layer1.0.relu", SMALL_EMPTY, SMALL_PLAIN, 0, 0},
    {"layer1.1", SMALL_EMPTY, SMALL_BLOCK, 0, 0},
    {"layer1.1.conv1", SMALL_WEIGHT, SMALL_PLAIN, 16, 0},
    {"layer1.1.bn1", SMALL_NORM, SMALL_PLAIN, 4, 4},
    {"layer2", SMALL_EMPTY, SMALL_PLAIN, 0, 0},
    {"layer2.0", SMALL_EMPTY, SMALL_BLOCK, 0, 0},
    {"layer2.0.conv1", SMALL_WEIGHT, SMALL_PLAIN, 32, 0},
    {"layer2.0.bn1", SMALL_NORM, SMALL_PLAIN, 8, 8},
    {"fc", SMALL_WEIGHT_BIAS, SMALL_HEAD, 80, 10},
};

struct fixture {
    struct model *model;
    struct flags flags;
    struct error error;
};

static int setup(void **state) {
    struct fixture *f = xcalloc(1, sizeof *f);
    f->model = small_model(table, sizeof table / sizeof *table);
    f->flags = flags_open(f->model);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    flags_close(&f->flags);
    model_close(f->model);
    free(f);
    return 0;
}

// The short form of a row: "layer1.0.bn1.weight", or "layer1.0.bn1.statistics" for any of its
// three.
static char *row_name(const struct model *model, int p) {
    const struct param *param = &model->params[p];
    if (param->kind == PARAM_WEIGHT || param->kind == PARAM_BIAS)
        return xstrdup(param->name);
    return xprintf("%s.statistics", model->modules[param->module].name);
}

// `rows` is "a b c", every name with a blank behind it.
static bool is_in(const char *rows, const char *name) {
    size_t length = strlen(name);
    for (const char *at = rows; (at = strstr(at, name)); at++)
        if ((at == rows || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

static int count_words(const char *text) {
    int words = 0;
    for (const char *at = text; *at; at++)
        words += *at != ' ' && (at == text || at[-1] == ' ');
    return words;
}

// Exactly the named rows are set, and the names exist.
static void expect_rows(const struct model *model, const bool *set, const char *rows) {
    int found = 0;
    for (int p = 0; p < model->param_count; p++) {
        char *name = row_name(model, p);
        if (set[p] != is_in(rows, name))
            fail_msg("%s (%s) is %s", model->params[p].name, name, set[p] ? "set" : "not set");
        enum param_kind kind = model->params[p].kind;
        found += set[p] && (kind != PARAM_STATISTIC || model->params[p - 1].kind == PARAM_BIAS) &&
                 kind != PARAM_COUNTER;
        free(name);
    }
    assert_int_equal(found, count_words(rows));
}

static void expect_match(struct fixture *f, const char *pattern, const char *rows) {
    bool *hit = xcalloc((size_t)f->model->param_count, sizeof *hit);
    if (!freeze_match(f->model, pattern, hit, &f->error))
        fail_msg("%s: %s", pattern, f->error.text);
    expect_rows(f->model, hit, rows);
    free(hit);
}

static void expect_no_match(struct fixture *f, const char *pattern, const char *message) {
    bool *hit = xcalloc((size_t)f->model->param_count, sizeof *hit);
    assert_false(freeze_match(f->model, pattern, hit, &f->error));
    assert_int_equal(f->error.kind, ERROR_REQUEST);
    if (!strstr(f->error.text, message))
        fail_msg("'%s' is not in '%s'", message, f->error.text);
    for (int p = 0; p < f->model->param_count; p++)
        assert_false(hit[p]);
    free(hit);
}

#define BN(name) name ".weight " name ".bias "
#define BN_STATISTICS(name) name ".statistics "
#define BN_ALL(name) BN(name) BN_STATISTICS(name)
#define FC "fc.weight fc.bias "
#define LAYER1_0 "layer1.0.conv1.weight " BN_ALL("layer1.0.bn1")
#define LAYER1_1 "layer1.1.conv1.weight " BN_ALL("layer1.1.bn1")
#define LAYER2 "layer2.0.conv1.weight " BN_ALL("layer2.0.bn1")
#define ALL "conv1.weight " BN_ALL("bn1") LAYER1_0 LAYER1_1 LAYER2 FC
#define NORMS BN("bn1") BN("layer1.0.bn1") BN("layer1.1.bn1") BN("layer2.0.bn1")
#define STATISTICS                                                                                 \
    BN_STATISTICS("bn1")                                                                           \
    BN_STATISTICS("layer1.0.bn1") BN_STATISTICS("layer1.1.bn1") BN_STATISTICS("layer2.0.bn1")

static void presets_hit_what_they_name(void **state) {
    struct fixture *f = *state;
    expect_match(f, "all", ALL);
    expect_match(f, "none", "");
    expect_match(f, "head", FC);
    expect_match(f, "bias",
                 "bn1.bias layer1.0.bn1.bias layer1.1.bn1.bias layer2.0.bn1.bias fc.bias");
    expect_match(f, "norm", NORMS);
    expect_match(f, "last-1-blocks", LAYER2 FC);
    expect_match(f, "last-2-blocks", LAYER1_1 LAYER2 FC);
    expect_match(f, "last-3-blocks", LAYER1_0 LAYER1_1 LAYER2 FC);
}

static void globs_name_subtrees_and_parameters(void **state) {
    struct fixture *f = *state;
    expect_match(f, "layer1", LAYER1_0 LAYER1_1);
    expect_match(f, "layer1.1", LAYER1_1);
    expect_match(f, "layer?.0", LAYER1_0 LAYER2);
    expect_match(f, "layer1.*", LAYER1_0 LAYER1_1);
    expect_match(f, "bn1", BN_ALL("bn1"));
    expect_match(f, "*", ALL);
    // Across dots, and not at the top where there is no dot.
    expect_match(f, "*.bn1", BN_ALL("layer1.0.bn1") BN_ALL("layer1.1.bn1") BN_ALL("layer2.0.bn1"));
    expect_match(f, "layer*conv1",
                 "layer1.0.conv1.weight layer1.1.conv1.weight layer2.0.conv1.weight");
    expect_match(f, "l*0*", LAYER1_0 LAYER2);
    // Parameters' own names leave statistics alone.
    expect_match(f, "layer1.0.bn1.bias", "layer1.0.bn1.bias");
    expect_match(f, "layer1.0.bn1.*", BN("layer1.0.bn1"));
    expect_match(f, "layer1*.bias", "layer1.0.bn1.bias layer1.1.bn1.bias");
}

static void statistics_are_named_alone(void **state) {
    struct fixture *f = *state;
    expect_match(f, "layer1.0.bn1.statistics", BN_STATISTICS("layer1.0.bn1"));
    expect_match(f, "layer1.statistics",
                 BN_STATISTICS("layer1.0.bn1") BN_STATISTICS("layer1.1.bn1"));
    expect_match(f, "*.statistics", STATISTICS);
    assert_true(freeze_names_statistics("bn1.statistics"));
    assert_false(freeze_names_statistics("bn1"));
    assert_false(freeze_names_statistics(".statistics"));
}

static void match_adds_to_what_is_set(void **state) {
    struct fixture *f = *state;
    bool *hit = xcalloc((size_t)f->model->param_count, sizeof *hit);
    assert_true(freeze_match(f->model, "head", hit, NULL));
    assert_true(freeze_match(f->model, "layer1.0.conv1", hit, NULL));
    assert_true(freeze_match(f->model, "none", hit, NULL));
    expect_rows(f->model, hit, FC "layer1.0.conv1.weight");
    free(hit);
}

static void wrong_patterns_say_what_is_near(void **state) {
    struct fixture *f = *state;
    expect_no_match(f, "laeyr1",
                    "'laeyr1' matches no module, parameter or preset; nearest: layer1");
    expect_no_match(f, "fc.wieght", "nearest: fc.weight");
    expect_no_match(f, "haed", "nearest: head");
    expect_no_match(f, "last-2-block", "last-N-blocks");
    expect_no_match(f, "last-4-blocks", "this model has 3 blocks");
    expect_no_match(f, "last-0-blocks", "N in last-N-blocks must be 1 to 3");
    expect_no_match(f, "last-two-blocks", "N in last-N-blocks must be 1 to 3");
    expect_no_match(f, "last--blocks", "nearest: last-N-blocks");
    expect_no_match(f, "*.running_mean", "write 'layer2.0.bn1.statistics'");
    expect_no_match(f, "fc.statistics", "matches no module with statistics; nearest: ");
    expect_no_match(f, "layer1.0.bn2.statistics", "nearest: layer1.0.bn1.statistics");
    expect_no_match(f, ".statistics", "matches no module");
    expect_no_match(f, "", "'all' means everything");
    expect_no_match(f, "Layer1", "nearest: layer1");
}

static void presets_that_a_model_lacks_are_errors(void **state) {
    (void)state;
    static const struct small_module plain[] = {{"conv", SMALL_WEIGHT, SMALL_PLAIN, 4, 0}};
    struct fixture f = {.model = small_model(plain, 1)};
    expect_no_match(&f, "head", "this model has no module that is marked as its head");
    expect_no_match(&f, "bias", "this model has no bias");
    expect_no_match(&f, "norm", "this model has no normalisation layer");
    expect_no_match(&f, "last-1-blocks", "this model has no blocks");
    expect_no_match(&f, "*.statistics", "none");
    expect_match(&f, "none", "");
    expect_match(&f, "all", "conv.weight");
    model_close(f.model);
}

static void apply(struct fixture *f, enum bn_policy policy, const char *rule) {
    if (!freeze_apply(&f->flags, policy, rule, &f->error))
        fail_msg("%s", f->error.text);
}

static void expect_thawed(struct fixture *f, const char *rows) {
    expect_rows(f->model, f->flags.thawed, rows);
}

static void rules_read_white_space(void **state) {
    struct fixture *f = *state;
    apply(f, BN_FROZEN, "thaw head");
    expect_thawed(f, FC);
    apply(f, BN_FROZEN, " \t freeze \t\n fc.bias \n");
    expect_thawed(f, "fc.weight");
}

static void expect_bad_rule(struct fixture *f, const char *rule, const char *message) {
    assert_false(freeze_apply(&f->flags, BN_FROZEN, rule, &f->error));
    assert_int_equal(f->error.kind, ERROR_REQUEST);
    if (!strstr(f->error.text, message))
        fail_msg("'%s' is not in '%s'", message, f->error.text);
    expect_thawed(f, FC);
}

static void wrong_rules_change_nothing(void **state) {
    struct fixture *f = *state;
    apply(f, BN_FROZEN, "thaw head");
    expect_bad_rule(f, "thwa layer1", "rule 'thwa layer1' begins with neither thaw nor freeze");
    expect_bad_rule(f, "thawlayer1", "a rule is 'thaw PATTERN' or 'freeze PATTERN'");
    expect_bad_rule(f, "Thaw layer1", "neither thaw nor freeze");
    expect_bad_rule(f, "", "neither thaw nor freeze");
    expect_bad_rule(f, "t layer1", "neither thaw nor freeze");
    expect_bad_rule(f, " thaw ", "rule 'thaw' has no pattern");
    expect_bad_rule(f, "thaw  layer1\n layer2",
                    "rule 'thaw layer1 layer2' has more than one pattern");
    expect_bad_rule(f, "freeze fd", "rule 'freeze fd': 'fd' matches no");
    const char *rules[] = {"thaw all", "thaw nothing-like-it"};
    assert_false(freeze_apply_all(&f->flags, BN_FROZEN, rules, 2, &f->error));
    assert_non_null(strstr(f->error.text, "rule 'thaw nothing-like-it': "));
    expect_thawed(f, FC);
}

static void apply_all(struct fixture *f, enum bn_policy policy, const char *const *rules,
                      int count) {
    if (!freeze_apply_all(&f->flags, policy, rules, count, &f->error))
        fail_msg("%s", f->error.text);
}

static void last_rule_wins(void **state) {
    struct fixture *f = *state;
    const char *rules[] = {"thaw all",     "freeze layer?", "thaw layer1.1",
                           "freeze *.bn1", "freeze conv1",  "thaw layer1.1.bn1.bias"};
    apply_all(f, BN_FROZEN, rules, 6);
    expect_thawed(f, BN("bn1") "layer1.1.conv1.weight layer1.1.bn1.bias " FC);
    // From everything frozen, whatever was before.
    apply_all(f, BN_FROZEN, rules + 5, 1);
    expect_thawed(f, "layer1.1.bn1.bias");
    apply_all(f, BN_FROZEN, NULL, 0);
    expect_thawed(f, "");
}

static void policy_frozen_keeps_statistics(void **state) {
    struct fixture *f = *state;
    apply(f, BN_FROZEN, "thaw layer1.0.bn1");
    expect_thawed(f, BN("layer1.0.bn1"));
    apply(f, BN_FROZEN, "thaw layer1.0.bn1.statistics");
    expect_thawed(f, BN_ALL("layer1.0.bn1"));
    apply(f, BN_FROZEN, "freeze layer1.0.bn1.*");
    expect_thawed(f, BN_STATISTICS("layer1.0.bn1"));
    apply(f, BN_FROZEN, "thaw layer1");
    apply(f, BN_FROZEN, "freeze layer1");
    expect_thawed(f, "");
}

static void policy_batch_moves_modules_whole(void **state) {
    struct fixture *f = *state;
    apply(f, BN_BATCH, "thaw layer1.0");
    expect_thawed(f, LAYER1_0);
    apply(f, BN_BATCH, "freeze layer1.0.bn1.statistics");
    expect_thawed(f, "layer1.0.conv1.weight " BN("layer1.0.bn1"));
    apply(f, BN_BATCH, "freeze all");
    apply(f, BN_BATCH, "thaw norm");
    expect_thawed(f, NORMS);
    apply(f, BN_BATCH, "thaw all");
    expect_thawed(f, ALL);
    apply(f, BN_BATCH, "freeze norm");
    apply(f, BN_BATCH, "freeze layer1");
    expect_thawed(f, "conv1.weight layer2.0.conv1.weight " BN_STATISTICS("bn1")
                         BN_STATISTICS("layer2.0.bn1") FC);
}

static void policy_torch_leaves_statistics_thawed(void **state) {
    struct fixture *f = *state;
    const char *rules[] = {"thaw head", "freeze layer1", "freeze bn1.statistics"};
    apply_all(f, BN_TORCH, rules, 2);
    expect_thawed(f, FC STATISTICS);
    apply_all(f, BN_TORCH, rules, 3);
    expect_thawed(f, FC BN_STATISTICS("layer1.0.bn1") BN_STATISTICS("layer1.1.bn1")
                         BN_STATISTICS("layer2.0.bn1"));
    apply(f, BN_TORCH, "thaw bn1");
    apply(f, BN_TORCH, "freeze layer2");
    expect_thawed(f, FC BN("bn1") BN_STATISTICS("layer1.0.bn1") BN_STATISTICS("layer1.1.bn1")
                         BN_STATISTICS("layer2.0.bn1"));
}

static void a_change_of_policy_resets_statistics(void **state) {
    struct fixture *f = *state;
    apply(f, BN_FROZEN, "thaw layer1.0.bn1.bias");
    apply(f, BN_FROZEN, "thaw conv1");
    apply(f, BN_FROZEN, "thaw bn1.statistics");
    freeze_policy(&f->flags, BN_TORCH);
    expect_thawed(f, "conv1.weight layer1.0.bn1.bias " STATISTICS);
    freeze_policy(&f->flags, BN_BATCH);
    expect_thawed(f, "conv1.weight layer1.0.bn1.bias " BN_STATISTICS("layer1.0.bn1"));
    freeze_policy(&f->flags, BN_FROZEN);
    expect_thawed(f, "conv1.weight layer1.0.bn1.bias ");
    assert_string_equal(bn_policy_name(BN_FROZEN), "frozen");
    assert_string_equal(bn_policy_name(BN_BATCH), "batch");
    assert_string_equal(bn_policy_name(BN_TORCH), "torch");
}

static void statistics_toggle_as_one_row(void **state) {
    struct fixture *f = *state;
    const char *tensors[] = {"bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked"};
    for (int i = 0; i < 3; i++) {
        freeze_set(&f->flags, model_param(f->model, tensors[i]), true);
        expect_thawed(f, BN_STATISTICS("bn1"));
        freeze_set(&f->flags, model_param(f->model, tensors[(i + 1) % 3]), false);
        expect_thawed(f, "");
    }
}

// Ties layer1.1.conv1.weight to layer1.0.conv1.weight.
static void tie(struct fixture *f) {
    int first = model_param(f->model, "layer1.0.conv1.weight");
    f->model->params[model_param(f->model, "layer1.1.conv1.weight")].storage = first;
}

#define TIED "layer1.0.conv1.weight layer1.1.conv1.weight "

static void tied_parameters_toggle_together(void **state) {
    struct fixture *f = *state;
    tie(f);
    freeze_set(&f->flags, model_param(f->model, "layer1.1.conv1.weight"), true);
    expect_thawed(f, TIED);
    assert_int_equal(freeze_thawed_count(&f->flags), 16);
    freeze_set(&f->flags, model_param(f->model, "layer1.0.conv1.weight"), false);
    expect_thawed(f, "");
    apply(f, BN_FROZEN, "thaw layer1.0");
    expect_thawed(f, TIED BN("layer1.0.bn1"));
    apply(f, BN_FROZEN, "freeze layer1.1.conv1");
    expect_thawed(f, BN("layer1.0.bn1"));
}

static void rules_that_part_a_tie_are_refused(void **state) {
    struct fixture *f = *state;
    tie(f);
    const char *rules[] = {"thaw\n layer1", "freeze layer1.1", "freeze layer1.0.conv1"};
    assert_false(freeze_apply_all(&f->flags, BN_FROZEN, rules, 2, &f->error));
    assert_string_equal(f->error.text,
                        "layer1.0.conv1.weight and layer1.1.conv1.weight are one tensor, but rule "
                        "'thaw layer1' meets the one and rule 'freeze layer1.1' the other: freeze "
                        "or thaw both");
    expect_thawed(f, "");
    apply_all(f, BN_FROZEN, rules, 3);
    expect_thawed(f, BN("layer1.0.bn1"));
}

static enum freeze_state state_of(const struct fixture *f, const char *module) {
    return freeze_state(&f->flags, model_module(f->model, module));
}

static void a_module_shows_what_its_subtree_is(void **state) {
    struct fixture *f = *state;
    assert_int_equal(state_of(f, ""), STATE_FROZEN);
    assert_int_equal(state_of(f, "layer1.0.relu"), STATE_EMPTY);
    apply(f, BN_FROZEN, "thaw layer1.0");
    assert_int_equal(state_of(f, "layer1.0"), STATE_THAWED);
    assert_int_equal(state_of(f, "layer1.0.bn1"), STATE_THAWED);
    assert_int_equal(state_of(f, "layer1"), STATE_MIXED);
    assert_int_equal(state_of(f, "layer1.1"), STATE_FROZEN);
    assert_int_equal(state_of(f, ""), STATE_MIXED);
    apply(f, BN_FROZEN, "freeze layer1.0.bn1.bias");
    assert_int_equal(state_of(f, "layer1.0.bn1"), STATE_MIXED);
    freeze_policy(&f->flags, BN_TORCH);
    assert_int_equal(state_of(f, "layer2"), STATE_FROZEN);
    apply(f, BN_TORCH, "thaw all");
    assert_int_equal(state_of(f, ""), STATE_THAWED);
    static const char *const names[] = {"frozen", "thawed", "mixed", "empty"};
    for (int s = STATE_FROZEN; s <= STATE_EMPTY; s++)
        assert_string_equal(freeze_state_name((enum freeze_state)s), names[s]);
}

// BatchNorm2d(affine=False) has nothing but statistics.
static void statistics_show_where_there_is_nothing_else(void **state) {
    struct fixture *f = *state;
    int bn = model_module(f->model, "bn1");
    f->model->modules[bn].first_param += 2;
    f->model->modules[bn].param_count -= 2;
    assert_int_equal(state_of(f, "bn1"), STATE_FROZEN);
    apply(f, BN_FROZEN, "thaw bn1.statistics");
    assert_int_equal(state_of(f, "bn1"), STATE_THAWED);
    f->model->modules[bn].first_param -= 2;
    f->model->modules[bn].param_count += 2;
}

static void thawed_elements_are_counted(void **state) {
    struct fixture *f = *state;
    assert_int_equal(freeze_thawed_count(&f->flags), 0);
    apply(f, BN_BATCH, "thaw layer2");
    assert_int_equal(freeze_thawed_count(&f->flags), 32 + 8 + 8);
    apply(f, BN_BATCH, "thaw all");
    assert_int_equal(freeze_thawed_count(&f->flags), model_trainable_count(f->model));
}

static void flags_copy_and_compare(void **state) {
    struct fixture *f = *state;
    struct flags copy = flags_copy(&f->flags);
    assert_true(flags_equal(&copy, &f->flags));
    apply(f, BN_FROZEN, "thaw fc.bias");
    assert_false(flags_equal(&copy, &f->flags));
    flags_close(&copy);
    assert_null(copy.thawed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(presets_hit_what_they_name),
        TEST(globs_name_subtrees_and_parameters),
        TEST(statistics_are_named_alone),
        TEST(match_adds_to_what_is_set),
        TEST(wrong_patterns_say_what_is_near),
        cmocka_unit_test(presets_that_a_model_lacks_are_errors),
        TEST(rules_read_white_space),
        TEST(wrong_rules_change_nothing),
        TEST(last_rule_wins),
        TEST(policy_frozen_keeps_statistics),
        TEST(policy_batch_moves_modules_whole),
        TEST(policy_torch_leaves_statistics_thawed),
        TEST(a_change_of_policy_resets_statistics),
        TEST(statistics_toggle_as_one_row),
        TEST(tied_parameters_toggle_together),
        TEST(rules_that_part_a_tie_are_refused),
        TEST(a_module_shows_what_its_subtree_is),
        TEST(statistics_show_where_there_is_nothing_else),
        TEST(thawed_elements_are_counted),
        TEST(flags_copy_and_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
