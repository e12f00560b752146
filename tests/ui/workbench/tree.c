#include "ui/workbench/tree.h"
#include "test.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/model_scene.h"
#include "ui/workbench/screen.h"
#include "ui/workbench/tree_parts.h"
#include <math.h>

struct fixture {
    struct model_scene m;
    struct tree tree;
};

static void open_fixture(struct fixture *f, const char *arch, const char *rule) {
    model_scene_open(&f->m, arch, rule);
    model_scene_train(&f->m);
    tree_open(&f->tree, f->m.model);
    tree_rebuild(&f->tree, &f->m.scene);
}

static void close_fixture(struct fixture *f) {
    tree_close(&f->tree);
    model_scene_close(&f->m);
}

static void open_everything(struct fixture *f) {
    for (int m = 0; m < f->m.model->module_count; m++)
        f->tree.open[m] = true;
    tree_rebuild(&f->tree, &f->m.scene);
}

static void act(struct fixture *f, enum action action) {
    assert_true(tree_act(&f->tree, &f->m.scene, action, 5));
}

// "layer1", "bn1.weight", "bn1.statistics"; the root is the name of the model.
static void row_name(const struct fixture *f, int row, char out[80]) {
    const struct model *model = f->m.model;
    const struct tree_row *r = &f->tree.rows[row];
    if (r->param < 0)
        snprintf(out, 80, "%s", r->module ? model->modules[r->module].name : model->arch);
    else if (freeze_is_statistic(&model->params[r->param]))
        snprintf(out, 80, "%s.statistics", model->modules[model->params[r->param].module].name);
    else
        snprintf(out, 80, "%s", model->params[r->param].name);
}

static void go_to(struct fixture *f, const char *name) {
    char here[80];
    for (int i = 0; i < f->tree.count; i++) {
        row_name(f, i, here);
        if (strcmp(here, name) == 0) {
            f->tree.cursor = i;
            return;
        }
    }
    fail_msg("there is no row %s", name);
}

static void expect_rows(const struct fixture *f, const char *const *names) {
    char here[80];
    int count = 0;
    for (; names[count]; count++) {
        assert_true(count < f->tree.count);
        row_name(f, count, here);
        assert_string_equal(here, names[count]);
    }
    assert_int_equal(f->tree.count, count);
}

#define EXPECT_ROWS(f, ...) expect_rows(f, (const char *const[]){__VA_ARGS__, NULL})

static void blocks_are_in_sight_and_closed(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only head");
    EXPECT_ROWS(&f, "resnet20", "conv1", "bn1", "layer1", "layer1.0", "layer1.1", "layer1.2",
                "layer2", "layer2.0", "layer2.1", "layer2.2", "layer3", "layer3.0", "layer3.1",
                "layer3.2", "linear");
    close_fixture(&f);
}

static void leaves_open_into_parameters(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet8", "only head");
    go_to(&f, "bn1");
    act(&f, ACTION_RIGHT);
    go_to(&f, "layer2");
    act(&f, ACTION_LEFT);
    go_to(&f, "layer3");
    act(&f, ACTION_LEFT);
    EXPECT_ROWS(&f, "resnet8", "conv1", "bn1", "bn1.weight", "bn1.bias", "bn1.statistics", "layer1",
                "layer1.0", "layer2", "layer3", "linear");
    assert_int_equal(f.tree.rows[5].depth, 2);
    go_to(&f, "bn1.bias");
    act(&f, ACTION_LEFT); // to the parent
    act(&f, ACTION_ENTER);
    EXPECT_ROWS(&f, "resnet8", "conv1", "bn1", "layer1", "layer1.0", "layer2", "layer3", "linear");
    assert_int_equal(f.tree.cursor, 2);
    close_fixture(&f);
}

