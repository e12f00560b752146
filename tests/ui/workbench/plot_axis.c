// Numbers, ticks and axes.
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

// ---- Ticks and numbers

static double uniform(double low, double high) {
    return low + (high - low) * rand() / RAND_MAX;
}

// 1, 2 or 5 times a power of ten.
static bool is_nice(double value) {
    double mantissa = value / pow(10, floor(log10(value) + 1e-9));
    return fabs(mantissa - 1) < 1e-6 || fabs(mantissa - 2) < 1e-6 || fabs(mantissa - 5) < 1e-6;
}

static void linear_ticks_are_few_and_nice(void **state) {
    (void)state;
    srand(1);
    for (int k = 0; k < 20000; k++) {
        double range = pow(10, uniform(-12, 12)), low = uniform(-20, 20) * range;
        int most = 1 + k % 12;
        double ticks[32];
        int count = plot_ticks(low, low + range, false, most, ticks);
        assert_in_range(count, most >= 3 ? 1 : 0, most);
        for (int i = 0; i < count; i++)
            assert_true(ticks[i] >= low - 1e-6 * range && ticks[i] <= low + 1.000001 * range);
        for (int i = 1; i < count; i++) {
            assert_true(is_nice(ticks[i] - ticks[i - 1]));
            double factor = ticks[i] / (ticks[1] - ticks[0]);
            assert_true(fabs(factor - round(factor)) < 1e-6);
        }
    }
}

static void ticks_of_known_ranges(void **state) {
    (void)state;
    double t[32];
    assert_int_equal(plot_ticks(0, 1, false, 6, t), 6);
    assert_true(fabs(t[1] - 0.2) < 1e-12 && fabs(t[5] - 1) < 1e-12);
    assert_int_equal(plot_ticks(0, 1, false, 3, t), 3);
    assert_true(t[1] == 0.5);
    assert_int_equal(plot_ticks(1e-4, 1, true, 5, t), 5);
    assert_true(t[0] == 1e-4 && fabs(t[1] - 1e-3) < 1e-15 && t[4] == 1);
    assert_int_equal(plot_ticks(0.9, 12, true, 6, t), 4); // 1 2 5 10
    assert_true(t[1] == 2 && t[2] == 5 && t[3] == 10);
    assert_int_equal(plot_ticks(1e-6, 1e6, true, 5, t), 5); // every third power
    assert_true(fabs(t[1] / t[0] - 1e3) < 1e-6);
    assert_true(plot_ticks(0.3, 0.45, true, 5, t) >= 2); // no decade: as on a linear scale
}

static void ranges_without_ticks(void **state) {
    (void)state;
    double t[32];
    assert_int_equal(plot_ticks(1, 1, false, 5, t), 0);
    assert_int_equal(plot_ticks(2, 1, false, 5, t), 0);
    assert_int_equal(plot_ticks(NAN, 1, false, 5, t), 0);
    assert_int_equal(plot_ticks(0, INFINITY, false, 5, t), 0);
    assert_int_equal(plot_ticks(-1, 1, true, 5, t), 0);
    assert_int_equal(plot_ticks(0, 1, false, 0, t), 0);
}

static void numbers_are_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},           {0.05, "0.05"},       {1200, "1.2k"},       {3e-4, "3e-4"},
        {0.4213, "0.4213"}, {1.23456, "1.235"},   {12.3456, "12.35"},   {123.456, "123.5"},
        {999.96, "1k"},     {12345, "12.35k"},    {2e6, "2M"},          {1.5e9, "1.5G"},
        {-0.5, "-0.5"},     {-0.12345, "-0.123"}, {3.456e-5, "3.5e-5"}, {1e-10, "1e-10"},
        {1e20, "1e20"},     {0.001, "0.001"},     {100, "100"},         {-3e-10, "-3e-10"},
        {NAN, "-"},         {INFINITY, "inf"},    {-INFINITY, "-inf"},  {1e-320, "0"},
    };
    char out[16];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(plot_number(cases[i].value, out), cases[i].text);
}

static void numbers_read_back(void **state) {
    (void)state;
    char out[16];
    srand(2);
    for (int k = 0; k < 20000; k++) {
        double value = pow(10, uniform(-40, 40)) * (k % 2 ? -1 : 1);
        plot_number(value, out);
        assert_true(strlen(out) <= 6);
        char *end;
        double read = strtod(out, &end);
        const char *units = "kMGT", *unit = *end ? strchr(units, *end) : NULL;
        read *= unit ? pow(1000, (double)(unit - units) + 1) : 1;
        assert_true(fabs(read - value) <= 0.5 * fabs(value));
    }
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
        cmocka_unit_test(linear_ticks_are_few_and_nice),
        cmocka_unit_test(ticks_of_known_ranges),
        cmocka_unit_test(ranges_without_ticks),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(step_labels_do_not_touch),
        cmocka_unit_test(step_labels_are_compact),
        cmocka_unit_test(value_labels_end_at_the_axis),
        cmocka_unit_test(percent_reads_as_percent),
        cmocka_unit_test(log_scale_has_even_decades),
    };
    return cmocka_run_group_tests(tests, open_screen, close_screen);
}
