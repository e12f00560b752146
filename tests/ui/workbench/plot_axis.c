// Axes.
#include "screen.h"
#include "test.h"
#include "ui/workbench/plot.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, COLUMNS = 120 };
static const struct theme_options theme = {.name = THEME_DARK, .colour = true};
static struct screen screen;

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

static struct series series_of(const double *values, int count) {
    struct series s = {0};
    for (int i = 0; i < count; i++)
        series_add(&s, i, values[i]);
    return s;
}

static struct plot simple(const struct plot_curve *curve, int64_t to) {
    return (struct plot){
        .title = "loss", .curves = curve, .curve_count = 1, .to = to, .cursor = -1};
}

// ---- Axes

// The columns where runs of text begin and end in a row; returns how many runs.
static int words(int row, int *begin, int *end) {
    int count = 0;
    for (int column = 0; column <= COLUMNS; column++) {
        bool text = column < COLUMNS && screen_cell(row, column) != L' ';
        bool before = column > 0 && screen_cell(row, column - 1) != L' ';
        if (text && !before)
            begin[count++] = column;
        if (!text && before)
            end[count - 1] = column;
    }
    return count;
}

static void step_labels_do_not_touch(void **state) {
    (void)state;
    struct series s = series_of((double[]){1, 2}, 2);
    struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
    static const int64_t ends[] = {1, 7, 99, 1234, 50000, 1999999, 123456789012};
    for (int k = 0; k < 7; k++) {
        for (int w = 24; w <= 110; w += 7) {
            struct plot p = simple(&curve, ends[k]);
            int begin[COLUMNS], end[COLUMNS];
            erase();
            plot_draw((struct area){0, 0, 8, w}, &p);
            int count = words(7, begin, end);
            assert_true(count >= 2); // "step", and at least one number
            for (int i = 0; i < count; i++)
                assert_true(end[i] - begin[i] <= 6 && end[i] <= w);
        }
    }
    series_close(&s);
}

static void step_labels_are_compact(void **state) {
    (void)state;
    struct series s = series_of((double[]){1, 2}, 2);
    struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 3000);
    p.from = 1000;
    erase();
    plot_draw((struct area){0, 0, 8, 60}, &p);
    assert_true(row_has(7, "1.5k") && row_has(7, "2.0k") && row_has(7, "3.0k"));
    p = simple(&curve, 1000);
    erase();
    plot_draw((struct area){0, 0, 8, 36}, &p);
    assert_true(row_has(7, "0.5k") && row_has(7, " 0 ") && !row_has(7, "0.0"));
    p = simple(&curve, 2);
    erase();
    plot_draw((struct area){0, 0, 8, 60}, &p);
    assert_true(row_has(7, "1") && row_has(7, "2") && !row_has(7, "0.5"));
    series_close(&s);
}

static void value_labels_end_at_the_axis(void **state) {
    (void)state;
    static const double tops[] = {1e-7, 0.004, 0.3, 1, 7, 250, 12345, 3e8, 1e20};
    for (int k = 0; k < 9; k++) {
        struct series s = series_of((double[]){tops[k] / 3, tops[k]}, 2);
        struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
        struct plot p = simple(&curve, 1);
        erase();
        plot_draw((struct area){0, 0, 10, 50}, &p);
        struct area inner = plot_inner((struct area){0, 0, 10, 50}, &p);
        assert_true(inner.x <= 7);
        int labels = 0;
        for (int row = inner.y; row < inner.y + inner.h; row++) {
            bool tick = screen_cell(row, inner.x - 1) == L'┤';
            assert_true(tick || screen_cell(row, inner.x - 1) == L'│');
            assert_true((screen_cell(row, inner.x - 2) != L' ') == tick);
            labels += tick;
        }
        assert_true(labels >= 2);
        series_close(&s);
    }
}

static void percent_reads_as_percent(void **state) {
    (void)state;
    struct series s = series_of((double[]){0.1, 0.5, 0.8125}, 3);
    struct plot_curve curve = {.series = &s, .label = "train", .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 2);
    p.percent = true;
    erase();
    plot_draw((struct area){0, 0, 12, 50}, &p);
    assert_true(row_has(0, "train 81.3%"));
    assert_true(screen_find(&screen, "80%┤") > 0 && screen_find(&screen, "20%┤") > 0);
    series_close(&s);
}

static void log_scale_has_even_decades(void **state) {
    (void)state;
    struct series s = series_of((double[]){1, 0.1, 0.01, 0.001}, 4);
    struct plot_curve curve = {.series = &s, .label = "train", .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 3);
    p.log = true;
    erase();
    plot_draw((struct area){0, 0, 20, 60}, &p);
    int rows[] = {screen_find(&screen, " 1┤"), screen_find(&screen, " 0.1┤"),
                  screen_find(&screen, "0.01┤"), screen_find(&screen, "0.001┤")};
    for (int i = 0; i < 3; i++)
        assert_in_range(rows[i + 1] - rows[i], 5, 6);
    assert_true(row_has(0, "(log)"));
    series_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_labels_do_not_touch),     cmocka_unit_test(step_labels_are_compact),
        cmocka_unit_test(value_labels_end_at_the_axis), cmocka_unit_test(percent_reads_as_percent),
        cmocka_unit_test(log_scale_has_even_decades),
    };
    return cmocka_run_group_tests(tests, open_screen, close_screen);
}
