// The workbench as a whole on a screen that nobody sees, over a session that is a test double.
#include "ui/workbench/app.h"
#include "base/files.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "fake_session.h"
#include "screen.h"
#include "test.h"
#include "ui/workbench/act.h"
#include <math.h>
#include <unistd.h>

enum { MONKEY_KEYS = 20000 };

struct world {
    struct screen screen;
    struct fake fake;
    struct app app;
    char *home, *before;
};

// The workbench looks for runs in the current directory and keeps preferences at home.
static void make_home(struct world *w) {
    w->before = getcwd(NULL, 0);
    w->home = xstrdup("/tmp/thaw-app-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    setenv("XDG_CONFIG_HOME", w->home, 1);
    assert_int_equal(chdir(w->home), 0);
}

static void remove_home(struct world *w) {
    char *command = xprintf("rm -r '%s'", w->home);
    assert_int_equal(chdir(w->before), 0);
    assert_int_equal(system(command), 0);
    free(command);
    free(w->home);
    free(w->before);
}

static int open_world(void **state) {
    struct world *w = calloc(1, sizeof *w);
    make_home(w);
    w->screen = screen_open(24, 80, (struct theme_options){.colour = true});
    fake_open(&w->fake);
    app_open(&w->app, &(struct app_options){.colour = true, .mouse = true}, "tiny");
    app_resize(&w->app, 24, 80);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    app_close(&w->app);
    fake_close(&w->fake);
    screen_close(&w->screen);
    remove_home(w);
    free(w);
    return 0;
}

static void attach(struct world *w) {
    struct app_session s = fake_session(&w->fake);
    app_attach(&w->app, &s);
    app_draw(&w->app);
}

static void key(struct world *w, int code) {
    app_event(&w->app, &(struct term_event){.key = code});
    fake_obey(&w->fake);
    app_update(&w->app);
    app_draw(&w->app);
}

static void type(struct world *w, const char *text) {
    for (; *text; text++)
        key(w, *text);
}

static void shows(const struct world *w, const char *text) {
    if (screen_find(&w->screen, text) >= 0)
        return;
    screen_print(&w->screen);
    fail_msg("'%s' is not on the screen", text);
}

static bool is_thawed(const struct world *w, const char *param) {
    return settings_now(&w->fake.history)->flags.thawed[model_param(w->fake.model, param)];
}

static void the_first_frame_needs_no_session(void **state) {
    struct world *w = *state;
    app_draw(&w->app);
    shows(w, "1 train  2 layers  3 schedule  4 data  5 runs  6 log");
    shows(w, "loading tiny");
    for (int view = '1'; view <= '6'; view++)
        key(w, view);
    for (const char *keys = " tfoHANv/\033uUrse+-gVwR[]\n"; *keys; keys++)
        key(w, *keys);
    attach(w);
    shows(w, "paused");
}

static void keys_become_settings(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, 'A');
    assert_true(is_thawed(w, "conv1.weight"));
    key(w, 'u');
    assert_false(is_thawed(w, "conv1.weight"));
    key(w, 'U');
    assert_true(is_thawed(w, "conv1.weight"));
    key(w, 'H');
    assert_false(is_thawed(w, "conv1.weight"));
    key(w, '+');
    assert_float_equal(settings_now(&w->fake.history)->lr_factor, 1.25, 1e-9);
    key(w, '-');
    assert_float_equal(settings_now(&w->fake.history)->lr_factor, 1, 1e-9);
}

static void a_suggestion_is_shown_and_a_row_applied(void **state) {
    struct world *w = *state;
    attach(w);
    app_event(&w->app, &(struct term_event){.key = 'a'});
    app_draw(&w->app);
    shows(w, "probing some batches");
    key(w, TERM_DOWN); // the trainer answers
    shows(w, "8 batches probed");
    shows(w, "suggested: thaw all");
    shows(w, "conv1, bn1");
    shows(w, ":only all");
    key(w, TERM_DOWN);
    key(w, TERM_DOWN);
    shows(w, "67 % of the largest relative gradient; a step costs 50 %");
    shows(w, ":only block; thaw fc");
    key(w, '\n');
    assert_int_equal(w->app.overlay, OVERLAY_NONE);
    assert_true(is_thawed(w, "block.conv1.weight") && is_thawed(w, "fc.bias"));
    assert_false(is_thawed(w, "conv1.weight"));
    type(w, ":suggest 2\n");
    shows(w, "from 4 to 1000");
    type(w, ":suggest 9\n");
    shows(w, "suggested: thaw all");
    key(w, 27);
    assert_int_equal(w->app.overlay, OVERLAY_NONE);
    assert_false(is_thawed(w, "conv1.weight"));
}