static void modules_without_parameters_show_in_the_wide_tree(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet18", "only head");
    go_to(&f, "layer1");
    act(&f, ACTION_LEFT);
    go_to(&f, "layer2");
    act(&f, ACTION_LEFT);
    go_to(&f, "layer3");
    act(&f, ACTION_LEFT);
    go_to(&f, "layer4");
    act(&f, ACTION_LEFT);
    EXPECT_ROWS(&f, "resnet18", "conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc");
    f.tree.wide = true;
    tree_rebuild(&f.tree, &f.m.scene);
    EXPECT_ROWS(&f, "resnet18", "conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3",
                "layer4", "avgpool", "fc");
    char text[COMMAND_TEXT];
    go_to(&f, "relu");
    assert_false(tree_command(&f.tree, &f.m.scene, ACTION_TOGGLE, text, sizeof text));
    assert_string_equal(text, "nothing here can be frozen or thawed");
    close_fixture(&f);
}

// The cursor stays on its row, or goes to the one it has vanished into.
static void the_cursor_stays(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only head");
    go_to(&f, "layer3.1");
    f.tree.open[model_module(f.m.model, "layer1.0")] = true;
    tree_rebuild(&f.tree, &f.m.scene);
    char here[80];
    row_name(&f, f.tree.cursor, here);
    assert_string_equal(here, "layer3.1");
    f.tree.open[model_module(f.m.model, "layer3")] = false;
    tree_rebuild(&f.tree, &f.m.scene);
    row_name(&f, f.tree.cursor, here);
    assert_string_equal(here, "layer3");
    act(&f, ACTION_BOTTOM);
    act(&f, ACTION_DOWN);
    assert_int_equal(f.tree.cursor, f.tree.count - 1);
    act(&f, ACTION_TOP);
    act(&f, ACTION_PAGE_UP);
    assert_int_equal(f.tree.cursor, 0);
    act(&f, ACTION_PAGE_DOWN);
    assert_int_equal(f.tree.cursor, 5);
    assert_false(tree_act(&f.tree, &f.m.scene, ACTION_ESCAPE, 5));
    close_fixture(&f);
}

static void set_filter(struct fixture *f, const char *filter) {
    snprintf(f->tree.filter, sizeof f->tree.filter, "%s", filter);
    tree_rebuild(&f->tree, &f->m.scene);
}

static void filters_keep_ancestors(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet8", "only head");
    set_filter(&f, "bn2");
    EXPECT_ROWS(&f, "resnet8", "layer1", "layer1.0", "layer1.0.bn2", "layer2", "layer2.0",
                "layer2.0.bn2", "layer3", "layer3.0", "layer3.0.bn2");
    set_filter(&f, "*.bias");
    assert_int_equal(f.tree.count, 1 + 2 + 3 * 2 + 2 * 2 * 3 + 2 * 3 + 2);
    set_filter(&f, "bn1.statistics");
    EXPECT_ROWS(&f, "resnet8", "bn1");
    set_filter(&f, "last-1-blocks");
    EXPECT_ROWS(&f, "resnet8", "layer3", "layer3.0", "linear");
    set_filter(&f, "nonsense");
    assert_int_equal(f.tree.count, 0);
    char text[COMMAND_TEXT];
    assert_false(tree_command(&f.tree, &f.m.scene, ACTION_TOGGLE, text, sizeof text));
    tree_act(&f.tree, &f.m.scene, ACTION_DOWN, 5);
    tree_act(&f.tree, &f.m.scene, ACTION_RANGE, 5);
    act(&f, ACTION_ESCAPE);
    assert_int_equal(f.tree.count, 10);
    close_fixture(&f);
}

// Texts

static void expect_text(struct fixture *f, const char *row, enum action action,
                        const char *wanted) {
    char text[COMMAND_TEXT];
    go_to(f, row);
    bool ok = tree_command(&f->tree, &f->m.scene, action, text, sizeof text);
    assert_string_equal(text, wanted);
    assert_true(ok);
}

