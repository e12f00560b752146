#include "ui/workbench/panels.h"
#include "../../small_model.h"
#include "screen.h"
#include "test.h"
#include "ui/report/blocks.h"
#include "ui/report/ticks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 60, COLUMNS = 200, STEPS = 400, FORK = 150, THAWED = 200 };
static const struct theme_options theme = {.name = THEME_DARK, .colour = true};
static struct screen screen;

static const struct small_module modules[] = {
    {"conv1", SMALL_WEIGHT, SMALL_PLAIN, 9, 0},    {"bn1", SMALL_NORM, SMALL_PLAIN, 4, 4},
    {"relu", SMALL_EMPTY, SMALL_PLAIN, 0, 0},      {"layer1", SMALL_EMPTY, SMALL_PLAIN, 0, 0},
    {"layer1.0", SMALL_EMPTY, SMALL_BLOCK, 0, 0},  {"layer1.0.conv1", SMALL_WEIGHT, 0, 9, 0},
    {"layer1.1", SMALL_WEIGHT, SMALL_BLOCK, 9, 0}, {"fc", SMALL_WEIGHT_BIAS, SMALL_HEAD, 9, 2},
};
enum { MODULES = sizeof modules / sizeof modules[0] };

// ---- A scene: branch 0 to step 400, and branch 1 that left it at 150

struct fixture {
    struct scene scene;
    struct model *model;
    struct curves curves[2];
    struct event_mark marks[3];
};

static void fill_curves(struct curves *c, int from, int to, double floor) {
    for (int i = from; i <= to; i++) {
        double loss = floor + 2 * exp(-0.01 * i) + 0.1 * sin(i * 1.7);
        series_add(&c->loss, i, loss);
        series_add(&c->accuracy, i, 1 - loss / 3);
        series_add(&c->gradient, i, loss / 2);
        series_add(&c->lr, i, 0.01 * (STEPS - i) / STEPS);
        series_add(&c->images, i, 800);
        if (i % 50 == 0) {
            series_add(&c->validation_loss, i, loss + 0.1);
            series_add(&c->validation_accuracy, i, 0.9 - loss / 3);
        }
    }
}

// The blocks before layer1.1 are thawed at step 200.
static void fill_blocks(struct scene *s) {
    s->block_gradient = xcalloc((size_t)s->model->module_count, sizeof *s->block_gradient);
    for (int m = 0; m < s->model->module_count; m++)
        for (int i = 1; i <= STEPS; i++)
            series_add(&s->block_gradient[m], i, m < 7 && i < THAWED ? NAN : 0.01 * m * m);
}

static void fixture_open(struct fixture *f) {
    *f = (struct fixture){.model = small_model(modules, MODULES)};
    struct scene *s = &f->scene;
    *s = (struct scene){.model = f->model, .point = -1, .curves = f->curves, .curve_count = 2};
    f->curves[0] = (struct curves){.name = xstrdup("branch 0"), .branch = 0, .parent = -1};
    f->curves[1] =
        (struct curves){.name = xstrdup("branch 1"), .branch = 1, .parent = 0, .forked = FORK};
    fill_curves(&f->curves[0], 1, STEPS, 0.5);
    fill_curves(&f->curves[1], FORK + 1, 300, 0.1);
    fill_blocks(s);
    f->marks[0] = (struct event_mark){.step = 100, .branch = 0, .text = xstrdup("thaw layer1")};
    f->marks[1] = (struct event_mark){.step = 250, .branch = 0, .text = xstrdup("lr x0.5")};
    f->marks[2] = (struct event_mark){.step = 200, .branch = 1, .text = xstrdup("freeze fc")};
    s->marks = f->marks;
    s->mark_count = 3;
    s->now = (struct snapshot){.branch = 1,
                               .step = 300,
                               .forward_seconds = 0.0123,
                               .backward_seconds = 0.0041,
                               .images_per_second = 812,
                               .bytes = 23 << 20,
                               .cost = {4e7, 1.2e7, 0.8e7, 23 << 20}};
    s->full = (struct plan_cost){4e7, 4e7, 4e7, 92 << 20};
}

