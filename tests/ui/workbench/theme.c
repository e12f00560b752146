#include "ui/workbench/theme.h"

#include "screen.h"
#include "test.h"
#include <math.h>
#include <term.h>

static const struct theme_options dark = {.name = THEME_DARK, .colour = true};
static const struct theme_options light = {.name = THEME_LIGHT, .colour = true};
static const struct theme_options mono = {.name = THEME_DARK};

static struct screen open_on(const char *terminal, struct theme_options theme) {
    return screen_open_on(terminal, "C.UTF-8", 4, 8, theme);
}

static int foreground(enum style style) {
    int fore = -1, back = -1;
    if (theme_cell(style).pair)
        extended_pair_content(theme_cell(style).pair, &fore, &back);
    return fore;
}

static int background(enum style style) {
    int fore = -1, back = -1;
    if (theme_cell(style).pair)
        extended_pair_content(theme_cell(style).pair, &fore, &back);
    return back;
}

// xterm's palette: 16 + 36 r + 6 g + b with steps 0, 95, 135, ..., then greys; linear light.
static void linear_rgb(int colour, double out[3]) {
    static const double steps[] = {0, 95, 135, 175, 215, 255};
    assert_in_range(colour, 16, 255);
    for (int i = 0; i < 3; i++) {
        int place = (colour - 16) / (i == 0 ? 36 : i == 1 ? 6 : 1) % 6;
        double value = (colour >= 232 ? 8 + 10 * (colour - 232) : steps[place]) / 255;
        out[i] = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
    }
}

// WCAG 2.1, "relative luminance" and "contrast ratio".
static double luminance(int colour) {
    double rgb[3];
    linear_rgb(colour, rgb);
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

static double contrast(double a, double b) {
    return (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);
}

static void looks_differ(enum style a, enum style b) {
    struct theme_cell one = theme_cell(a), two = theme_cell(b);
    if (one.attributes == two.attributes && foreground(a) == foreground(b) &&
        background(a) == background(b))
        fail_msg("styles %d and %d look the same", a, b);
}

static void check_states_differ(void) {
    static const enum style states[] = {STYLE_NORMAL, STYLE_CURSOR, STYLE_SELECTED, STYLE_PENDING,
                                        STYLE_ERROR};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            looks_differ(states[i], states[k]);
}

static void check_curves_differ(void) {
    static const enum style curves[] = {STYLE_TRAIN, STYLE_TRAIN_RAW, STYLE_VALIDATION,
                                        STYLE_OTHER, STYLE_OTHER2,    STYLE_OTHER3};
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < i; k++)
            looks_differ(curves[i], curves[k]);
}

static void eight_colours(void **state) {
    (void)state;
    for (int name = THEME_DARK; name <= THEME_PROJECTOR; name++) {
        for (int blind = 0; blind < 2; blind++) {
            struct theme_options options = {(enum theme_name)name, true, false, blind};
            struct screen s = open_on("xterm", options);
            assert_int_equal(COLORS, 8);
            for (int i = 0; i < STYLE_COUNT; i++) {
                assert_in_range(foreground((enum style)i) + 1, 0, 8);
                assert_in_range(background((enum style)i) + 1, 0, 8);
            }
            check_states_differ();
            check_curves_differ();
            assert_false(theme_heat_colours());
            screen_close(&s);
        }
    }
}

static void no_colours(void **state) {
    (void)state;
    static const char *const terminals[] = {"vt100", "xterm-256color"};
    for (int i = 0; i < 2; i++) { // no colours there; none wanted (NO_COLOR)
        struct screen s = open_on(terminals[i], i == 0 ? dark : mono);
        for (int k = 0; k < STYLE_COUNT; k++)
            assert_int_equal(theme_cell((enum style)k).pair, 0);
        check_states_differ();
        looks_differ(STYLE_STRONG, STYLE_NORMAL);
        looks_differ(STYLE_DIM, STYLE_NORMAL);
        looks_differ(STYLE_FROZEN, STYLE_THAWED);
        assert_false(theme_heat_colours());
        screen_close(&s);
    }
}