static void keys_say_what_they_mean(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only last-2-blocks");
    f.tree.open[model_module(f.m.model, "bn1")] = true;
    tree_rebuild(&f.tree, &f.m.scene);
    expect_text(&f, "layer1", ACTION_TOGGLE, "thaw layer1");
    expect_text(&f, "layer3", ACTION_TOGGLE, "thaw layer3"); // mixed
    expect_text(&f, "layer3.2", ACTION_TOGGLE, "freeze layer3.2");
    expect_text(&f, "bn1.bias", ACTION_TOGGLE, "thaw bn1.bias");
    expect_text(&f, "bn1.statistics", ACTION_TOGGLE, "thaw bn1.statistics");
    expect_text(&f, "resnet20", ACTION_TOGGLE, "thaw all");
    expect_text(&f, "layer3", ACTION_THAW_FROM, "thaw layer3; thaw linear");
    expect_text(&f, "layer3.1", ACTION_THAW_FROM, "thaw layer3.1; thaw layer3.2; thaw linear");
    expect_text(&f, "layer2.2", ACTION_THAW_FROM, "thaw layer2.2; thaw layer3; thaw linear");
    expect_text(&f, "layer1.1", ACTION_THAW_FROM, "thaw last-8-blocks");
    expect_text(&f, "linear", ACTION_THAW_FROM, "thaw linear");
    expect_text(&f, "conv1", ACTION_THAW_FROM, "thaw all");
    expect_text(&f, "conv1", ACTION_FREEZE_TO, "freeze conv1");
    expect_text(&f, "bn1.weight", ACTION_FREEZE_TO, "freeze conv1; freeze bn1");
    expect_text(&f, "layer2.0", ACTION_FREEZE_TO,
                "freeze conv1; freeze bn1; freeze layer1; freeze layer2.0");
    expect_text(&f, "linear", ACTION_FREEZE_TO, "freeze all");
    expect_text(&f, "layer1.1", ACTION_ONLY, "only layer1.1");
    expect_text(&f, "layer1.1", ACTION_HEAD, "only head");
    expect_text(&f, "layer1.1", ACTION_ALL, "thaw all");
    expect_text(&f, "layer1.1", ACTION_NORMS, "freeze norm");
    model_scene_apply(&f.m, "bn batch", true);
    expect_text(&f, "layer1.1", ACTION_NORMS, "freeze norm; freeze *.statistics");
    char text[COMMAND_TEXT];
    assert_false(tree_command(&f.tree, &f.m.scene, ACTION_ZOOM, text, sizeof text));
    assert_string_equal(text, "");
    close_fixture(&f);
}

static void ranges_are_one_text(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only last-2-blocks");
    f.tree.open[model_module(f.m.model, "bn1")] = true;
    tree_rebuild(&f.tree, &f.m.scene);
    go_to(&f, "conv1");
    act(&f, ACTION_RANGE);
    expect_text(&f, "bn1.bias", ACTION_TOGGLE, "thaw conv1; thaw bn1");
    expect_text(&f, "layer1", ACTION_ONLY, "only conv1; thaw bn1; thaw layer1");
    expect_text(&f, "linear", ACTION_TOGGLE, "thaw all");
    act(&f, ACTION_RANGE);
    go_to(&f, "bn1.statistics");
    act(&f, ACTION_RANGE);
    expect_text(&f, "bn1.weight", ACTION_TOGGLE,
                "thaw bn1.weight; thaw bn1.bias; thaw bn1.statistics");
    act(&f, ACTION_ESCAPE);
    go_to(&f, "layer3.1"); // backwards
    act(&f, ACTION_RANGE);
    expect_text(&f, "layer2.1", ACTION_FREEZE_TO,
                "freeze conv1; freeze bn1; freeze layer1; freeze layer2; freeze layer3");
    expect_text(&f, "layer2.1", ACTION_THAW_FROM, "thaw last-5-blocks");
    close_fixture(&f);
}

static void filters_speak_for_their_matches(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only last-2-blocks");
    set_filter(&f, "bn2");
    expect_text(&f, "layer3.0", ACTION_TOGGLE, "thaw layer3.0.bn2");
    expect_text(&f, "layer3.2", ACTION_TOGGLE, "freeze layer3.2.bn2");
    expect_text(&f, "resnet20", ACTION_TOGGLE, "thaw *bn2*");
    act(&f, ACTION_TOP);
    act(&f, ACTION_RANGE);
    expect_text(&f, "layer3.2.bn2", ACTION_TOGGLE, "thaw *bn2*");
    expect_text(&f, "layer1.1.bn2", ACTION_ONLY, "only *bn2*"); // the first row means them all
    act(&f, ACTION_RANGE);
    set_filter(&f, "norm");
    expect_text(&f, "resnet20", ACTION_TOGGLE, "thaw norm");
    close_fixture(&f);
}

// What a key means, said anew without patterns or texts.

