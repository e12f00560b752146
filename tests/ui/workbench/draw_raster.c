#include "screen.h"
#include "test.h"
#include "ui/workbench/draw.h"
#include <limits.h>

static const struct theme_options colours = {.name = THEME_DARK, .colour = true};
static const struct theme_options ascii = {.name = THEME_DARK, .colour = true, .ascii = true};

static void expect_row(const struct screen *s, int row, const char *text) {
    char found[4096];
    screen_row(s, row, found, sizeof found);
    assert_string_equal(found, text);
}

// The bits of Unicode's braille: dots 1-8 are bits 0-7; 1 2 3 7 in the left column, 4 5 6 8 right.
static void each_dot_of_braille(void **state) {
    (void)state;
    static const int bits[4][2] = {{0, 3}, {1, 4}, {2, 5}, {6, 7}};
    struct screen s = screen_open(4, 4, colours);
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 2; x++) {
            struct raster r = raster_open((struct area){1, 1, 2, 2}, RASTER_BRAILLE);
            assert_int_equal(r.width, 4);
            assert_int_equal(r.height, 8);
            raster_dot(&r, 2 + x, 4 + y, STYLE_TRAIN);
            erase();
            raster_draw(&r);
            assert_int_equal(screen_cell(2, 2), 0x2800 + (1 << bits[y][x]));
            assert_true(screen_styled(2, 2, STYLE_TRAIN));
            assert_int_equal(screen_cell(1, 1), L' ');
            raster_close(&r);
        }
    }
    screen_close(&s);
}

static void lines_in_braille(void **state) {
    (void)state;
    struct screen s = screen_open(3, 8, colours);
    struct raster r = raster_open((struct area){0, 0, 2, 4}, RASTER_BRAILLE);
    raster_line(&r, 0, 0, 7, 7, STYLE_TRAIN); // the diagonal
    raster_draw(&r);
    expect_row(&s, 0, "⠑⢄");
    expect_row(&s, 1, "  ⠑⢄");
    raster_line(&r, 7, 0, 7, 7, STYLE_TRAIN);
    raster_line(&r, 0, 7, 7, 7, STYLE_TRAIN);
    raster_line(&r, 3, 3, 3, 3, STYLE_TRAIN);
    raster_draw(&r);
    expect_row(&s, 0, "⠑⢄ ⢸");
    expect_row(&s, 1, "⣀⣀⣑⣼");
    raster_close(&r);
    screen_close(&s);
}

static void blocks(void **state) {
    (void)state;
    struct screen s = screen_open(2, 8, colours);
    struct raster r = raster_open((struct area){0, 0, 2, 4}, RASTER_BLOCK);
    assert_int_equal(r.width, 4);
    assert_int_equal(r.height, 4);
    raster_line(&r, 0, 0, 3, 3, STYLE_TRAIN);
    raster_line(&r, 3, 0, 0, 3, STYLE_TRAIN);
    raster_dot(&r, 1, 0, STYLE_TRAIN);
    raster_draw(&r);
    expect_row(&s, 0, "▀█▄▀");
    expect_row(&s, 1, "▄▀▀▄");
    raster_close(&r);
    screen_close(&s);
}

static void curves_have_letters_in_ascii(void **state) {
    (void)state;
    struct screen s = screen_open(3, 8, ascii);
    struct raster r = raster_open((struct area){0, 0, 3, 4}, RASTER_BRAILLE);
    assert_int_equal(r.kind, RASTER_ASCII);
    assert_int_equal(r.width, 4);
    assert_int_equal(r.height, 3);
    raster_line(&r, 0, 0, 3, 0, STYLE_TRAIN);
    raster_line(&r, 0, 1, 3, 1, STYLE_TRAIN_RAW);
    raster_line(&r, 0, 2, 3, 2, STYLE_VALIDATION);
    raster_line(&r, 1, 0, 1, 2, STYLE_EVENT);
    raster_draw(&r);
    expect_row(&s, 0, "*|**");
    expect_row(&s, 1, ".|..");
    expect_row(&s, 2, "o|oo");
    assert_string_equal(raster_sample(RASTER_BRAILLE, STYLE_VALIDATION), "o");
    raster_close(&r);
    screen_close(&s);
}

