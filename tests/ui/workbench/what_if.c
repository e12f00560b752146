#include "ui/workbench/what_if.h"
#include "base/text.h"
#include "test.h"
#include "ui/workbench/model_scene.h"
#include "ui/workbench/screen.h"
#include "ui/workbench/theme.h"

static const struct theme_options plain = {.name = THEME_DARK};

static struct plan_cost cost_of(const struct model_scene *m, const struct flags *flags) {
    struct plan_options options = {
        .purpose = PLAN_TRAIN, .n = (int)m->experiment.train.batch, .pool = m->pool};
    struct plan *plan = plan_make(flags, &options);
    struct plan_cost cost = plan->cost;
    plan_close(plan);
    return cost;
}

static double sum(const struct plan_cost *c) {
    return c->forward + c->data + c->weight;
}

static void dry_runs_the_wanted_settings(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    model_scene_open(&m, "resnet20", "only head");
    model_scene_apply(&m, "thaw layer3.2", false); // wanted, not in force
    what_if_compute(&w, &m.scene, m.pool, "thaw layer3");
    struct settings then = settings_copy(&m.scene.wanted);
    struct error error;
    assert_true(settings_apply(&then, "thaw layer3", &error));
    struct plan_cost before = cost_of(&m, &m.scene.wanted.flags), after = cost_of(&m, &then.flags);
    assert_true(w.valid);
    assert_string_equal(w.text, "thaw layer3");
    assert_int_equal(w.all, model_trainable_count(m.model));
    assert_int_equal(w.trained_now, 73984 + 650);
    assert_int_equal(w.trained, 57728 + 2 * 73984 + 650);
    assert_memory_equal(&w.now, &before, sizeof before);
    assert_memory_equal(&w.then, &after, sizeof after);
    assert_true(w.speed_up == sum(&before) / sum(&after) && w.speed_up < 1);
    assert_int_equal(w.cache_now, 64 * 7 * 7);
    assert_int_equal(w.cache_then, 32 * 14 * 14);
    assert_int_equal(freeze_thawed_count(&m.scene.wanted.flags), 73984 + 650); // unchanged
    settings_close(&then);
    model_scene_close(&m);
}

static void says_why_not(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    model_scene_open(&m, "resnet8", "only head");
    what_if_compute(&w, &m.scene, m.pool, "thaw layer9");
    assert_false(w.valid);
    assert_non_null(strstr(w.error, "layer9"));
    what_if_compute(&w, &m.scene, m.pool, "");
    assert_false(w.valid);
    assert_string_equal(w.text, "");
    assert_string_equal(w.error, "");
    what_if_compute(&w, &m.scene, m.pool, NULL);
    assert_string_equal(w.text, "");
    struct scene loading = {0};
    what_if_compute(&w, &loading, m.pool, "thaw layer1");
    assert_false(w.valid);
    model_scene_close(&m);
}

// One snapshot of a session with steps of `seconds` under the settings in force.
static void look(struct model_scene *m, struct what_if *w, int64_t step, double seconds) {
    m->scene.now.step = step;
    m->scene.now.step_seconds = seconds;
    m->scene.now.last.batch = 8;
    m->scene.now.cost = cost_of(m, &m->scene.settings.flags);
    what_if_watch(w, &m->scene);
}

static void measures_what_a_change_did(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    model_scene_open(&m, "resnet20", "thaw all");
    for (int i = 1; i <= 10; i++)
        look(&m, &w, i, 0.08);
    assert_true(isnan(what_if_measured(&w)));
    double all = sum(&w.measure.cost);
    model_scene_apply(&m, "only layer3; thaw head", true);
    look(&m, &w, 11, 0.08); // the last step of the old plan
    look(&m, &w, 12, 0.02);
    look(&m, &w, 12, 0.02); // the same step again
    look(&m, &w, 13, 0.02);
    assert_true(isnan(what_if_measured(&w)));
    look(&m, &w, 14, 0.02);
    assert_true(fabs(what_if_measured(&w) - 4) < 1e-9);
    assert_true(fabs(w.measure.ceiling - all / sum(&w.measure.cost)) < 1e-9);
    // Two changes at once are measured against the plan before both.
    double half = sum(&w.measure.cost);
    model_scene_apply(&m, "only head", true);
    look(&m, &w, 15, 0.01);
    look(&m, &w, 16, 0.01);
    model_scene_apply(&m, "thaw layer3.2", true);
    for (int i = 17; i <= 27; i++)
        look(&m, &w, i, 0.04);
    assert_true(fabs(what_if_measured(&w) - 0.5) < 1e-9);
    assert_true(fabs(w.measure.ceiling - half / sum(&w.measure.cost)) < 1e-9);
    what_if_compute(&w, &m.scene, m.pool, "thaw all");
    assert_true(fabs(what_if_measured(&w) - 0.5) < 1e-9);
    model_scene_close(&m);
}

static void expect_line(const struct screen *s, int row, const char *wanted) {
    char line[512];
    screen_row(s, row, line, sizeof line);
    assert_string_equal(line, wanted);
}