struct meaning {
    const struct model *model;
    bool *wanted; // [param_count]: named with its module, or by itself
    bool *alone;  // [param_count]: statistics that are named by themselves
};

static void mean_row(struct meaning *w, const struct tree_row *row) {
    for (int p = 0; p < w->model->param_count; p++) {
        int owner = w->model->params[p].module;
        if (row->param < 0)
            w->wanted[p] |= owner >= row->module && owner < w->model->modules[row->module].end;
        else if (freeze_is_statistic(&w->model->params[row->param]))
            w->alone[p] |= owner == w->model->params[row->param].module &&
                           freeze_is_statistic(&w->model->params[p]);
        else
            w->wanted[p] |= p == row->param;
    }
}

static void mean_span(struct meaning *w, int from, int to) {
    for (int p = 0; p < w->model->param_count; p++)
        w->wanted[p] = w->model->params[p].module >= from && w->model->params[p].module < to;
}

static bool means_thaw(const struct meaning *w, const bool *thawed) {
    bool weights = false, frozen_weights = false, frozen_statistics = false;
    for (int p = 0; p < w->model->param_count; p++) {
        bool statistic = freeze_is_statistic(&w->model->params[p]);
        weights |= w->wanted[p] && !statistic;
        frozen_weights |= w->wanted[p] && !statistic && !thawed[p];
        frozen_statistics |= (w->wanted[p] || w->alone[p]) && statistic && !thawed[p];
    }
    return weights ? frozen_weights : frozen_statistics;
}

static void expect_flags(const struct meaning *w, const struct settings *before, bool *out,
                         enum action action) {
    bool thaw =
        action == ACTION_TOGGLE ? means_thaw(w, before->flags.thawed) : action != ACTION_FREEZE_TO;
    for (int p = 0; p < w->model->param_count; p++) {
        bool statistic = freeze_is_statistic(&w->model->params[p]), now = before->flags.thawed[p];
        if (action == ACTION_ONLY && !(statistic && before->bn == BN_TORCH))
            now = false;
        bool follows = !statistic || before->bn == BN_BATCH || (before->bn == BN_FROZEN && !thaw);
        if (w->alone[p] || (w->wanted[p] && follows))
            now = thaw;
        out[p] = now;
    }
}

static void check_row(struct fixture *f, enum action action) {
    const struct model *model = f->m.model;
    size_t params = (size_t)model->param_count;
    struct meaning w = {model, xcalloc(params, 1), xcalloc(params, 1)};
    int low = f->tree.range >= 0 && f->tree.range < f->tree.cursor ? f->tree.range : f->tree.cursor;
    int high = f->tree.range > f->tree.cursor ? f->tree.range : f->tree.cursor;
    int from = model->module_count, to = 0;
    for (int i = low; i <= high; i++) {
        const struct tree_row *row = &f->tree.rows[i];
        int m = row->param >= 0 ? model->params[row->param].module : row->module;
        from = m < from ? m : from;
        to = model->modules[m].end > to ? model->modules[m].end : to;
        if (action == ACTION_TOGGLE || action == ACTION_ONLY)
            mean_row(&w, row);
    }
    if (action == ACTION_THAW_FROM)
        mean_span(&w, from, model->module_count);
    if (action == ACTION_FREEZE_TO)
        mean_span(&w, 0, to);
    for (size_t p = 0; p < params; p++)
        w.alone[p] &= !w.wanted[p];

    bool *expected = xcalloc(params, 1);
    struct settings after = settings_copy(&f->m.scene.wanted);
    char text[COMMAND_TEXT], name[80];
    struct error error;
    expect_flags(&w, &after, expected, action);
    row_name(f, f->tree.cursor, name);
    if (!tree_command(&f->tree, &f->m.scene, action, text, sizeof text))
        fail_msg("row %s action %d: %s", name, action, text);
    if (!settings_apply(&after, text, &error))
        fail_msg("%s: %s", text, error.text);
    for (size_t p = 0; p < params; p++)
        if (after.flags.thawed[p] != expected[p])
            fail_msg("%s: %s should be %s", text, model->params[p].name,
                     expected[p] ? "thawed" : "frozen");
    settings_close(&after);
    free(expected);
    free(w.wanted);
    free(w.alone);
}

