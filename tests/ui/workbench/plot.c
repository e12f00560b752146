#include "ui/workbench/plot.h"
#include "screen.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

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

static bool is_braille(wchar_t c) {
    return c > 0x2800 && c <= 0x28ff;
}

static bool row_has(int row, const char *text) {
    char line[4096];
    screen_row(&screen, row, line, sizeof line);
    return strstr(line, text);
}

static void fill_screen(const char *with) {
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++)
            draw_text((struct area){0, 0, ROWS, COLUMNS}, row, column, 0, STYLE_NORMAL, with);
}

static struct series series_of(const double *values, int count) {
    struct series s = {0};
    for (int i = 0; i < count; i++)
        series_add(&s, i, values[i]);
    return s;
}

// ---- The picture

static struct plot simple(const struct plot_curve *curve, int64_t to) {
    return (struct plot){
        .title = "loss", .curves = curve, .curve_count = 1, .to = to, .cursor = -1};
}

static void empty_data_says_so(void **state) {
    (void)state;
    struct series none = {0};
    struct plot_curve curve = {.series = &none, .label = "train", .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 0);
    erase();
    plot_draw((struct area){0, 0, 10, 40}, &p);
    assert_true(screen_find(&screen, "no values yet") > 0);
    assert_true(row_has(0, "loss"));
    p.curve_count = 0;
    plot_draw((struct area){0, 0, 10, 40}, &p);
    assert_true(screen_find(&screen, "no values yet") > 0);
}

static void values_that_are_not_shown_are_no_missing_ones(void **state) {
    (void)state;
    struct series s = series_of((double[]){-1, -2, 0}, 3);
    struct plot_curve curve = {.series = &s, .label = "train", .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 2);
    p.log = true;
    erase();
    plot_draw((struct area){0, 0, 10, 40}, &p);
    assert_true(screen_find(&screen, "no values to show here") > 0);
    series_close(&s);
}

// A plot with everything that one may have.
static void draw_rich(struct area area, const struct series *s, const struct series *few,
                      int variant) {
    struct plot_curve curves[] = {
        {.series = s, .style = STYLE_TRAIN_RAW, .band = true},
        {.series = few, .label = "validation", .style = STYLE_VALIDATION, .points = true},
        {.series = s, .label = "train", .style = STYLE_TRAIN, .smooth = 0.9},
    };
    struct plot_marker markers[] = {{0, "thaw all", STYLE_EVENT},
                                    {700, "freeze layer1", STYLE_EVENT},
                                    {1999, "x", STYLE_EVENT},
                                    {5000, "never", STYLE_EVENT}};
    struct plot p = {.title = "a rather long title",
                     .curves = curves,
                     .curve_count = 3,
                     .markers = markers,
                     .marker_count = 4,
                     .from = variant % 3 == 2 ? 500 : 0,
                     .to = 1999,
                     .cursor = variant % 2 ? 900 : -1,
                     .log = variant & 2,
                     .percent = variant & 4,
                     .focused = variant & 1,
                     .raster = (enum raster_kind)(variant % 3),
                     .strip = variant == 5 ? 3 : 0,
                     .gutter = variant == 6 ? 12 : 0};
    plot_draw(area, &p);
}

static void nothing_leaves_the_area(void **state) {
    (void)state;
    struct series s = {0}, few = {0};
    for (int i = 0; i < 2000; i++)
        series_add(&s, i, i % 97 == 0 ? NAN : 2 + sin(i * 0.01) + 0.1 * (i % 7));
    for (int i = 0; i < 2000; i += 100)
        series_add(&few, i, 2.5);
    for (int h = 1; h <= 30; h += h < 14 ? 1 : 5) {
        for (int w = 1; w <= 100; w += w < 40 ? 1 : 13) {
            struct area area = {4, 9, h, w};
            fill_screen("#");
            draw_rich(area, &s, &few, (h * 31 + w) % 8);
            for (int row = 0; row < ROWS; row++)
                for (int column = 0; column < COLUMNS; column++)
                    if (!layout_inside(area, row, column))
                        assert_true(screen_cell(row, column) == L'#');
                    else
                        assert_true(screen_cell(row, column) != L'#');
        }
    }
    series_close(&s);
    series_close(&few);
}