static void a_range_test_is_shown_and_a_rate_applied(void **state) {
    struct world *w = *state;
    attach(w);
    type(w, ":lr-find 3\n");
    shows(w, "from 20 to 100000");
    type(w, ":lr-find");
    app_event(&w->app, &(struct term_event){.key = '\n'});
    app_draw(&w->app);
    shows(w, "trying rates");
    key(w, TERM_UP); // the trainer answers
    shows(w, "training loss under a rising rate");
    shows(w, "lr 0.012");
    shows(w, "the loss still fell at 0.51");
    shows(w, ":lr 0.012");
    key(w, TERM_DOWN);
    key(w, TERM_DOWN);
    shows(w, ":lr 0.05");
    key(w, 27);
    assert_int_equal(w->app.overlay, OVERLAY_NONE);
    assert_true(settings_now(&w->fake.history)->lr_factor == 1);
    type(w, ":lr-find 50\n");
    key(w, TERM_DOWN);
    key(w, '\n');
    assert_int_equal(w->app.overlay, OVERLAY_NONE);
    const struct settings *now = settings_now(&w->fake.history);
    assert_true(fabs(now->peak * now->lr_factor - 0.05) < 1e-12);
}

static void space_flips_the_row_under_the_cursor(void **state) {
    struct world *w = *state;
    attach(w);
    for (int i = 0; i < w->app.tree.count; i++) {
        const struct tree_row *row = &w->app.tree.rows[i];
        if (row->module >= 0 && strcmp(w->fake.model->modules[row->module].name, "conv1") == 0)
            break;
        key(w, TERM_DOWN);
    }
    key(w, ' ');
    assert_true(is_thawed(w, "conv1.weight"));
    key(w, ' ');
    assert_false(is_thawed(w, "conv1.weight"));
}

static void the_run_obeys(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, 's');
    assert_int_equal(w->fake.now.step, 1);
    shows(w, "step 1/24");
    key(w, 'e');
    assert_int_equal(w->fake.now.step, FAKE_EPOCH);
    key(w, 'r');
    shows(w, "running");
    key(w, 'p');
    shows(w, "paused");
    type(w, ":step 3\n");
    assert_int_equal(w->fake.now.step, FAKE_EPOCH + 3);
}

static void nothing_thawed_does_not_run(void **state) {
    struct world *w = *state;
    attach(w);
    type(w, ":freeze all\n");
    key(w, 'r');
    assert_int_equal(w->fake.now.state, SESSION_PAUSED);
    shows(w, "nothing is thawed");
}

static void points_are_chosen_and_gone_back_to(void **state) {
    struct world *w = *state;
    attach(w);
    type(w, ":step 12\n");
    key(w, '[');
    shows(w, "step 8 of branch 0: Enter goes back there");
    key(w, '[');
    shows(w, "step 0 of branch 0");
    key(w, ']');
    shows(w, "step 8 of branch 0");
    key(w, '\n');
    assert_int_equal(w->fake.now.step, 8);
    key(w, 's');
    assert_int_equal(w->fake.now.branch, 1);
    key(w, TERM_DOWN); // what was said goes
    shows(w, "branch 1, from step 8 of branch 0");
    key(w, 'R');
    assert_int_equal(w->fake.now.step, 0);
}

static void the_reading_cursor_is_a_place_to_go_back_to(void **state) {
    struct world *w = *state;
    attach(w);
    type(w, ":step 12\nc");
    for (int i = 0; i < 4; i++)
        key(w, TERM_LEFT);
    key(w, '\n');
    assert_int_equal(w->fake.now.step, 8);
    assert_false(w->app.panels.cursor_shown);
}