static const enum action row_actions[] = {ACTION_TOGGLE, ACTION_THAW_FROM, ACTION_FREEZE_TO,
                                          ACTION_ONLY};

static void check_all_rows(const char *arch, const char *rule) {
    struct fixture f;
    open_fixture(&f, arch, rule);
    open_everything(&f);
    for (f.tree.cursor = 0; f.tree.cursor < f.tree.count; f.tree.cursor++)
        for (int a = 0; a < 4; a++)
            check_row(&f, row_actions[a]);
    close_fixture(&f);
}

static void texts_do_what_is_meant(void **state) {
    (void)state;
    check_all_rows("resnet20", "only head");
    check_all_rows("resnet20", "thaw all");
    check_all_rows("resnet20", "only *.bn1; thaw layer2.0.bn2.statistics");
    check_all_rows("resnet20", "bn batch; only last-4-blocks");
    check_all_rows("resnet20", "bn torch; only layer2.1.conv1; thaw bias");
    check_all_rows("cnn", "only head");
    check_all_rows("mlp", "thaw all");
}

// In a deep network plain lists would be longer than a command may be.
static void texts_fit(void **state) {
    (void)state;
    check_all_rows("resnet56", "thaw all");
    check_all_rows("resnet56", "bn batch; only last-13-blocks");
    check_all_rows("resnet56", "bn torch; only *.bn2");
}

static void ranges_do_what_is_meant(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only last-4-blocks; thaw bn1.statistics");
    open_everything(&f);
    unsigned seed = 1;
    for (int i = 0; i < 150; i++) {
        seed = seed * 1103515245u + 12345;
        f.tree.cursor = (int)(seed >> 8) % f.tree.count;
        seed = seed * 1103515245u + 12345;
        f.tree.range = (int)(seed >> 8) % f.tree.count;
        check_row(&f, row_actions[i % 4]);
    }
    close_fixture(&f);
}

// Drawing

static const struct theme_options plain = {.name = THEME_DARK};

static void expect_line(const struct screen *s, int row, const char *wanted) {
    char line[1024];
    screen_row(s, row, line, sizeof line);
    assert_string_equal(line, wanted);
}

static void draws_a_narrow_tree(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(30, 40, plain);
    open_fixture(&f, "resnet20", "only last-2-blocks");
    tree_draw((struct area){0, 0, 30, 40}, &f.m.scene, &f.tree, false);
    expect_line(&s, 0, "  layer        params gradient trend");
    expect_line(&s, 1, "◧ resnet20       272k     4.65  █▇▁▂█▇▁▁");
    expect_line(&s, 2, "▮ ▸ conv1         144");
    expect_line(&s, 4, "▮ ▾ layer1      14.0k");
    expect_line(&s, 5, "▮  ▸ layer1.0   4.67k");
    expect_line(&s, 14, "── frozen prefix ends ──────────────────");
    expect_line(&s, 15, "◊  ▸ layer3.1   74.0k     2.84  ▁▁█▇▁▁██");
    expect_line(&s, 17, "◊ ▸ linear        650     1.93  █▅▁▄█▅▁▃");
    expect_line(&s, 18, "");
    assert_true(screen_styled(1, 39, STYLE_CURSOR));
    assert_int_equal(tree_row_at(&f.tree, (struct area){0, 0, 30, 40}, 0), -1);
    assert_int_equal(tree_row_at(&f.tree, (struct area){0, 0, 30, 40}, 1), 0);
    assert_int_equal(tree_row_at(&f.tree, (struct area){0, 0, 30, 40}, 14), -1);
    assert_int_equal(tree_row_at(&f.tree, (struct area){0, 0, 30, 40}, 15), 13);
    assert_int_equal(tree_row_at(&f.tree, (struct area){0, 0, 30, 40}, 18), -1);
    close_fixture(&f);
    screen_close(&s);
}