static void small_areas_lose_axes_before_the_title(void **state) {
    (void)state;
    struct series s = series_of((double[]){1, 2, 3, 2, 1}, 5);
    struct plot_curve curve = {.series = &s, .label = "train", .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 4);
    erase();
    plot_draw((struct area){0, 0, 8, 40}, &p);
    assert_true(row_has(0, "loss") && row_has(7, "step") && row_has(3, "│"));
    erase();
    plot_draw((struct area){0, 0, 4, 40}, &p);
    assert_true(row_has(0, "loss") && screen_find(&screen, "step") < 0);
    erase();
    plot_draw((struct area){0, 0, 4, 20}, &p);
    assert_true(row_has(0, "loss") && screen_find(&screen, "│") < 0);
    erase();
    plot_draw((struct area){0, 0, 2, 40}, &p);
    assert_true(screen_find(&screen, "loss") < 0);
    assert_true(is_braille(screen_cell(1, 39)) || is_braille(screen_cell(0, 39)));
    series_close(&s);
}

// Highest and lowest row with a dot in a column of cells; false when there is none.
static bool dots_in(int column, int rows, int *top, int *bottom) {
    *top = -1;
    for (int row = 0; row < rows; row++) {
        if (!is_braille(screen_cell(row, column)))
            continue;
        *top = *top < 0 ? row : *top;
        *bottom = row;
    }
    return *top >= 0;
}

static void a_spike_of_a_long_run_is_seen(void **state) {
    (void)state;
    struct series s = {0};
    for (int i = 0; i <= 1000000; i++)
        series_add(&s, i, i == 250000 ? 10 : 1);
    struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN_RAW, .band = true};
    struct plot p = simple(&curve, 1000000);
    struct area area = {0, 0, 20, 100};
    erase();
    plot_draw(area, &p);
    struct area inner = plot_inner(area, &p);
    int spike = inner.x + inner.w / 4, top, bottom, seen = 0;
    for (int column = inner.x; column < inner.x + inner.w; column++) {
        assert_true(dots_in(column, inner.y + inner.h, &top, &bottom));
        bool high = top <= inner.y + 1;
        assert_true(!high || abs(column - spike) <= 1);
        seen += high;
    }
    assert_true(seen > 0);
    series_close(&s);
}

static void constant_curves_and_single_points_show(void **state) {
    (void)state;
    static const double values[] = {0, 1, -3, 1e30, 1e-30};
    for (int k = 0; k < 5; k++) {
        for (int count = 1; count <= 50; count += 49) {
            struct series s = {0};
            for (int i = 0; i < count; i++)
                series_add(&s, i, values[k]);
            struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
            struct plot p = simple(&curve, count - 1);
            struct area area = {0, 0, 12, 60};
            int top, bottom;
            erase();
            plot_draw(area, &p);
            struct area inner = plot_inner(area, &p);
            assert_true(dots_in(inner.x, inner.y + inner.h, &top, &bottom));
            assert_int_equal(top, bottom);
            assert_true(count == 1 ||
                        dots_in(inner.x + inner.w - 1, inner.y + inner.h, &top, &bottom));
            series_close(&s);
        }
    }
}

static void huge_ranges_stay_inside(void **state) {
    (void)state;
    struct series s = series_of((double[]){1e-38, 3e38, -3e38, 1, 0}, 5);
    struct plot_curve curve = {.series = &s, .label = "train", .style = STYLE_TRAIN, .band = true};
    struct plot p = simple(&curve, 4);
    for (int log = 0; log < 2; log++) {
        p.log = log;
        erase();
        plot_draw((struct area){0, 0, 12, 60}, &p);
        assert_true(screen_find(&screen, "e") >= 0);
    }
    series_close(&s);
}

static void gaps_stay_open(void **state) {
    (void)state;
    struct series s = {0};
    for (int i = 0; i <= 100; i++)
        series_add(&s, i, i > 40 && i < 60 ? NAN : 1);
    struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
    struct plot p = simple(&curve, 100);
    struct area area = {0, 0, 10, 60};
    int top, bottom;
    erase();
    plot_draw(area, &p);
    struct area inner = plot_inner(area, &p);
    for (int column = 0; column < inner.w; column++) {
        double share = column / (double)(inner.w - 1);
        bool dots = dots_in(inner.x + column, inner.y + inner.h, &top, &bottom);
        if (share < 0.38 || share > 0.62)
            assert_true(dots);
        if (share > 0.43 && share < 0.57)
            assert_false(dots);
    }
    series_close(&s);
}

static void lines_go_on_beyond_the_edges(void **state) {
    (void)state;
    struct series s = {0};
    series_add(&s, 0, 0);
    series_add(&s, 1000, 1);
    struct plot_curve curve = {.series = &s, .style = STYLE_VALIDATION, .points = true};
    struct plot p = simple(&curve, 600);
    p.from = 400;
    struct area area = {0, 0, 10, 60};
    erase();
    plot_draw(area, &p);
    struct area inner = plot_inner(area, &p);
    int first, last, bottom;
    assert_true(dots_in(inner.x, inner.y + inner.h, &first, &bottom));
    assert_true(dots_in(inner.x + inner.w - 1, inner.y + inner.h, &last, &bottom));
    assert_true(first > last);
    assert_true(screen_find(&screen, "0.5") > 0 && screen_find(&screen, "•") < 0);
    series_close(&s);
}