// Steps under one plan, then under another that takes half the time.
static void what_a_change_did_is_measured(void **state) {
    struct world *w = *state;
    attach(w);
    w->fake.now.cost = (struct plan_cost){.forward = 1, .data = 1, .weight = 2};
    w->fake.now.step_seconds = 0.2;
    for (int i = 0; i < 6; i++)
        key(w, 's');
    assert_true(isnan(what_if_measured(&w->app.what_if)));
    w->fake.now.cost.weight = 0;
    w->fake.now.step_seconds = 0.1;
    for (int i = 0; i < 6; i++)
        key(w, 's');
    assert_float_equal(what_if_measured(&w->app.what_if), 2, 1e-6);
}

static void wrong_words_say_what_would_be_right(void **state) {
    struct world *w = *state;
    attach(w);
    type(w, ":thw conv1\n");
    shows(w, "did you mean thaw");
    type(w, ":thaw con1\n");
    shows(w, "conv1");
    type(w, ":rewind 4 99999999999\n");
    shows(w, "rewind 120 1");
    type(w, ":probe x\n");
    shows(w, "probe 10");
    type(w, ":open nowhere\n");
    shows(w, "'nowhere' is not the directory of a run; write `open RUN`");
}

static void long_messages_take_two_rows(void **state) {
    struct world *w = *state;
    attach(w);
    scene_say(&w->app.scene, true, "%s",
              "the loss is not finite at step 2: the first bad value is in layer2.1.bn1; Enter "
              "goes back to step 0");
    app_draw(&w->app);
    shows(w, " the loss is not finite at step 2: the first bad value is in layer2.1.bn1;");
    shows(w, " Enter goes back to step 0");
    assert_int_equal(screen_find(&w->screen, "paused"), -1);
}

static void a_filter_works_while_it_is_typed(void **state) {
    struct world *w = *state;
    attach(w);
    int all = w->app.tree.count;
    type(w, "/fc");
    assert_true(w->app.tree.count < all);
    key(w, 27);
    assert_int_equal(w->app.tree.count, all);
    assert_int_equal(w->app.state, APP_GOES_ON);
}

static void quitting_asks_once(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, 's');
    key(w, 'q');
    shows(w, "Stop training?");
    key(w, 27);
    assert_int_equal(w->app.state, APP_GOES_ON);
    key(w, 'q');
    key(w, 's');
    assert_int_equal(w->fake.now.state, SESSION_STOPPED);
    assert_int_equal(w->app.state, APP_ENDED);
    assert_false(w->app.discard);
}

static void discarding_leaves_at_once(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, 's');
    key(w, 'q');
    key(w, 'd');
    assert_int_equal(w->app.state, APP_ENDED);
    assert_true(w->app.discard);
}

static void an_untouched_session_just_ends(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, 'q');
    assert_int_equal(w->app.state, APP_ENDED);
}

static void small_screens_say_what_they_need(void **state) {
    struct world *w = *state;
    attach(w);
    app_resize(&w->app, 10, 40);
    app_draw(&w->app);
    shows(w, "40x10 is too small");
    shows(w, "60x16 is needed");
    key(w, ' ');
    assert_int_equal(w->fake.history.text_count, 0);
    key(w, 'q');
    assert_int_equal(w->app.state, APP_ENDED);
}

static void the_help_screen_shows_the_keys_of_the_view(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, '?');
    shows(w, "freeze or thaw this row");
    key(w, 'x');
    key(w, '6');
    key(w, '?');
    shows(w, "to the first, last");
    assert_int_equal(screen_find(&w->screen, "freeze or thaw this row"), -1);
}

static void click(struct world *w, int row, int column, int times) {
    app_event(&w->app, &(struct term_event){.key = TERM_MOUSE,
                                            .row = row,
                                            .column = column,
                                            .mouse = times == 2 ? MOUSE_DOUBLE : MOUSE_CLICK});
    fake_obey(&w->fake);
    app_update(&w->app);
    app_draw(&w->app);
}