static void draws_a_wide_tree(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(30, 118, plain);
    open_fixture(&f, "resnet20", "only last-2-blocks");
    tree_draw((struct area){0, 0, 30, 118}, &f.m.scene, &f.tree, true);
    expect_line(&s, 0,
                "   layer              kind        shape       params FLOPs time gradient trend    "
                "             update   drift       lr");
    expect_line(&s, 2, "▮  ▸ conv1            Conv2d      16×1×3×3       144  226k   2%");
    expect_line(&s, 15,
                "◊    ▸ layer3.1       BasicBlock               74.0k 18.1M   9%     2.84      "
                "▃▁▁▃▆██▆▃▁▁▃▇██ 0.00100  0.0200     0.01");
    close_fixture(&f);
    screen_close(&s);
}

// By norms over all of its parameters: 3, 4 of 4, 3 are 5 of 5.
static void a_module_speaks_for_all_its_parameters(void **state) {
    (void)state;
    struct fixture f;
    open_fixture(&f, "resnet20", "only head");
    struct layer_values *values = f.m.scene.layers.params;
    int weight = model_param(f.m.model, "linear.weight"),
        bias = model_param(f.m.model, "linear.bias");
    values[weight] = (struct layer_values){3, 3, 4, 0.03f, 4, 0.1f};
    values[bias] = (struct layer_values){4, 4, 3, 0.04f, 3, 0.1f};
    struct tree_row row = {.module = f.m.model->params[weight].module, .param = -1};
    struct tree_figures figures = tree_figures_of(&f.tree, &f.m.scene, &row);
    assert_float_equal(figures.gradient, 5, 1e-6);
    assert_float_equal(figures.update, 1, 1e-6);
    assert_float_equal(figures.drift, 0.01, 1e-6);
    row.param = weight;
    figures = tree_figures_of(&f.tree, &f.m.scene, &row);
    assert_float_equal(figures.update, 0.75, 1e-6);
    values[bias].start = values[weight].start = 0; // as a new head's bias: no ratio
    row.param = -1;
    assert_true(isnan(tree_figures_of(&f.tree, &f.m.scene, &row).drift));
    close_fixture(&f);
}

static void sorts_by_a_column(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(30, 118, plain);
    struct area area = {0, 0, 30, 118};
    open_fixture(&f, "resnet20", "only last-2-blocks");
    tree_draw(area, &f.m.scene, &f.tree, true);
    act(&f, ACTION_SORT);
    assert_int_equal(f.tree.sort, TREE_PARAMS);
    EXPECT_ROWS(&f, "layer3.1", "layer3.2", "layer3.0", "layer2.1", "layer2.2", "layer2.0",
                "layer1.0", "layer1.1", "layer1.2", "linear", "conv1", "bn1");
    while (f.tree.sort != TREE_GRADIENT)
        act(&f, ACTION_SORT);
    char here[80];
    row_name(&f, 0, here);
    assert_string_equal(here, "layer3.2");
    row_name(&f, 3, here); // no gradient from here on: in order
    assert_string_equal(here, "conv1");
    tree_draw(area, &f.m.scene, &f.tree, true);
    assert_true(screen_cell(1, 3) == L'l' && screen_cell(1, 10) == L'2');
    tree_draw(area, &f.m.scene, &f.tree, false); // the narrow tree is in order
    row_name(&f, 0, here);
    assert_string_equal(here, "resnet20");
    while (f.tree.sort != TREE_NAME)
        act(&f, ACTION_SORT);
    close_fixture(&f);
    screen_close(&s);
}

static int rule_line(const struct screen *s, char *line, size_t size) {
    for (int row = 1; row < s->rows; row++) {
        screen_row(s, row, line, size);
        if (strstr(line, "──") == line)
            return row;
    }
    return -1;
}

// The row below the rule, or -1 without one, and what the rule says.
static void expect_rule(const char *rule, const char *below, const char *says) {
    struct fixture f;
    struct screen s = screen_open(30, 40, plain);
    char line[512], name[80];
    struct area area = {0, 0, 30, 40};
    open_fixture(&f, "resnet20", rule);
    f.tree.open[model_module(f.m.model, "layer2.1")] = true;
    tree_rebuild(&f.tree, &f.m.scene);
    tree_draw(area, &f.m.scene, &f.tree, false);
    int row = rule_line(&s, line, sizeof line);
    assert_int_equal(row >= 0, says != NULL);
    if (says)
        assert_non_null(strstr(line, says));
    int next = row < 0 ? -1 : tree_row_at(&f.tree, area, row + 1);
    if (next >= 0)
        row_name(&f, next, name);
    if (says)
        assert_string_equal(next >= 0 ? name : "", below);
    close_fixture(&f);
    screen_close(&s);
}