static void bands_are_behind_the_mean(void **state) {
    (void)state;
    struct series s = {0};
    for (int i = 0; i < 4000; i++)
        series_add(&s, i, i % 2);
    struct plot_curve curves[] = {{.series = &s, .style = STYLE_TRAIN_RAW, .band = true},
                                  {.series = &s, .style = STYLE_TRAIN}};
    struct plot p = simple(curves, 3999);
    p.curve_count = 2;
    struct area area = {0, 0, 12, 60};
    erase();
    plot_draw(area, &p);
    struct area inner = plot_inner(area, &p);
    for (int column = inner.x + 1; column < inner.x + inner.w - 1; column++) {
        int raw = 0, mean = 0;
        for (int row = inner.y; row < inner.y + inner.h; row++) {
            raw +=
                screen_styled(row, column, STYLE_TRAIN_RAW) && is_braille(screen_cell(row, column));
            mean += screen_styled(row, column, STYLE_TRAIN);
        }
        assert_int_equal(mean, 1);
        assert_true(raw >= inner.h - 2);
    }
    series_close(&s);
}

// The number behind a label of the legend.
static double legend_value(const char *label) {
    char line[4096];
    screen_row(&screen, 0, line, sizeof line);
    const char *at = strstr(line, label);
    assert_non_null(at);
    return strtod(at + strlen(label), NULL);
}

static void smoothing_is_bias_corrected(void **state) {
    (void)state;
    enum { COUNT = 50 };
    struct series s = {0};
    double sum = 0, weights = 0;
    for (int i = 0; i < COUNT; i++) {
        double value = 3 + i % 5 + 0.1 * i;
        series_add(&s, i, value);
        sum = 0.9 * sum + value; // the weighted mean by its definition
        weights = 0.9 * weights + 1;
    }
    struct plot_curve curve = {.series = &s, .label = "train", .style = STYLE_TRAIN, .smooth = 0.9};
    struct plot p = simple(&curve, COUNT - 1);
    erase();
    plot_draw((struct area){0, 0, 10, 80}, &p);
    assert_true(fabs(legend_value("train ") - sum / weights) < 0.001);
    p.cursor = 0; // the first value is itself
    plot_draw((struct area){0, 0, 10, 80}, &p);
    assert_true(fabs(legend_value("train ") - 3) < 1e-9);
    series_close(&s);
}

// Decimation must not change what a smoothed curve says.
static void smoothing_does_not_depend_on_buckets(void **state) {
    (void)state;
    struct series s = {0};
    double mean = 0;
    for (int i = 0; i < 60000; i++) {
        double value = i < 59000 ? 1 : 2;
        series_add(&s, i, value);
        mean = 0.999 * mean + 0.001 * value;
    }
    assert_true(s.stride >= 16);
    struct plot_curve curve = {
        .series = &s, .label = "train", .style = STYLE_TRAIN, .smooth = 0.999};
    struct plot p = simple(&curve, 59999);
    p.from = 59900;
    erase();
    plot_draw((struct area){0, 0, 10, 80}, &p);
    assert_true(fabs(legend_value("train ") - mean) < 0.02);
    series_close(&s);
}

// ---- Markers and cursor

static void markers_stand_at_their_steps(void **state) {
    (void)state;
    struct series s = {0};
    for (int i = 0; i <= 100; i++)
        series_add(&s, i, 0.2 + 0.001 * i);
    struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
    struct plot_marker markers[] = {{25, "thaw layer1", STYLE_EVENT},
                                    {30, "freeze fc", STYLE_EVENT},
                                    {75, "lr x0.5", STYLE_EVENT},
                                    {101, "too late", STYLE_EVENT}};
    struct plot p = simple(&curve, 100);
    p.markers = markers;
    p.marker_count = 4;
    struct area area = {0, 0, 14, 70};
    erase();
    plot_draw(area, &p);
    struct area inner = plot_inner(area, &p);
    for (int i = 0; i < 3; i++) {
        double column = inner.x + (double)markers[i].step / 100 * (inner.w - 1);
        int lines = 0;
        for (int row = inner.y; row < inner.y + inner.h; row++)
            lines +=
                screen_cell(row, (int)column) == L'┊' || screen_cell(row, (int)column + 1) == L'┊';
        assert_true(lines >= inner.h - 2);
        assert_true(screen_find(&screen, markers[i].label) > 0); // whole
    }
    assert_true(screen_find(&screen, "too late") < 0);
    series_close(&s);
}