static void the_last_dot_gives_the_style(void **state) {
    (void)state;
    struct screen s = screen_open(1, 4, colours);
    mvaddstr(0, 0, "abcd");
    struct raster r = raster_open((struct area){0, 0, 1, 3}, RASTER_BRAILLE);
    raster_dot(&r, 0, 0, STYLE_TRAIN);
    raster_dot(&r, 1, 3, STYLE_VALIDATION);
    raster_dot(&r, 4, 0, STYLE_VALIDATION);
    raster_dot(&r, 4, 0, STYLE_TRAIN);
    raster_draw(&r);
    expect_row(&s, 0, "⢁b⠁d"); // empty cells leave what is there
    assert_true(screen_styled(0, 0, STYLE_VALIDATION));
    assert_true(screen_styled(0, 2, STYLE_TRAIN));
    raster_close(&r);
    screen_close(&s);
}

static void what_is_outside_is_cut(void **state) {
    (void)state;
    struct screen s = screen_open(3, 6, colours);
    struct raster r = raster_open((struct area){0, 0, 2, 3}, RASTER_ASCII);
    raster_dot(&r, -1, 0, STYLE_TRAIN);
    raster_dot(&r, 0, -1, STYLE_TRAIN);
    raster_dot(&r, 3, 0, STYLE_TRAIN);
    raster_dot(&r, 0, 2, STYLE_TRAIN);
    raster_line(&r, -5, -5, 100, -5, STYLE_TRAIN);
    raster_line(&r, -9, 0, -1, 8, STYLE_TRAIN);
    raster_line(&r, 5, 0, 0, 100, STYLE_TRAIN);
    raster_draw(&r);
    expect_row(&s, 0, "");
    expect_row(&s, 1, "");
    raster_line(&r, INT_MIN, 1, INT_MAX, 1, STYLE_TRAIN); // at once, however long
    raster_line(&r, 1, INT_MAX, 1, INT_MIN, STYLE_TRAIN);
    raster_draw(&r);
    expect_row(&s, 0, " *");
    expect_row(&s, 1, "***");
    expect_row(&s, 2, "");
    raster_close(&r);
    screen_close(&s);
}

// A line that is cut runs through the same cells as the part of the whole one.
static void cut_lines_keep_their_way(void **state) {
    (void)state;
    struct screen s = screen_open(8, 8, colours);
    struct raster r = raster_open((struct area){0, 0, 8, 8}, RASTER_ASCII);
    raster_line(&r, -80, -77, 80, 83, STYLE_TRAIN); // y = x + 3
    raster_line(&r, 17, -10, -3, 10, STYLE_TRAIN);  // y = 7 - x
    raster_draw(&r);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            assert_int_equal(screen_cell(y, x), y == x + 3 || y == 7 - x ? L'*' : L' ');
    raster_close(&r);
    screen_close(&s);
}

static void areas_without_cells(void **state) {
    (void)state;
    struct screen s = screen_open(2, 2, colours);
    static const struct area areas[] = {{0, 0, 0, 5}, {0, 0, 5, 0}, {1, 1, -2, -3}};
    for (int i = 0; i < 3; i++) {
        struct raster r = raster_open(areas[i], RASTER_BRAILLE);
        assert_int_equal(r.width, 0);
        assert_int_equal(r.height, 0);
        raster_dot(&r, 0, 0, STYLE_TRAIN);
        raster_line(&r, -5, -5, 5, 5, STYLE_TRAIN);
        raster_draw(&r);
        raster_close(&r);
    }
    struct raster big = raster_open((struct area){0, 0, 50, 50}, RASTER_BRAILLE);
    raster_line(&big, 0, 0, 99, 199, STYLE_TRAIN);
    raster_draw(&big); // larger than the screen
    raster_close(&big);
    screen_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dot_of_braille),
        cmocka_unit_test(lines_in_braille),
        cmocka_unit_test(blocks),
        cmocka_unit_test(curves_have_letters_in_ascii),
        cmocka_unit_test(the_last_dot_gives_the_style),
        cmocka_unit_test(what_is_outside_is_cut),
        cmocka_unit_test(cut_lines_keep_their_way),
        cmocka_unit_test(areas_without_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