static void a_rule_marks_the_end_of_the_prefix(void **state) {
    (void)state;
    expect_rule("only head", "linear", "frozen prefix ends");
    expect_rule("only layer3", "layer3", "frozen prefix ends"); // in front of the parent as well
    expect_rule("only layer2.1.conv2", "layer2.1.conv2", "frozen prefix ends");
    expect_rule("only layer2.0.bn1.weight", "layer2", "frozen prefix ends");
    expect_rule("only conv1", NULL, NULL);
    expect_rule("freeze all", "", "all frozen: nothing trains");
}

static void the_rule_says_what_is_cached(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(30, 80, plain);
    open_fixture(&f, "resnet20", "only head");
    f.m.scene.now.cache = (struct cache_view){.state = CACHE_KEPT, .known = 3639, .count = 3640};
    tree_draw((struct area){0, 0, 30, 80}, &f.m.scene, &f.tree, false);
    assert_true(screen_find(&s, "frozen prefix ends, 3639 of 3640 cached ─") > 0);
    draw_clear((struct area){0, 0, 30, 80});
    tree_draw((struct area){0, 0, 30, 38}, &f.m.scene, &f.tree, false); // as on 80 columns
    assert_true(screen_find(&s, "frozen prefix ends, 99 % cached ─") > 0);
    close_fixture(&f);
    screen_close(&s);
}

// Kinds are cut only where there is no room for them.
static void kinds_are_whole_where_there_is_room(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(30, 130, plain);
    open_fixture(&f, "resnet20", "only head");
    struct module *block = &f.m.model->modules[model_module(f.m.model, "layer3.1")];
    block->kind = "BertEmbeddings";
    tree_draw((struct area){0, 0, 30, 130}, &f.m.scene, &f.tree, true);
    assert_true(screen_find(&s, " BertEmbeddings ") > 0);
    assert_true(screen_find(&s, "lr") == 0);
    draw_clear((struct area){0, 0, 30, 130});
    tree_draw((struct area){0, 0, 30, 90}, &f.m.scene, &f.tree, true);
    assert_true(screen_find(&s, "BertEmbeddings") < 0);
    close_fixture(&f);
    screen_close(&s);
}

static void what_is_pending_is_marked(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(20, 40, plain);
    open_fixture(&f, "resnet20", "only head");
    model_scene_apply(&f.m, "thaw layer3.2", false);
    tree_draw((struct area){0, 0, 20, 40}, &f.m.scene, &f.tree, false);
    expect_line(&s, 16, "◊⋯ ▸ layer3.2   74.0k");
    expect_line(&s, 12, "◧⋯▾ layer3       206k");
    expect_line(&s, 14, "▮  ▸ layer3.1   74.0k");
    assert_true(screen_styled(16, 1, STYLE_PENDING));
    close_fixture(&f);
    screen_close(&s);
}

static void the_probe_shows_frozen_gradients(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(20, 30, plain);
    open_fixture(&f, "resnet20", "only head");
    f.m.scene.layers.params[model_param(f.m.model, "conv1.weight")].gradient_norm = 0.25f;
    tree_draw((struct area){0, 0, 20, 30}, &f.m.scene, &f.tree, false);
    expect_line(&s, 2, "▮ ▸ conv1         144");
    f.m.scene.now.probe = 10;
    tree_draw((struct area){0, 0, 20, 30}, &f.m.scene, &f.tree, false);
    expect_line(&s, 2, "▮ ▸ conv1         144    0.250");
    close_fixture(&f);
    screen_close(&s);
}

static void tied_parameters_are_marked(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(30, 40, plain);
    open_fixture(&f, "resnet8", "only head");
    int first = model_param(f.m.model, "conv1.weight"), second = first + 1;
    f.m.model->params[second].storage = first; // as if bn1.weight were the same tensor
    open_everything(&f);
    tree_draw((struct area){0, 0, 30, 40}, &f.m.scene, &f.tree, false);
    expect_line(&s, 3, "▮⇄   weight           144");
    expect_line(&s, 6, "▮    bias              16");
    close_fixture(&f);
    screen_close(&s);
}