static void fixture_close(struct fixture *f) {
    for (int m = 0; m < f->model->module_count; m++)
        series_close(&f->scene.block_gradient[m]);
    free(f->scene.block_gradient);
    for (int i = 0; i < 2; i++)
        curves_close(&f->curves[i]);
    for (int i = 0; i < 3; i++)
        free(f->marks[i].text);
    model_close(f->model);
}

static int open_screen(void **state) {
    (void)state;
    screen = screen_open(ROWS, COLUMNS, theme);
    return 0;
}

static int close_screen(void **state) {
    (void)state;
    screen_close(&screen);
    return 0;
}

static bool row_has(int row, const char *text) {
    char line[4096];
    screen_row(&screen, row, line, sizeof line);
    return strstr(line, text);
}

static bool is_braille(wchar_t c) {
    return c > 0x2800 && c <= 0x28ff;
}

// Draws one panel alone.
static void draw_one(const struct scene *s, struct panels *p, enum panel panel, struct area area) {
    struct screen_layout layout = {0};
    layout.panels[panel] = area;
    erase();
    panels_draw(&layout, s, p);
}

// ---- Actions

static void actions_of_focus_and_scale(void **state) {
    (void)state;
    struct scene s = {.now.step = 100};
    struct panels p;
    panels_open(&p);
    for (int i = 1; i <= LAYOUT_PANELS; i++) {
        assert_true(panels_act(&p, &s, ACTION_NEXT_PANEL));
        assert_int_equal(p.focus, i % LAYOUT_PANELS);
    }
    assert_true(panels_act(&p, &s, ACTION_LOG_SCALE) && p.log[PANEL_LOSS]);
    p.focus = PANEL_ACCURACY;
    assert_true(panels_act(&p, &s, ACTION_LOG_SCALE) && !p.log[PANEL_ACCURACY]);
    assert_true(panels_act(&p, &s, ACTION_ZOOM) && p.zoomed);
    assert_true(panels_act(&p, &s, ACTION_ESCAPE) && !p.zoomed);
    assert_false(panels_act(&p, &s, ACTION_ESCAPE));
    assert_false(panels_act(&p, &s, ACTION_LEFT));
    assert_false(panels_act(&p, &s, ACTION_TOGGLE));
}

static void assert_shows(const struct panels *p, const struct scene *s, int from, int to) {
    int64_t f, t;
    panels_range(p, s, &f, &t);
    assert_int_equal(f, from);
    assert_int_equal(t, to);
}

static void time_is_zoomed_and_scrolled(void **state) {
    (void)state;
    struct scene s = {.now.step = 1000};
    struct panels p;
    panels_open(&p);
    assert_shows(&p, &s, 0, 1000);
    panels_act(&p, &s, ACTION_ZOOM_IN);
    assert_shows(&p, &s, 500, 1000);
    s.now.step = 1100; // the right edge goes with the run
    assert_shows(&p, &s, 600, 1100);
    panels_act(&p, &s, ACTION_SCROLL_LEFT);
    assert_shows(&p, &s, 475, 975);
    s.now.step = 2000; // a part of the past stays
    assert_shows(&p, &s, 475, 975);
    panels_act(&p, &s, ACTION_ZOOM_IN);
    assert_shows(&p, &s, 725, 975);
    for (int i = 0; i < 20; i++)
        panels_act(&p, &s, ACTION_SCROLL_RIGHT);
    assert_shows(&p, &s, 1750, 2000);
    for (int i = 0; i < 60; i++)
        panels_act(&p, &s, ACTION_SCROLL_LEFT);
    assert_shows(&p, &s, 0, 250);
    for (int i = 0; i < 20; i++)
        panels_act(&p, &s, ACTION_ZOOM_OUT);
    assert_shows(&p, &s, 0, 2000);
    for (int i = 0; i < 60; i++)
        panels_act(&p, &s, ACTION_ZOOM_IN);
    int64_t from, to;
    panels_range(&p, &s, &from, &to);
    assert_in_range(to - from, 1, 10);
    s.now.step = 0;
    assert_shows(&p, &s, 0, 1);
}