static void clicks_choose_tabs_rows_and_panels(void **state) {
    struct world *w = *state;
    attach(w);
    click(w, 0, 12, 1);
    assert_int_equal(w->app.view, VIEW_LAYERS);
    click(w, 0, 2, 1);
    assert_int_equal(w->app.view, VIEW_TRAIN);
    struct area second = w->app.layout.panels[1];
    click(w, second.y + 1, second.x + 5, 1);
    assert_int_equal(w->app.panels.focus, 1);
    click(w, w->app.layout.tree.y + 3, 5, 1);
    assert_int_equal(w->app.tree.cursor, 2);
}

static void schedules_and_logs_tell_what_was_done(void **state) {
    struct world *w = *state;
    attach(w);
    key(w, 's');
    key(w, 'A');
    key(w, '3');
    shows(w, "thaw head"); // the experiment's
    shows(w, "thaw all  (user, branch 0)");
    shows(w, "{\"step\":1,\"do\":\"thaw all\"}");
    shows(w, "thaw run --events runs/tiny-1");
    key(w, '6');
    shows(w, "user: thaw all");
}

static void make_run(const char *name, const char *metrics) {
    struct experiment e;
    static const char *const sets[] = {"model.name=resnet20", "data.name=digits", NULL};
    char *directory = xprintf("runs/%s", name), *path = xprintf("%s/experiment.yaml", directory);
    struct error error;
    tiny_experiment(&e, sets);
    char *text = experiment_text(&e);
    assert_true(files_make_directory(directory, &error));
    assert_true(files_write(path, text, strlen(text), &error));
    free(path);
    path = xprintf("%s/metrics.jsonl", directory);
    assert_true(files_write(path, metrics, strlen(metrics), &error));
    free(path);
    free(text);
    free(directory);
    experiment_close(&e);
}

static const char some_metrics[] =
    "{\"kind\":\"step\",\"branch\":0,\"step\":1,\"epoch\":1,\"loss\":2.5,\"accuracy\":0.25,"
    "\"lr\":0.1,\"gradient_norm\":3.0}\n"
    "{\"kind\":\"epoch\",\"branch\":0,\"step\":1,\"epoch\":1,\"validation\":{\"loss\":1.5,"
    "\"accuracy\":0.625,\"samples\":200}}\n"
    "{\"kind\":\"test\",\"step\":1,\"epoch\":1,\"test\":{\"loss\":1,\"accuracy\":0.75,"
    "\"samples\":100}}\n"
    "{\"kind\":\"step\",\"step\":\"two\"}\nnonsense\n{\"kind\":\"step\",\"st";

static void other_runs_lay_their_curves_over(void **state) {
    struct world *w = *state;
    make_run("other-1", some_metrics);
    make_run("other-2", "");
    attach(w);
    key(w, '5');
    shows(w, "runs/other-1");
    shows(w, "62.5 %");
    shows(w, "75.0 %");
    key(w, TERM_DOWN); // from this session
    key(w, '\n');
    assert_int_equal(w->app.scene.curve_count, 1);
    const struct curves *c = &w->app.scene.curves[0];
    assert_string_equal(c->name, "runs/other-1");
    assert_int_equal(c->branch, -1);
    assert_int_equal(c->loss.count, 1);
    assert_float_equal(c->loss.buckets[0].mean, 2.5, 1e-6);
    assert_float_equal(c->accuracy.buckets[0].mean, 0.25, 1e-6);
    key(w, '1');
    key(w, '5');
    key(w, '\n');
    assert_int_equal(w->app.scene.curve_count, 0);
}

static void preferences_outlive_the_session(void **state) {
    struct world *w = *state;
    attach(w);
    type(w, ":theme light\n");
    type(w, ":mouse off\n");
    type(w, ":theme pink\n");
    shows(w, "auto, dark, light or projector");
    struct preferences p = preferences_load();
    assert_int_equal(p.theme, THEME_LIGHT);
    assert_false(p.mouse);
    assert_false(p.ascii);
}

