// Charts as text, SVG and PNG.
#include "ui/report/chart.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include "ui/report/chart_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *printed(const struct chart *c, int columns, int rows, bool ascii) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    chart_print(c, columns, rows, ascii, out);
    fclose(out);
    return text;
}

static const double x[] = {0, 1, 2, 3, 4}, rising[] = {0, 1, 2, 3, 4}, falling[] = {4, 3, 2, 1, 0};

static enum freeze_state thawed_later(const struct chart_bands *b, int row, double from,
                                      double to) {
    (void)b;
    return row == 1 || from >= 2 ? STATE_THAWED : to <= 2 ? STATE_FROZEN : STATE_MIXED;
}

static void text_is_drawn_to_the_letter(void **state) {
    (void)state;
    static const char *const names[] = {"conv1", "head"};
    const struct chart_line lines[] = {
        {.label = "up", .x = x, .y = rising, .count = 5, .joined = true},
        {.label = "down", .index = 1, .x = x, .y = falling, .count = 5, .points = true}};
    const struct chart_bands bands[] = {
        {.title = "up", .names = names, .row_count = 2, .reached = 4, .state = thawed_later}};
    const struct chart c = {.title = "two lines",
                            .x = {.title = "step", .whole = true},
                            .y = {.title = "loss"},
                            .lines = lines,
                            .line_count = 2,
                            .bands = bands,
                            .band_count = 1};
    char *text = printed(&c, 36, 5, true);
    assert_string_equal(text, "two lines\n"
                              "      4+b                      aaaa\n"
                              "       |      b         aaaaaaa\n"
                              "      2+          aaabaa\n"
                              "       |   aaaaaaa         b\n"
                              "      0+aaa                       b\n"
                              "       ++------------+------------+-\n"
                              "        0            2            4\n"
                              "                    step\n"
                              "        a up   b down\n"
                              "a up\n"
                              "  conv1 #############%ooooooooooooo\n"
                              "   head ooooooooooooooooooooooooooo\n"
                              "        # frozen  o thawed  % mixed\n");
    free(text);
}

static void curves_are_braille_where_that_may_be(void **state) {
    (void)state;
    const struct chart_line line = {.x = x, .y = rising, .count = 5, .joined = true};
    const struct chart c = {
        .title = "t", .x = {.title = "x"}, .y = {.title = "y"}, .lines = &line, .line_count = 1};
    char *text = printed(&c, 40, 3, false);
    assert_non_null(strstr(text, "⣀"));
    assert_non_null(strstr(text, "└"));
    free(text);
}

static const double nothing[] = {NAN, NAN, NAN, NAN, NAN}, wild[] = {0, -1, INFINITY, NAN, 1e300};

// Whatever the numbers are, every size is drawn, and no line is too long.
static void odd_numbers_and_sizes(void **state) {
    (void)state;
    const double *const values[] = {nothing, wild, rising};
    for (int k = 0; k < 3 * 4 * 12; k++) {
        const struct chart_line line = {.label = "a rather long name of a line",
                                        .x = k % 2 ? x : values[k % 3],
                                        .y = values[k % 3],
                                        .spread = wild,
                                        .count = k % 5 + 1,
                                        .points = true,
                                        .joined = true};
        const struct chart c = {.title = "odd",
                                .x = {.title = "x", .log = k % 2},
                                .y = {.title = "y", .log = k / 2 % 2, .percent = k / 4 % 2},
                                .lines = &line,
                                .line_count = k % 7 > 0};
        char *text = printed(&c, 20 + k, 1 + k % 9, true);
        for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1)
            assert_in_range(end - at, 0, (k < 10 ? 30 : 20) + k);
        free(text);
    }
}

static void scales_hold_what_is_drawn(void **state) {
    (void)state;
    const struct chart_line line = {.x = x, .y = rising, .count = 5};
    const struct chart c = {
        .x = {.log = true}, .y = {.percent = false}, .lines = &line, .line_count = 1};
    struct chart_scale across = chart_scale_x(&c), up = chart_scale_y(&c);
    assert_true(isnan(chart_place(&across, 0)));
    assert_in_range(1e6 * chart_place(&across, 1), 0, 999999);
    assert_true(chart_place(&across, 2) - chart_place(&across, 1) -
                    (chart_place(&across, 4) - chart_place(&across, 2)) <
                1e-12);
    assert_true(up.low == 0 && up.high > 4);
}

// ---- Files

static char *folder;

static int make_folder(void **state) {
    (void)state;
    folder = xstrdup("/tmp/thaw-chart-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    files_remove(folder);
    free(folder);
    return 0;
}

static struct mapping saved(const char *name, enum chart_format format, double last) {
    double y[] = {0, 1, 2, 3, last};
    const struct chart_line line = {
        .label = "up", .x = x, .y = y, .count = 5, .points = true, .joined = true};
    const struct chart c = {
        .title = "t", .x = {.title = "x"}, .y = {.title = "y"}, .lines = &line, .line_count = 1};
    struct error error;
    struct mapping m;
    char *path = files_join(folder, name);
    assert_true(chart_save(&c, 1, path, format, &error));
    assert_true(mapping_open(&m, path, &error));
    free(path);
    return m;
}

static void a_png_is_twice_as_wide_as_an_svg(void **state) {
    (void)state;
    struct mapping png = saved("a.png", CHART_PNG, 4), svg = saved("a.svg", CHART_SVG, 4);
    assert_memory_equal(png.data, "\x89PNG\r\n\x1a\n", 8);
    unsigned width = png.data[18] * 256u + png.data[19];
    char *text = xstrndup((const char *)svg.data, svg.size);
    unsigned svg_width = 0;
    assert_int_equal(sscanf(strstr(text, "width=\""), "width=\"%u", &svg_width), 1);
    assert_int_equal(width, 2 * svg_width);
    assert_non_null(strstr(text, "</svg>"));
    free(text);
    mapping_close(&png);
    mapping_close(&svg);
}

static void other_numbers_are_another_picture(void **state) {
    (void)state;
    struct mapping a = saved("a.png", CHART_PNG, 4), b = saved("b.png", CHART_PNG, 4),
                   c = saved("c.png", CHART_PNG, 2);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    assert_true(a.size != c.size || memcmp(a.data, c.data, a.size) != 0);
    mapping_close(&a);
    mapping_close(&b);
    mapping_close(&c);
}

static void a_place_that_cannot_be_written(void **state) {
    (void)state;
    const struct chart c = {.title = "t", .x = {.title = "x"}, .y = {.title = "y"}};
    struct error error;
    assert_false(chart_save(&c, 1, "/nowhere/at/all.svg", CHART_SVG, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_non_null(strstr(error.text, "/nowhere/at"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_drawn_to_the_letter),
        cmocka_unit_test(curves_are_braille_where_that_may_be),
        cmocka_unit_test(odd_numbers_and_sizes),
        cmocka_unit_test(scales_hold_what_is_drawn),
        cmocka_unit_test(a_png_is_twice_as_wide_as_an_svg),
        cmocka_unit_test(other_numbers_are_another_picture),
        cmocka_unit_test(a_place_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