static void the_cursor_stays_in_sight(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(12, 40, plain);
    struct area area = {0, 0, 12, 40};
    open_fixture(&f, "resnet20", "only head");
    open_everything(&f);
    for (int i = 0; i < 2 * f.tree.count; i++) {
        tree_draw(area, &f.m.scene, &f.tree, false);
        int line = -1;
        for (int row = 1; row < 12; row++)
            if (tree_row_at(&f.tree, area, row) == f.tree.cursor)
                line = row;
        assert_in_range(line, 1, 11);
        if (f.tree.cursor > 2 && f.tree.cursor < f.tree.count - 3)
            assert_in_range(line, 3, 9);
        assert_true(screen_styled(line, 0, STYLE_CURSOR));
        act(&f, i < f.tree.count ? ACTION_DOWN : ACTION_UP);
    }
    close_fixture(&f);
    screen_close(&s);
}

// Nothing is drawn outside, whatever the size; the name and, with some room, the gradient norm and
// the number of parameters are always there.
static void draws_at_every_size(void **state) {
    (void)state;
    struct fixture f;
    struct screen s = screen_open(26, 126, plain);
    open_fixture(&f, "resnet18", "only last-2-blocks");
    for (int wide = 0; wide < 2; wide++)
        for (int w = 1; w <= 120; w += w < 20 ? 1 : 7) {
            for (int row = 0; row < 26; row++)
                for (int column = 0; column < 126; column++)
                    mvaddch(row, column, '@');
            tree_draw((struct area){1, 2, w % 23 + 1, w}, &f.m.scene, &f.tree, wide);
            for (int row = 0; row < 26; row++)
                for (int column = 0; column < 126; column++) {
                    bool inside = row >= 1 && row < 1 + w % 23 + 1 && column >= 2 && column < 2 + w;
                    assert_int_equal(screen_cell(row, column) != L'@', inside);
                }
            tree_draw((struct area){0, 0, 26, w}, &f.m.scene, &f.tree, wide);
            char header[512];
            screen_row(&s, 0, header, sizeof header);
            if (w >= 32)
                assert_true(strstr(header, "params") && strstr(header, "gradient"));
        }
    close_fixture(&f);
    screen_close(&s);
}

static void draws_while_loading(void **state) {
    (void)state;
    struct scene scene = {0};
    struct tree tree;
    struct screen s = screen_open(5, 40, plain);
    tree_open(&tree, NULL);
    tree_rebuild(&tree, &scene);
    assert_false(tree_act(&tree, &scene, ACTION_DOWN, 5));
    tree_draw((struct area){0, 0, 5, 40}, &scene, &tree, false);
    expect_line(&s, 0, "loading the model");
    tree_close(&tree);
    screen_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_in_sight_and_closed),
        cmocka_unit_test(leaves_open_into_parameters),
        cmocka_unit_test(modules_without_parameters_show_in_the_wide_tree),
        cmocka_unit_test(the_cursor_stays),
        cmocka_unit_test(filters_keep_ancestors),
        cmocka_unit_test(keys_say_what_they_mean),
        cmocka_unit_test(ranges_are_one_text),
        cmocka_unit_test(filters_speak_for_their_matches),
        cmocka_unit_test(texts_do_what_is_meant),
        cmocka_unit_test(texts_fit),
        cmocka_unit_test(ranges_do_what_is_meant),
        cmocka_unit_test(draws_a_narrow_tree),
        cmocka_unit_test(draws_a_wide_tree),
        cmocka_unit_test(a_module_speaks_for_all_its_parameters),
        cmocka_unit_test(sorts_by_a_column),
        cmocka_unit_test(a_rule_marks_the_end_of_the_prefix),
        cmocka_unit_test(the_rule_says_what_is_cached),
        cmocka_unit_test(kinds_are_whole_where_there_is_room),
        cmocka_unit_test(what_is_pending_is_marked),
        cmocka_unit_test(the_probe_shows_frozen_gradients),
        cmocka_unit_test(tied_parameters_are_marked),
        cmocka_unit_test(the_cursor_stays_in_sight),
        cmocka_unit_test(draws_at_every_size),
        cmocka_unit_test(draws_while_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