// What NO_COLOR promises: not one colour sequence reaches the terminal.
static void no_colour_sequences_without_colours(void **state) {
    (void)state;
    struct screen s = open_on("xterm-256color", mono);
    FILE *kept = tmpfile();
    SCREEN *second = newterm("xterm-256color", kept, s.in);
    theme_use(&mono);
    for (int i = 0; i < STYLE_COUNT; i++) {
        struct theme_cell look = theme_cell((enum style)i);
        attr_set((attr_t)look.attributes, look.pair, NULL);
        mvaddch(i % 4, i / 4, 'a');
    }
    refresh();
    endwin();
    delscreen(second);
    char bytes[8192];
    rewind(kept);
    bytes[fread(bytes, 1, sizeof bytes - 1, kept)] = 0;
    fclose(kept);
    for (const char *c = bytes; (c = strstr(c, "\033[")); c++) { // numbers up to an 'm'
        const char *end = c + 2 + strspn(c + 2, "0123456789;");
        for (const char *n = c + 2; *end == 'm' && n < end; n += strcspn(n, ";m") + 1)
            assert_true(atoi(n) < 30); // 30 and up are colours
    }
    assert_non_null(strstr(bytes, "1m")); // bold
    screen_close(&s);
}

static void check_contrast(const struct theme_options *options, double behind) {
    struct screen s = open_on("xterm-256color", *options);
    assert_int_equal(COLORS, 256);
    for (int i = 0; i < STYLE_HEAT0; i++) {
        enum style style = (enum style)i;
        int fore = foreground(style), back = background(style);
        double least = style == STYLE_TRAIN_RAW ? 1.5 : style == STYLE_AXIS ? 3 : 3.5;
        double ground = back < 0 ? behind : luminance(back);
        if (fore >= 0 && contrast(luminance(fore), ground) < least)
            fail_msg("style %d: contrast %g", i, contrast(luminance(fore), ground));
    }
    check_states_differ();
    check_curves_differ();
    screen_close(&s);
}

static void colours_stand_out_from_the_background(void **state) {
    (void)state;
    for (int blind = 0; blind < 2; blind++) {
        struct theme_options on_dark = dark, on_light = light;
        on_dark.colour_blind = on_light.colour_blind = blind;
        check_contrast(&on_dark, luminance(234)); // also where black is dark grey
        check_contrast(&on_light, 1);
    }
}

static void heat_runs_from_cold_to_hot(void **state) {
    (void)state;
    for (int on_light = 0; on_light < 2; on_light++) {
        struct screen s = open_on("xterm-256color", on_light ? light : dark);
        assert_true(theme_heat_colours());
        for (int i = 1; i < 8; i++) {
            double before = luminance(foreground((enum style)(STYLE_HEAT0 + i - 1)));
            double after = luminance(foreground((enum style)(STYLE_HEAT0 + i)));
            if (on_light ? contrast(before, after) < 1.2 || after > before
                         : contrast(before, after) < 1.2 || after < before)
                fail_msg("%s: step %d: %g after %g", on_light ? "light" : "dark", i, after, before);
        }
        screen_close(&s);
    }
}

// Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color
// vision deficiency", severity 1, in linear light.
static const double protanopia[3][3] = {{0.152286, 1.052583, -0.204868},
                                        {0.114503, 0.786281, 0.099216},
                                        {-0.003882, -0.048116, 1.051998}};
static const double deuteranopia[3][3] = {{0.367322, 0.860646, -0.227968},
                                          {0.280085, 0.672501, 0.047413},
                                          {-0.011820, 0.042940, 0.968881}};

static void seen(const double matrix[3][3], int colour, double out[3]) {
    double rgb[3];
    linear_rgb(colour, rgb);
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum += matrix[i][k] * rgb[k];
        out[i] = 255 * pow(fmin(fmax(sum, 0), 1), 1 / 2.2);
    }
}

static double apart(const double matrix[3][3], int a, int b) {
    double one[3], two[3], sum = 0;
    seen(matrix, a, one);
    seen(matrix, b, two);
    for (int i = 0; i < 3; i++)
        sum += (one[i] - two[i]) * (one[i] - two[i]);
    return sqrt(sum);
}

static void colour_blind_eyes_tell_the_curves_apart(void **state) {
    (void)state;
    static const enum style pairs[][2] = {
        {STYLE_TRAIN, STYLE_VALIDATION}, {STYLE_TRAIN, STYLE_OTHER},
        {STYLE_TRAIN, STYLE_OTHER2},     {STYLE_TRAIN, STYLE_OTHER3},
        {STYLE_VALIDATION, STYLE_OTHER}, {STYLE_VALIDATION, STYLE_OTHER2},
        {STYLE_TRAIN, STYLE_TRAIN_RAW},  {STYLE_FROZEN, STYLE_THAWED},
        {STYLE_GOOD, STYLE_ERROR}, // these two only with colour_blind
    };
    for (int on_light = 0; on_light < 2; on_light++) {
        struct theme_options options = on_light ? light : dark;
        options.colour_blind = true;
        struct screen s = open_on("xterm-256color", options);
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
            int a = foreground(pairs[i][0]), b = foreground(pairs[i][1]);
            double least = fmin(apart(protanopia, a, b), apart(deuteranopia, a, b));
            if (least < 40)
                fail_msg("%s: styles %d and %d are %g apart", on_light ? "light" : "dark",
                         pairs[i][0], pairs[i][1], least);
        }
        screen_close(&s);
    }
}

