// The layout at every size: areas inside the screen, none over another, every cell covered.
#include "ui/workbench/layout.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS = 60, COLUMNS = 200, AREAS = 6 + LAYOUT_PANELS };

static bool inside(struct area a, int rows, int columns) {
    return a.h >= 0 && a.w >= 0 && a.y >= 0 && a.x >= 0 && a.y + a.h <= rows &&
           a.x + a.w <= columns;
}

static bool apart(struct area a, struct area b) {
    return a.h == 0 || a.w == 0 || b.h == 0 || b.w == 0 || a.y + a.h <= b.y || b.y + b.h <= a.y ||
           a.x + a.w <= b.x || b.x + b.w <= a.x;
}

// Inside, apart from each other, and as many cells as the screen has: then each is covered once.
static bool tiles(const struct layout_request *r) {
    struct screen_layout l = layout_of(r);
    struct area all[AREAS] = {l.tabs, l.tree, l.what_if, l.body, l.status, l.footer};
    memcpy(all + 6, l.panels, sizeof l.panels);
    int cells = 0;
    for (int i = 0; i < AREAS; i++) {
        if (!inside(all[i], r->rows, r->columns))
            return false;
        for (int k = 0; k < i; k++)
            if (!apart(all[i], all[k]))
                return false;
        cells += all[i].h * all[i].w;
    }
    return cells == r->rows * r->columns;
}

// Bits of `kind`: zoom, projector, train view, what-if.
static struct layout_request request(int rows, int columns, int kind, int panel) {
    return (struct layout_request){.rows = rows,
                                   .columns = columns,
                                   .zoom = kind & 1,
                                   .panel = panel,
                                   .projector = kind & 2,
                                   .train_view = kind & 4,
                                   .what_if = kind & 8};
}

static void every_size_is_tiled(void **state) {
    (void)state;
    for (int rows = 1; rows <= ROWS; rows++)
        for (int columns = 1; columns <= COLUMNS; columns++)
            for (int kind = 0; kind < 16; kind++) {
                struct layout_request r = request(rows, columns, kind, (rows + columns) % 5);
                if (!tiles(&r))
                    fail_msg("%d rows, %d columns, kind %d", rows, columns, kind);
            }
}

static int shown_panels(const struct screen_layout *l) {
    int shown = 0;
    for (int i = 0; i < LAYOUT_PANELS; i++)
        shown += l->panels[i].h > 0 && l->panels[i].w > 0;
    return shown;
}

static void small_screens_have_a_tree_and_three_panels(void **state) {
    (void)state;
    for (int panel = 0; panel < LAYOUT_PANELS; panel++) {
        struct layout_request r = request(24, 80, 4, panel);
        struct screen_layout l = layout_of(&r);
        assert_false(l.too_small);
        assert_int_equal(l.tree.w, 38);
        assert_true(l.tree.h >= 14);
        assert_int_equal(shown_panels(&l), 3);
        assert_true(l.panels[panel].h >= 6); // the one in focus is among them
    }
}

static void large_screens_show_all_panels(void **state) {
    (void)state;
    static const int sizes[][2] = {{40, 120}, {60, 200}, {40, 80}};
    for (int i = 0; i < 3; i++) {
        struct layout_request r = request(sizes[i][0], sizes[i][1], 4, 0);
        struct screen_layout l = layout_of(&r);
        assert_int_equal(shown_panels(&l), 5);
    }
}

static void a_zoomed_panel_has_the_whole_body(void **state) {
    (void)state;
    struct layout_request r = request(24, 80, 5, 3);
    struct screen_layout l = layout_of(&r);
    assert_int_equal(shown_panels(&l), 1);
    assert_int_equal(l.panels[3].w, 80);
    assert_int_equal(l.panels[3].h, 24 - 4);
    assert_int_equal(l.tree.h, 0);
}

static void below_the_least_size_there_is_only_a_message(void **state) {
    (void)state;
    struct layout_request small = request(LAYOUT_ROWS_MIN - 1, 200, 4, 0),
                          narrow = request(60, LAYOUT_COLUMNS_MIN - 1, 4, 0),
                          enough = request(LAYOUT_ROWS_MIN, LAYOUT_COLUMNS_MIN, 4, 0);
    assert_true(layout_of(&small).too_small);
    assert_true(layout_of(&narrow).too_small);
    struct screen_layout l = layout_of(&enough);
    assert_false(l.too_small);
    assert_true(l.tree.h >= 8 && l.tree.w >= 28 && shown_panels(&l) >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_tiled),
        cmocka_unit_test(small_screens_have_a_tree_and_three_panels),
        cmocka_unit_test(large_screens_show_all_panels),
        cmocka_unit_test(a_zoomed_panel_has_the_whole_body),
        cmocka_unit_test(below_the_least_size_there_is_only_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