static void the_cursor_moves_and_is_zoomed_about(void **state) {
    (void)state;
    struct scene s = {.now.step = 1000};
    struct panels p;
    panels_open(&p);
    assert_true(panels_act(&p, &s, ACTION_CURSOR) && p.cursor_shown);
    assert_int_equal(p.cursor, 1000);
    for (int i = 0; i < 60; i++)
        assert_true(panels_act(&p, &s, ACTION_LEFT));
    assert_int_equal(p.cursor, 400);
    panels_act(&p, &s, ACTION_ZOOM_IN);
    assert_shows(&p, &s, 200, 700); // the cursor keeps its place on the screen
    panels_act(&p, &s, ACTION_ZOOM_IN);
    assert_shows(&p, &s, 300, 550);
    for (int i = 0; i < 100; i++) { // what is shown goes with it
        panels_act(&p, &s, ACTION_LEFT);
        int64_t from, to;
        panels_range(&p, &s, &from, &to);
        assert_in_range(p.cursor, from, to);
    }
    assert_int_equal(p.cursor, 200);
    for (int i = 0; i < 1000; i++)
        panels_act(&p, &s, ACTION_RIGHT);
    assert_int_equal(p.cursor, 1000);
    assert_true(panels_act(&p, &s, ACTION_ESCAPE) && !p.cursor_shown);
}

// ---- Pictures

static void loss_shows_this_branch_and_others(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    draw_one(&f.scene, &p, PANEL_LOSS, (struct area){0, 0, 20, 120});
    assert_true(row_has(0, "loss") && row_has(0, "━ train 0.") && row_has(0, "• validation 0."));
    assert_true(row_has(0, "branch 0") && !row_has(0, "branch 1"));
    // At the right edge only branch 0 goes on; to the left of the fork its curve is this branch's.
    bool other_before = false, other_behind = false, train_before = false;
    for (int row = 1; row < 18; row++) {
        for (int column = 8; column < 119; column++) {
            if (!is_braille(screen_cell(row, column)))
                continue;
            bool other = screen_styled(row, column, STYLE_OTHER);
            other_before |= other && column < 7 + 113 * 140 / STEPS;
            train_before |= screen_styled(row, column, STYLE_TRAIN) && column < 40;
            other_behind |= other && column > 7 + 113 * 310 / STEPS;
        }
    }
    assert_true(other_behind && train_before);
    assert_false(other_before);
    fixture_close(&f);
}

static void the_cursor_reads_the_part_it_is_on(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    p.cursor_shown = true;
    char number[16], text[64];
    for (p.cursor = 100; p.cursor <= 200; p.cursor += 100) { // before and after the fork
        snprintf(text, sizeof text, "rate %s",
                 ticks_number(0.01 * (double)(STEPS - p.cursor) / STEPS, number));
        draw_one(&f.scene, &p, PANEL_LR, (struct area){0, 0, 12, 50});
        assert_true(row_has(0, text));
    }
    fixture_close(&f);
}

static void marks_are_those_of_this_branch(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    for (int panel = 0; panel < LAYOUT_PANELS; panel++) {
        draw_one(&f.scene, &p, (enum panel)panel, (struct area){0, 0, 24, 120});
        assert_true(screen_find(&screen, "thaw layer1") > 0);
        assert_true(screen_find(&screen, "freeze fc") > 0);
        assert_true(screen_find(&screen, "lr x0.5") < 0); // branch 0 after the fork
    }
    f.scene.points[0] = (struct point_view){.step = 50};
    f.scene.point_count = 1;
    f.scene.point = 0;
    draw_one(&f.scene, &p, PANEL_LOSS, (struct area){0, 0, 24, 120});
    assert_true(screen_find(&screen, "back to 50") > 0);
    fixture_close(&f);
}

// A strategy that sets them every epoch would fill the plots with lines.
static void rates_of_a_strategy_are_not_marked(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    free(f.marks[0].text);
    f.marks[0].text = xstrdup("rates 0.5 1");
    draw_one(&f.scene, &p, PANEL_LOSS, (struct area){0, 0, 24, 120});
    assert_true(screen_find(&screen, "rates 0.5 1") > 0); // by hand
    strcpy(f.marks[0].who, "strategy");
    draw_one(&f.scene, &p, PANEL_LOSS, (struct area){0, 0, 24, 120});
    assert_true(screen_find(&screen, "rates 0.5 1") < 0);
    assert_true(screen_find(&screen, "freeze fc") > 0);
    fixture_close(&f);
}