// That the cache begins to serve is no change of one's own; a change that ends it is told with it.
static void the_cache_is_no_change_but_is_told(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    struct screen s = screen_open(8, 126, plain);
    model_scene_open(&m, "resnet8", "only head");
    for (int i = 1; i <= 10; i++)
        look(&m, &w, i, 0.1);
    m.scene.now.spared = 1e6;
    for (int i = 11; i <= 20; i++)
        look(&m, &w, i, 0.001);
    assert_true(isnan(what_if_measured(&w)));
    model_scene_apply(&m, "thaw conv1", true);
    m.scene.now.spared = 0;
    for (int i = 21; i <= 30; i++)
        look(&m, &w, i, 0.2);
    assert_true(fabs(what_if_measured(&w) - 0.005) < 1e-9);
    what_if_draw((struct area){0, 0, 6, 38}, &m.scene, &w); // as on 80 columns
    expect_line(&s, 1, "measured 200× as slow, without cache");
    w.measure = (struct what_if_measure){
        .changed = true, .steps = 4, .seconds = 0.4, .before = 0.0492, .ceiling = 0.334};
    what_if_draw((struct area){0, 0, 6, 38}, &m.scene, &w);
    expect_line(&s, 1, "measured 0.492× as fast, FLOPs: 0.334×");
    screen_close(&s);
    model_scene_close(&m);
}

static void the_mean_follows(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    model_scene_open(&m, "resnet8", "thaw all");
    for (int i = 1; i <= 20; i++)
        look(&m, &w, i, 1);
    model_scene_apply(&m, "only head", true);
    for (int i = 21; i <= 41; i++)
        look(&m, &w, i, 1);
    for (int i = 42; i <= 1000; i++)
        look(&m, &w, i, 0.5);
    assert_true(fabs(what_if_measured(&w) - 2) < 1e-6);
    model_scene_close(&m);
}

static void draws_a_line_each(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    struct screen s = screen_open(6, 44, plain);
    model_scene_open(&m, "resnet20", "only head");
    what_if_compute(&w, &m.scene, m.pool, "thaw layer3");
    what_if_draw((struct area){0, 0, 6, 44}, &m.scene, &w);
    expect_line(&s, 0, "── space: thaw layer3 ──────────────────────");
    expect_line(&s, 1, "trains   650 → 206k of 272k");
    expect_line(&s, 2, "speed    about 0.62× as fast");
    expect_line(&s, 3, "backward 1.34k → 38.3M FLOPs a sample");
    what_if_compute(&w, &m.scene, m.pool, "freeze linear");
    what_if_draw((struct area){0, 0, 6, 44}, &m.scene, &w);
    expect_line(&s, 1, "trains   650 → 0 of 272k");
    expect_line(&s, 2, "speed    nothing to train: it would pause");
    what_if_compute(&w, &m.scene, m.pool, "thaw bn1.statistics");
    what_if_draw((struct area){0, 0, 6, 44}, &m.scene, &w);
    expect_line(&s, 1, "trains   650 of 272k");
    expect_line(&s, 2, "speed    as fast as now");
    what_if_compute(&w, &m.scene, m.pool, "");
    what_if_draw((struct area){0, 0, 6, 44}, &m.scene, &w);
    expect_line(&s, 0, "── what if ─────────────────────────────────");
    expect_line(&s, 1, "");
    model_scene_close(&m);
    screen_close(&s);
}

static void draws_in_one_row_and_at_every_size(void **state) {
    (void)state;
    struct model_scene m;
    struct what_if w = {0};
    struct screen s = screen_open(8, 126, plain);
    model_scene_open(&m, "resnet20", "only head");
    what_if_compute(&w, &m.scene, m.pool, "thaw layer3");
    what_if_draw((struct area){0, 0, 1, 80}, &m.scene, &w);
    expect_line(&s, 0,
                "space: thaw layer3 · trains 650 → 206k of 272k · speed about 0.62× as fast");
    w.measure = (struct what_if_measure){
        .changed = true, .steps = 4, .seconds = 0.4, .before = 0.2, .ceiling = 2.5};
    what_if_draw((struct area){0, 0, 2, 80}, &m.scene, &w);
    expect_line(&s, 1, "measured 2× as fast, FLOPs: 2.5× · backward 1.34k → 38.3M FLOPs a sample");
    for (int h = 1; h < 7; h++)
        for (int width = 1; width < 120; width++) {
            for (int row = 0; row < 8; row++)
                for (int column = 0; column < 126; column++)
                    mvaddch(row, column, '@');
            what_if_draw((struct area){1, 1, h, width}, &m.scene, &w);
            for (int row = 0; row < 8; row++)
                for (int column = 0; column < 126; column++) {
                    bool inside = row >= 1 && row <= h && column >= 1 && column <= width;
                    assert_int_equal(screen_cell(row, column) != L'@', inside);
                }
        }
    model_scene_close(&m);
    screen_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dry_runs_the_wanted_settings),
        cmocka_unit_test(says_why_not),
        cmocka_unit_test(measures_what_a_change_did),
        cmocka_unit_test(the_cache_is_no_change_but_is_told),
        cmocka_unit_test(the_mean_follows),
        cmocka_unit_test(draws_a_line_each),
        cmocka_unit_test(draws_in_one_row_and_at_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