static void the_past_of_a_run_is_shown(void **state) {
    struct world *w = *state;
    char thaw[] = "thaw conv1", back[] = "rewind", slower[] = "lr x0.5";
    struct event items[] = {{1, 0, 0, 4, "user", thaw},
                            {2, 1, 1, 6, "user", back},
                            {3, 2, 1, 6, "user", slower},
                            {4, 1, 2, 5, "user", back}};
    struct event_list events = {items, 4};
    struct app_session s = fake_session(&w->fake);
    make_run("other-1", some_metrics);
    s.metrics = "runs/other-1/metrics.jsonl";
    s.events = &events;
    app_attach(&w->app, &s);
    const struct scene *scene = &w->app.scene;
    assert_int_equal(scene->mark_count, 4);
    assert_int_equal(scene_branch(scene, 0)->loss.count, 1);
    assert_int_equal(scene_branch(scene, 1)->parent, 0);
    assert_int_equal(scene_branch(scene, 2)->parent, 0);
    assert_int_equal(scene_branch(scene, 2)->forked, 5);
}

// The monkey

static uint32_t draw_number(uint32_t below) {
    static uint32_t count;
    return (uint32_t)(random_uniform(random_key(5, RANDOM_PROBE, 2), 0, count++, 0) * (float)below);
}

static int random_code(void) {
    static const int more[] = {27, '\n', '\t', 127, 12, 'e', 's', ' ', '[', ':', '/', 0x20ac, 1};
    uint32_t kind = draw_number(10);
    if (kind < 5)
        return key_bindings[draw_number((uint32_t)key_binding_count)].key;
    if (kind < 7)
        return more[draw_number(sizeof more / sizeof more[0])];
    return kind < 9 ? 32 + (int)draw_number(95) : TERM_UP + (int)draw_number(12);
}

static struct term_event random_event(const struct world *w) {
    if (draw_number(12) > 0)
        return (struct term_event){.key = random_code()};
    return (struct term_event){.key = TERM_MOUSE,
                               .row = (int)draw_number((uint32_t)w->app.rows + 1),
                               .column = (int)draw_number((uint32_t)w->app.columns + 1),
                               .mouse = draw_number(4)};
}

static void random_size(struct world *w) {
    int rows = 1 + (int)draw_number(60), columns = 1 + (int)draw_number(200);
    if (draw_number(3) == 0)
        rows = 24, columns = 80;
    resizeterm(rows, columns);
    app_resize(&w->app, rows, columns);
}

static void live_on(struct world *w) {
    if (w->app.state == APP_GOES_ON)
        return;
    w->app.state = APP_GOES_ON;
    w->app.discard = false;
    w->fake.now.state = SESSION_PAUSED;
}

static void a_monkey_breaks_nothing(void **state) {
    struct world *w = *state;
    make_run("other-1", some_metrics);
    attach(w);
    for (int i = 0; i < MONKEY_KEYS; i++) {
        struct term_event e = random_event(w);
        app_event(&w->app, &e);
        if (draw_number(3) == 0)
            fake_obey(&w->fake);
        if (w->fake.now.state == SESSION_RUNNING && w->fake.now.step < w->fake.now.total)
            fake_step(&w->fake);
        app_update(&w->app);
        if (draw_number(50) == 0)
            random_size(w);
        app_draw(&w->app);
        live_on(w);
    }
    assert_true(w->fake.now.commands > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        WORLD(the_first_frame_needs_no_session),
        WORLD(keys_become_settings),
        WORLD(a_suggestion_is_shown_and_a_row_applied),
        WORLD(a_range_test_is_shown_and_a_rate_applied),
        WORLD(space_flips_the_row_under_the_cursor),
        WORLD(the_run_obeys),
        WORLD(nothing_thawed_does_not_run),
        WORLD(points_are_chosen_and_gone_back_to),
        WORLD(the_reading_cursor_is_a_place_to_go_back_to),
        WORLD(what_a_change_did_is_measured),
        WORLD(wrong_words_say_what_would_be_right),
        WORLD(long_messages_take_two_rows),
        WORLD(a_filter_works_while_it_is_typed),
        WORLD(quitting_asks_once),
        WORLD(discarding_leaves_at_once),
        WORLD(an_untouched_session_just_ends),
        WORLD(small_screens_say_what_they_need),
        WORLD(the_help_screen_shows_the_keys_of_the_view),
        WORLD(clicks_choose_tabs_rows_and_panels),
        WORLD(schedules_and_logs_tell_what_was_done),
        WORLD(other_runs_lay_their_curves_over),
        WORLD(preferences_outlive_the_session),
        WORLD(the_past_of_a_run_is_shown),
        WORLD(a_monkey_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