static void accuracy_reads_in_percent(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    p.cursor_shown = true;
    p.cursor = 250;
    draw_one(&f.scene, &p, PANEL_ACCURACY, (struct area){0, 0, 20, 100});
    double loss = 0.1 + 2 * exp(-2.5) + 0.1 * sin(425);
    char text[64];
    snprintf(text, sizeof text, "validation %.1f%%", 100 * (0.9 - loss / 3));
    assert_true(row_has(0, text) && row_has(0, "at 250"));
    assert_true(screen_find(&screen, "%┤") > 0);
    fixture_close(&f);
}

static void blocks_heads_and_what_stands_alone_are_rows(void **state) {
    (void)state;
    struct model *model = small_model(modules, MODULES);
    static const char *const expected[] = {"conv1", "bn1", "layer1.0", "layer1.1", "fc"};
    int blocks[MODULES + 1];
    assert_int_equal(blocks_of(model, blocks), 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(model->modules[blocks[i]].name, expected[i]);
    model_close(model);
}

static void frozen_blocks_are_blank_in_the_strip(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    f.scene.now.branch = 0;
    f.scene.now.step = STEPS;
    draw_one(&f.scene, &p, PANEL_GRADIENT, (struct area){0, 0, 16, 107});
    int first = screen_find(&screen, "conv1 "), last = screen_find(&screen, " fc ");
    assert_int_equal(last - first, 4);
    assert_true(row_has(first + 2, "lay1.0"));
    for (int column = 0; column < 100; column++) {
        bool thawed = column > 50, frozen = column < 49; // step 200 is at column 50
        for (int row = first; row < last; row++) {
            wchar_t c = screen_cell(row, 7 + column);
            bool always = row == first + 3; // layer1.1
            if (thawed || always)
                assert_true(c == L'█');
            else if (frozen)
                assert_true(c == L' ');
        }
    }
    // The head has the largest norm, conv1 the smallest, more than a decade below.
    assert_true(screen_styled(last, 100, STYLE_HEAT7));
    assert_true(screen_styled(first, 100, STYLE_HEAT0));
    fixture_close(&f);
}

// Of names with many parts, what tells them apart is kept.
static void long_names_keep_their_numbers(void **state) {
    (void)state;
    static const char *const names[] = {"bert.encoder.layer.0", "bert.encoder.layer.11"};
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    for (int i = 0; i < 2; i++) {
        struct module *block = &f.model->modules[i ? 7 : 5]; // layer1.1 and layer1.0
        free(block->name);
        block->name = xstrdup(names[i]);
    }
    draw_one(&f.scene, &p, PANEL_GRADIENT, (struct area){0, 0, 16, 107});
    assert_true(screen_find(&screen, "laye.0 ") > 0);
    assert_int_equal(screen_find(&screen, "lay.11 "), screen_find(&screen, "laye.0 ") + 1);
    fixture_close(&f);
}

static void zoomed_strips_have_whole_names(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    p.focus = PANEL_GRADIENT;
    p.zoomed = true;
    struct screen_layout layout = {.body = {1, 0, 30, 120}};
    erase();
    panels_draw(&layout, &f.scene, &p);
    assert_true(screen_find(&screen, "layer1.0 ") > 0);
    assert_true(row_has(1, "›gradient norm") && screen_find(&screen, "loss") < 0);
    fixture_close(&f);
}

static void cost_is_held_against_full_fine_tuning(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    draw_one(&f.scene, &p, PANEL_COST, (struct area){0, 0, 5, 100});
    assert_true(row_has(0, "cost") && row_has(0, "812 samples/s"));
    assert_true(row_has(1, "forward") && row_has(1, "12.3 ms") && row_has(1, "100 %"));
    assert_true(row_has(2, "backward") && row_has(2, "4.1 ms") && row_has(2, " 25 %"));
    assert_true(row_has(2, "20.0 M of 80.0 MFLOP a sample"));
    assert_true(row_has(3, "23.0 MiB") && row_has(3, " 25 %") && row_has(3, "of 92.0 MiB"));
    assert_true(row_has(4, "saved") && row_has(4, "75 %"));
    draw_one(&f.scene, &p, PANEL_COST, (struct area){0, 0, 12, 40});
    assert_true(row_has(1, "100 %") && row_has(5, "samples/s"));
    fixture_close(&f);
}

static void the_focus_is_marked(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    static const char *const titles[] = {"›loss", "›accuracy", "›gradient norm", "›cost",
                                         "›learning rate"};
    struct screen_layout layout =
        layout_of(&(struct layout_request){.rows = 50, .columns = 160, .train_view = true});
    for (p.focus = 0; p.focus < LAYOUT_PANELS; p.focus++) {
        erase();
        panels_draw(&layout, &f.scene, &p);
        for (int i = 0; i < LAYOUT_PANELS; i++)
            assert_int_equal(screen_find(&screen, titles[i]) >= 0, i == p.focus);
    }
    fixture_close(&f);
}

static void an_empty_scene_can_be_drawn(void **state) {
    (void)state;
    struct scene s = {.point = -1};
    struct panels p;
    panels_open(&p);
    struct screen_layout layout =
        layout_of(&(struct layout_request){.rows = 50, .columns = 160, .train_view = true});
    erase();
    panels_draw(&layout, &s, &p);
    assert_true(screen_find(&screen, "no values yet") > 0);
    assert_true(screen_find(&screen, "backward") > 0);
}

// Draws with a frame of '#' around; all of it must be left.
static void check_size(const struct scene *s, struct panels *p, int h, int w) {
    struct screen_layout layout = {0};
    struct area all = {0, 0, h + 2, w + 2}, area = {1, 1, h, w};
    layout.panels[p->focus] = area;
    for (int row = 0; row < all.h; row++)
        for (int column = 0; column < all.w; column++)
            draw_text(all, row, column, 0, STYLE_NORMAL, "#");
    panels_draw(&layout, s, p);
    for (int row = 0; row < all.h; row++)
        for (int column = 0; column < all.w; column++)
            assert_int_equal(screen_cell(row, column) == L'#', !layout_inside(area, row, column));
}

static void nothing_leaves_the_panels(void **state) {
    (void)state;
    struct fixture f;
    struct panels p;
    fixture_open(&f);
    panels_open(&p);
    for (p.focus = 0; p.focus < LAYOUT_PANELS; p.focus++) {
        for (int h = 1; h <= 24; h++) {
            for (int w = 1; w <= 90; w += 1 + (h + w) % 7) {
                p.zoomed = w % 2;
                p.cursor_shown = w % 3 == 0;
                p.log[p.focus] = h % 2;
                check_size(&f.scene, &p, h, w);
            }
        }
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_of_focus_and_scale),
        cmocka_unit_test(time_is_zoomed_and_scrolled),
        cmocka_unit_test(the_cursor_moves_and_is_zoomed_about),
        cmocka_unit_test(loss_shows_this_branch_and_others),
        cmocka_unit_test(the_cursor_reads_the_part_it_is_on),
        cmocka_unit_test(marks_are_those_of_this_branch),
        cmocka_unit_test(rates_of_a_strategy_are_not_marked),
        cmocka_unit_test(accuracy_reads_in_percent),
        cmocka_unit_test(blocks_heads_and_what_stands_alone_are_rows),
        cmocka_unit_test(frozen_blocks_are_blank_in_the_strip),
        cmocka_unit_test(long_names_keep_their_numbers),
        cmocka_unit_test(zoomed_strips_have_whole_names),
        cmocka_unit_test(cost_is_held_against_full_fine_tuning),
        cmocka_unit_test(the_focus_is_marked),
        cmocka_unit_test(an_empty_scene_can_be_drawn),
        cmocka_unit_test(nothing_leaves_the_panels),
    };
    return cmocka_run_group_tests(tests, open_screen, close_screen);
}