static void labels_without_room_are_left_out(void **state) {
    (void)state;
    struct series s = series_of((double[]){0, 1}, 2);
    struct plot_curve curve = {.series = &s, .style = STYLE_TRAIN};
    struct plot_marker markers[40];
    for (int i = 0; i < 40; i++)
        markers[i] = (struct plot_marker){i, i % 2 ? "thaw abcdef" : "freeze xyz", STYLE_EVENT};
    struct plot p = simple(&curve, 39);
    p.markers = markers;
    p.marker_count = 40;
    erase();
    plot_draw((struct area){0, 0, 6, 60}, &p);
    int whole = 0;
    for (int row = 1; row < 5; row++) {
        char line[4096];
        screen_row(&screen, row, line, sizeof line);
        for (char *c = line; (c = strpbrk(c, "tf")); c++) {
            bool full = !strncmp(c, "thaw abcdef", 11) || !strncmp(c, "freeze xyz", 10);
            assert_true(full || !strncmp(c, "thaw ab…", 8) || !strncmp(c, "freeze …", 8) ||
                        (c > line && strchr("ereefw", c[-1])));
            whole += full;
        }
    }
    assert_true(whole > 0);
    series_close(&s);
}

static void the_cursor_reads_all_curves(void **state) {
    (void)state;
    struct series s = {0}, few = {0};
    for (int i = 0; i <= 100; i++)
        series_add(&s, i, i);
    series_add(&few, 50, 7.5);
    series_add(&few, 100, 8.5);
    struct plot_curve curves[] = {
        {.series = &few, .label = "validation", .style = STYLE_VALIDATION, .points = true},
        {.series = &s, .label = "train", .style = STYLE_TRAIN}};
    struct plot p = simple(curves, 100);
    p.curve_count = 2;
    p.cursor = 42;
    struct area area = {0, 0, 12, 80};
    erase();
    plot_draw(area, &p);
    assert_true(row_has(0, "at 42") && row_has(0, "━ train 42") && row_has(0, "• validation 7.5"));
    struct area inner = plot_inner(area, &p);
    int column = inner.x + 42 * inner.w / 100, lines = 0;
    for (int row = inner.y; row < inner.y + inner.h; row++)
        lines += screen_cell(row, column) == L'│';
    assert_true(lines >= inner.h - 3);
    plot_draw((struct area){0, 0, 12, 34}, &p); // labels give way to values
    assert_true(row_has(0, "━ 42") && row_has(0, "• 7.5"));
    series_close(&s);
    series_close(&few);
}

static void ascii_has_no_other_letters(void **state) {
    (void)state;
    struct theme_options plain = {.name = THEME_DARK, .ascii = true};
    struct series s = {0}, few = {0};
    for (int i = 0; i < 2000; i++)
        series_add(&s, i, 2 + sin(i * 0.01));
    series_add(&few, 100, 2.5);
    theme_use(&plain);
    for (int variant = 0; variant < 8; variant++) {
        erase();
        draw_rich((struct area){0, 0, 20, 90}, &s, &few, variant);
        for (int row = 0; row < ROWS; row++)
            for (int column = 0; column < COLUMNS; column++)
                assert_in_range(screen_cell(row, column), 32, 126);
    }
    theme_use(&theme);
    series_close(&s);
    series_close(&few);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_data_says_so),
        cmocka_unit_test(values_that_are_not_shown_are_no_missing_ones),
        cmocka_unit_test(nothing_leaves_the_area),
        cmocka_unit_test(small_areas_lose_axes_before_the_title),
        cmocka_unit_test(a_spike_of_a_long_run_is_seen),
        cmocka_unit_test(constant_curves_and_single_points_show),
        cmocka_unit_test(huge_ranges_stay_inside),
        cmocka_unit_test(gaps_stay_open),
        cmocka_unit_test(lines_go_on_beyond_the_edges),
        cmocka_unit_test(bands_are_behind_the_mean),
        cmocka_unit_test(smoothing_is_bias_corrected),
        cmocka_unit_test(smoothing_does_not_depend_on_buckets),
        cmocka_unit_test(markers_stand_at_their_steps),
        cmocka_unit_test(labels_without_room_are_left_out),
        cmocka_unit_test(the_cursor_reads_all_curves),
        cmocka_unit_test(ascii_has_no_other_letters),
    };
    return cmocka_run_group_tests(tests, open_screen, close_screen);
}