static void the_background_is_looked_up(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool light;
    } cases[] = {{NULL, false},       {"15;0", false}, {"0;15", true}, {"0;default;15", true},
                 {"15;8", false},     {"0;7", true},   {"7;0", false}, {"12;default", false},
                 {"nonsense", false}, {"", false},     {"15;", false}};
    struct screen s = open_on("xterm-256color", light);
    int on_light = foreground(STYLE_TRAIN);
    theme_use(&dark);
    int on_dark = foreground(STYLE_TRAIN);
    assert_int_not_equal(on_light, on_dark);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].text)
            setenv("COLORFGBG", cases[i].text, 1);
        else
            unsetenv("COLORFGBG");
        theme_use(&(struct theme_options){.name = THEME_AUTO, .colour = true});
        assert_int_equal(foreground(STYLE_TRAIN), cases[i].light ? on_light : on_dark);
    }
    unsetenv("COLORFGBG");
    screen_close(&s);
}

static void the_projector_is_bold_and_has_no_grey(void **state) {
    (void)state;
    const struct theme_options options = {.name = THEME_PROJECTOR, .colour = true};
    static const char *const terminals[] = {"xterm-256color", "xterm", "vt100"};
    for (int t = 0; t < 3; t++) {
        struct screen s = open_on(terminals[t], options);
        for (int i = 0; i < STYLE_COUNT; i++) {
            struct theme_cell look = theme_cell((enum style)i);
            assert_true(look.attributes & A_BOLD);
            assert_false(look.attributes & A_DIM);
            assert_true(foreground((enum style)i) < 232);
            assert_true(background((enum style)i) < 232);
        }
        assert_true(theme_cell(STYLE_CURSOR).attributes & A_REVERSE);
        screen_close(&s);
    }
}

static void direct_colours(void **state) {
    (void)state;
    int found;
    if (setupterm("xterm-direct", 1, &found) == ERR) {
        print_message("no terminfo of xterm-direct here\n");
        skip();
    }
    del_curterm(cur_term);
    struct screen s = open_on("xterm-256color", dark);
    int palette[STYLE_COUNT];
    for (int i = 0; i < STYLE_COUNT; i++)
        palette[i] = foreground((enum style)i);
    screen_close(&s);
    s = open_on("xterm-direct", dark);
    assert_true(COLORS > 256);
    for (int i = 0; i < STYLE_COUNT; i++) {
        int rgb = foreground((enum style)i);
        if (palette[i] < 16) {
            assert_int_equal(rgb, palette[i]);
            continue;
        }
        double expected[3];
        linear_rgb(palette[i], expected);
        for (int k = 0; k < 3; k++) {
            double value = (rgb >> (16 - 8 * k) & 255) / 255.;
            double found_value =
                value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
            assert_true(fabs(found_value - expected[k]) < 1e-3);
        }
        assert_true(rgb >= 256); // below are palettes of some terminals
    }
    screen_close(&s);
}

static void ascii_by_wish_or_by_locale(void **state) {
    (void)state;
    struct theme_options options = dark;
    struct screen s = open_on("xterm-256color", options);
    assert_false(theme_ascii());
    assert_int_equal(theme_now()->name, THEME_DARK);
    options.ascii = true;
    theme_use(&options);
    assert_true(theme_ascii());
    options.ascii = false;
    theme_use(&options);
    setlocale(LC_ALL, "C");
    assert_true(theme_ascii());
    screen_close(&s);
    s = open_on("linux", dark); // its font has no other marks
    assert_true(theme_ascii());
    screen_close(&s);
    s = open_on("xterm-256color", dark);
    assert_false(theme_ascii());
    screen_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_colours),
        cmocka_unit_test(no_colours),
        cmocka_unit_test(no_colour_sequences_without_colours),
        cmocka_unit_test(colours_stand_out_from_the_background),
        cmocka_unit_test(heat_runs_from_cold_to_hot),
        cmocka_unit_test(colour_blind_eyes_tell_the_curves_apart),
        cmocka_unit_test(the_background_is_looked_up),
        cmocka_unit_test(the_projector_is_bold_and_has_no_grey),
        cmocka_unit_test(direct_colours),
        cmocka_unit_test(ascii_by_wish_or_by_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
