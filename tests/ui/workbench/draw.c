#include "ui/workbench/draw.h"

#include "screen.h"
#include "test.h"
#include "ui/workbench/draw_parts.h"
#include <math.h>
#include <wchar.h>

static const struct theme_options colours = {.name = THEME_DARK, .colour = true};
static const struct theme_options ascii = {.name = THEME_DARK, .colour = true, .ascii = true};

static void expect_row(const struct screen *s, int row, const char *text) {
    char found[4096];
    screen_row(s, row, found, sizeof found);
    assert_string_equal(found, text);
}

static struct area whole(const struct screen *s) {
    return (struct area){0, 0, s->rows, s->columns};
}

static void text_is_cut_by_columns(void **state) {
    (void)state;
    struct screen s = screen_open(10, 20, colours);
    struct area area = {1, 2, 8, 10};
    assert_int_equal(draw_text(area, 0, 0, 0, STYLE_NORMAL, "short"), 5);
    assert_int_equal(draw_text(area, 1, 0, 0, STYLE_NORMAL, "much longer than ten"), 10);
    assert_int_equal(draw_text(area, 2, 0, 6, STYLE_NORMAL, "exactly"), 6);
    assert_int_equal(draw_text(area, 3, 0, 7, STYLE_NORMAL, "exactly"), 7);
    assert_int_equal(draw_text(area, 4, 6, 99, STYLE_NORMAL, "at the edge"), 4);
    assert_int_equal(draw_text(area, 5, 0, 1, STYLE_NORMAL, "one"), 1);
    assert_int_equal(draw_text(area, 6, 10, 0, STYLE_NORMAL, "out"), 0);
    draw_text(area, 8, 0, 0, STYLE_NORMAL, "below");
    draw_text(area, -1, 0, 0, STYLE_NORMAL, "above");
    assert_int_equal(draw_text(area, 7, -3, 0, STYLE_NORMAL, "left out"), 8);
    static const char *const rows[] = {
        "",    "  short", "  much longe", "  exact…", "  exactly", "        at …",
        "  …", "",        "  t out",      ""};
    for (int i = 0; i < 10; i++)
        expect_row(&s, i, rows[i]);
    screen_close(&s);
}

static void wide_characters_are_never_halved(void **state) {
    (void)state;
    struct screen s = screen_open(6, 12, colours);
    struct area area = {0, 1, 6, 5};
    for (int row = 0; row < 6; row++)
        mvaddstr(row, 0, "............");
    assert_int_equal(draw_width("日本語"), 6);
    assert_int_equal(draw_text(area, 0, 0, 0, STYLE_NORMAL, "日本語"), 4);
    assert_int_equal(draw_text(area, 1, 0, 5, STYLE_NORMAL, "日本語"), 5); // 日本…
    assert_int_equal(draw_text(area, 2, 0, 4, STYLE_NORMAL, "日本語"), 3); // 日…
    assert_int_equal(draw_text(area, 3, -1, 0, STYLE_NORMAL, "日本"), 4);
    assert_int_equal(draw_text(area, 4, 4, 0, STYLE_NORMAL, "日"), 0);
    static const wchar_t expected[5][9] = {L".日日本本...", L".日日本本…..", L".日日…....",
                                           L". 本本....", L"........"};
    for (int row = 0; row < 5; row++)
        for (int column = 0; expected[row][column]; column++)
            assert_int_equal(screen_cell(row, column), expected[row][column]);
    draw_text(area, 0, 1, 0, STYLE_NORMAL, "x"); // over the second half of a wide character
    assert_int_equal(screen_cell(0, 1), L' ');
    assert_int_equal(screen_cell(0, 2), L'x');
    assert_int_equal(screen_cell(0, 3), L'本');
    screen_close(&s);
}

static void combining_marks_stay_with_their_letter(void **state) {
    (void)state;
    struct screen s = screen_open(3, 20, colours);
    const char *text = "e\xcc\x81\xcc\xa3x"; // e, acute, dot below, x
    assert_int_equal(draw_width(text), 2);
    assert_int_equal(draw_text(whole(&s), 0, 0, 0, STYLE_NORMAL, text), 2);
    cchar_t cell;
    wchar_t found[CCHARW_MAX + 1] = {0};
    attr_t attributes;
    short pair;
    mvin_wch(0, 0, &cell);
    getcchar(&cell, found, &attributes, &pair, NULL);
    assert_int_equal(wcslen(found), 3);
    assert_int_equal(found[1], 0x301);
    assert_int_equal(found[2], 0x323);
    assert_int_equal(screen_cell(0, 1), L'x');
    char many[64] = "a"; // more marks than a cell holds
    for (int i = 0; i < 20; i++)
        strcat(many, "\xcc\x81");
    strcat(many, "b");
    assert_int_equal(draw_text(whole(&s), 1, 0, 0, STYLE_NORMAL, many), 2);
    assert_int_equal(screen_cell(1, 1), L'b');
    assert_int_equal(draw_text(whole(&s), 2, 0, 0, STYLE_NORMAL, "\xcc\x81z"), 1); // on nothing
    assert_int_equal(screen_cell(2, 0), L'z');
    screen_close(&s);
}

static void what_is_no_text_is_a_question_mark(void **state) {
    (void)state;
    struct screen s = screen_open(4, 30, colours);
    draw_text(whole(&s), 0, 0, 0, STYLE_NORMAL, "a\x1b[31mb\tc\nd\x7f");
    draw_text(whole(&s), 1, 0, 0, STYLE_NORMAL, "x\xff\xc3y\xe6\x97z\xc2\x9b");
    // Characters that turn the direction of text or join others are left out.
    draw_text(whole(&s), 2, 0, 0, STYLE_NORMAL, "l\xe2\x80\xaer\xe2\x80\x8dl\xef\xb8\x8fr");
    draw_text(whole(&s), 3, 0, 0, STYLE_NORMAL, "\xcd\xb8."); // U+0378 has no meaning
    expect_row(&s, 0, "a?[31mb?c?d?");
    expect_row(&s, 1, "x??y??z?");
    expect_row(&s, 2, "lrlr");
    expect_row(&s, 3, "?.");
    screen_close(&s);
}

static void paragraphs_are_wrapped(void **state) {
    (void)state;
    struct screen s = screen_open(6, 30, (struct theme_options){0});
    struct area area = {1, 2, 4, 9};
    assert_int_equal(draw_paragraph(area, 0, STYLE_NORMAL, "  one two\n\tthree four  "), 3);
    expect_row(&s, 1, "  one two");
    expect_row(&s, 2, "  three");
    expect_row(&s, 3, "  four");
    draw_clear(area);
    // A word that is too wide goes on in the next line; characters of two columns stay whole.
    assert_int_equal(draw_paragraph(area, 0, STYLE_NORMAL, "an abcdefghijk 北京大学北京"), 4);
    expect_row(&s, 1, "  an");
    expect_row(&s, 2, "  abcdefghi");
    expect_row(&s, 3, "  jk");
    static const wchar_t last[] = L"北北京京大大学学…";
    for (int i = 0; i < 9; i++)
        assert_int_equal(screen_cell(4, 2 + i), last[i]);
    draw_clear(area);
    assert_int_equal(draw_paragraph(area, 3, STYLE_NORMAL, "abcdefghijk"), 1);
    expect_row(&s, 4, "  abcdefgh…");
    assert_int_equal(draw_paragraph(area, 4, STYLE_NORMAL, "a"), 0);
    assert_int_equal(draw_paragraph(area, 0, STYLE_NORMAL, " \n "), 0);
    screen_close(&s);
}

// Whatever its width, all of a text comes, in order, and no more than the area has room for.
static void paragraphs_lose_nothing(void **state) {
    (void)state;
    struct screen s = screen_open(200, 40, (struct theme_options){0});
    enum { SIZE = 2000 };
    char text[SIZE + 1] = {0};
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)(i % 61 == 60 ? ' ' : 'a' + i % 26);
    for (int width = 12; width < 40; width++) {
        struct area area = {0, 0, 200, width};
        char row[256], all[2 * SIZE] = "";
        draw_clear((struct area){0, 0, 200, 40});
        int rows = draw_paragraph(area, 0, STYLE_NORMAL, text);
        for (int i = 0; i < rows; i++) {
            screen_row(&s, i, row, sizeof row);
            assert_true(*row && (int)strlen(row) <= width);
            strcat(all, row);
        }
        const char *at = all;
        for (int i = 0; i < SIZE; i++)
            if (text[i] != ' ') {
                at += *at == ' ';
                assert_int_equal(*at++, text[i]);
            }
        assert_int_equal(*at, 0);
    }
    screen_close(&s);
}

// A million letters in a row, of which only what is in sight costs time.
static void paragraphs_end_with_the_area(void **state) {
    (void)state;
    enum { SIZE = 1000000 };
    struct screen s = screen_open(6, 30, (struct theme_options){0});
    char *text = malloc(SIZE + 1);
    memset(text, 'a', SIZE);
    text[SIZE] = '\0';
    assert_int_equal(draw_paragraph((struct area){0, 0, 6, 30}, 0, STYLE_NORMAL, text), 6);
    expect_row(&s, 5, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa…");
    free(text);
    assert_int_equal(draw_paragraph((struct area){0, 0, 6, 1}, 0, STYLE_NORMAL, "北京"), 1);
    assert_int_equal(draw_paragraph((struct area){0, 0, 6, 0}, 0, STYLE_NORMAL, "a"), 0);
    screen_close(&s);
}

static void formats_and_right_alignment(void **state) {
    (void)state;
    struct screen s = screen_open(5, 12, colours);
    assert_int_equal(draw_format(whole(&s), 0, 1, STYLE_STRONG, "%d of %s", 3, "5"), 6);
    assert_true(screen_styled(0, 1, STYLE_STRONG));
    assert_true(screen_styled(0, 7, STYLE_NORMAL));
    assert_int_equal(draw_right(whole(&s), 1, 2, 8, STYLE_NORMAL, "±7"), 2);
    draw_right(whole(&s), 2, 2, 8, STYLE_NORMAL, "too long for it");
    draw_right(whole(&s), 3, 2, 8, STYLE_NORMAL, "8 wide 8");
    expect_row(&s, 0, " 3 of 5");
    expect_row(&s, 1, "        ±7");
    expect_row(&s, 2, "  too lon…");
    expect_row(&s, 3, "  8 wide 8");
    screen_close(&s);
}

static void clearing_and_restyling(void **state) {
    (void)state;
    struct screen s = screen_open(4, 10, colours);
    for (int row = 0; row < 4; row++)
        draw_text(whole(&s), row, 0, 0, STYLE_ERROR, "##########");
    draw_clear((struct area){1, 2, 2, 5});
    expect_row(&s, 0, "##########");
    expect_row(&s, 1, "##     ###");
    expect_row(&s, 2, "##     ###");
    expect_row(&s, 3, "##########");
    assert_true(screen_styled(1, 2, STYLE_NORMAL));
    draw_restyle((struct area){0, 1, 4, 6}, 3, -2, 5, STYLE_CURSOR);
    draw_restyle((struct area){0, 1, 4, 6}, 3, 4, 50, STYLE_SELECTED);
    expect_row(&s, 3, "##########");
    static const enum style styles[] = {STYLE_ERROR, STYLE_CURSOR,   STYLE_CURSOR,   STYLE_CURSOR,
                                        STYLE_ERROR, STYLE_SELECTED, STYLE_SELECTED, STYLE_ERROR};
    for (int column = 0; column < 8; column++)
        assert_true(screen_styled(3, column, styles[column]));
    screen_close(&s);
}

static void boxes_and_rules(void **state) {
    (void)state;
    struct screen s = screen_open(6, 14, colours);
    draw_box((struct area){0, 0, 3, 14}, STYLE_AXIS, "loss and more");
    draw_rule((struct area){0, 1, 6, 12}, 3, "cut", STYLE_AXIS);
    draw_rule((struct area){0, 1, 6, 4}, 4, "cut", STYLE_AXIS);
    draw_box((struct area){5, 0, 1, 14}, STYLE_AXIS, "no room");
    expect_row(&s, 0, "┌─ loss an… ─┐");
    expect_row(&s, 1, "│            │");
    expect_row(&s, 2, "└────────────┘");
    expect_row(&s, 3, " ── cut ─────");
    expect_row(&s, 4, " ────");
    expect_row(&s, 5, "");
    theme_use(&ascii);
    draw_box((struct area){0, 0, 3, 14}, STYLE_AXIS, "loss and more");
    expect_row(&s, 0, "+- loss an~ -+");
    expect_row(&s, 1, "|            |");
    expect_row(&s, 2, "+------------+");
    screen_close(&s);
}

static void symbols_differ_and_take_one_column(void **state) {
    (void)state;
    struct screen s = screen_open(2, 10, colours);
    const char *fancy[SYMBOL_COUNT];
    for (int i = 0; i < SYMBOL_COUNT; i++) {
        fancy[i] = draw_symbol((enum symbol)i);
        assert_int_equal(draw_width(fancy[i]), 1);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(fancy[i], fancy[k]);
    }
    theme_use(&ascii);
    for (int i = 0; i < SYMBOL_COUNT; i++) {
        const char *plain = draw_symbol((enum symbol)i);
        draw_clear(whole(&s));
        draw_text(whole(&s), 0, 0, 0, STYLE_NORMAL, fancy[i]); // a symbol kept from before
        expect_row(&s, 0, plain);
        for (const char *c = plain; *c; c++)
            assert_in_range(*c, '!', '~');
        for (int k = 0; k < i; k++)
            assert_string_not_equal(plain, draw_symbol((enum symbol)k));
    }
    screen_close(&s);
}

static void ascii_has_stand_ins(void **state) {
    (void)state;
    struct screen s = screen_open(5, 40, ascii);
    assert_int_equal(draw_width("0.5 ± 0.1…"), 11);
    draw_text(whole(&s), 0, 0, 0, STYLE_NORMAL, "0.5 ± 0.1… 3×3 → “Zoë” — 20 °C");
    draw_text(whole(&s), 1, 0, 0, STYLE_NORMAL, "a\xcc\x81 日本 Ж ▁▂▃▄▅▆▇█ ⣿⠀⠁ ╔═╗ ╱");
    draw_text(whole(&s), 2, 0, 6, STYLE_NORMAL, "1234 ± 5"); // not half of a stand-in
    draw_text(whole(&s), 3, 0, 8, STYLE_NORMAL, "abcdefghi");
    expect_row(&s, 0, "0.5 +- 0.1~ 3x3 -> \"Zoe\" - 20 degC");
    expect_row(&s, 1, "a ?? ? _.:-=+*# * * +-+ /");
    expect_row(&s, 2, "1234 ~");
    expect_row(&s, 3, "abcdefg~");
    screen_close(&s);
}

static void every_stand_in_is_ascii(void **state) {
    (void)state;
    for (uint32_t c = 0xa0; c <= 0x10ffff; c++) {
        char text[4];
        int count = draw_stand_in(c, text);
        assert_int_equal(strlen(text), count);
        for (int i = 0; i < count; i++)
            if (text[i] < ' ' || text[i] > '~')
                fail_msg("U+%04X: \\x%02x", c, (unsigned char)text[i]);
    }
}

// In a locale that is not UTF-8 nothing beyond ASCII leaves for the terminal.
static void no_mojibake_in_the_c_locale(void **state) {
    (void)state;
    struct screen s = screen_open_on("xterm-256color", "C", 8, 40, colours);
    fclose(s.out);
    FILE *kept = tmpfile();
    SCREEN *second = newterm("xterm-256color", kept, s.in);
    assert_non_null(second);
    theme_use(&colours);
    assert_true(theme_ascii());
    draw_box((struct area){0, 0, 8, 40}, STYLE_FROZEN, "Größe 日本 ± …");
    draw_text(whole(&s), 1, 1, 0, STYLE_NORMAL, "Größe 日本 ± …\xff");
    draw_spark(whole(&s), 2, 1, 4, STYLE_NORMAL, (float[]){1, 2, 3, 4}, 4);
    draw_bar(whole(&s), 3, 1, 10, 0.33, STYLE_NORMAL);
    for (int i = 0; i < SYMBOL_COUNT; i++)
        draw_text(whole(&s), 4, 1 + 2 * i, 0, STYLE_NORMAL, draw_symbol((enum symbol)i));
    struct raster r = raster_open((struct area){5, 1, 2, 38}, RASTER_BRAILLE);
    raster_line(&r, 0, 0, 70, 7, STYLE_TRAIN);
    raster_draw(&r);
    raster_close(&r);
    refresh();
    long bytes = 0;
    rewind(kept);
    for (int c; (c = fgetc(kept)) != EOF; bytes++)
        assert_true(c < 0x80);
    assert_true(bytes > 300);
    expect_row(&s, 1, "|Grose ?? +- ~?                        |");
    endwin();
    delscreen(second);
    delscreen(s.curses);
    fclose(kept);
    fclose(s.in);
}

static void sparklines(void **state) {
    (void)state;
    struct screen s = screen_open(7, 12, colours);
    struct area area = whole(&s);
    mvaddstr(0, 0, "............");
    draw_spark(area, 0, 1, 8, STYLE_TRAIN, (float[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
    draw_spark(area, 1, 0, 8, STYLE_TRAIN, (float[]){2, NAN, 4, INFINITY, 3}, 5);
    draw_spark(area, 2, 0, 3, STYLE_TRAIN, (float[]){900, 1, 2, 3}, 4); // the newest three
    draw_spark(area, 3, 0, 3, STYLE_TRAIN, (float[]){5, 5, 5}, 3);
    draw_spark(area, 4, 0, 3, STYLE_TRAIN, (float[]){NAN, NAN, NAN}, 3);
    draw_spark(area, 5, 0, 3, STYLE_TRAIN, NULL, 0);
    draw_spark(area, 6, 0, 2, STYLE_TRAIN, (float[]){-3e38f, 3e38f}, 2);
    expect_row(&s, 0, ".▁▂▃▄▅▆▇█...");
    expect_row(&s, 1, "   ▁ █ ▅");
    expect_row(&s, 2, "▁▅█");
    expect_row(&s, 3, "▅▅▅");
    expect_row(&s, 4, "");
    expect_row(&s, 5, "");
    expect_row(&s, 6, "▁█");
    assert_true(screen_styled(0, 1, STYLE_TRAIN));
    theme_use(&ascii);
    draw_spark(area, 0, 1, 8, STYLE_TRAIN, (float[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
    expect_row(&s, 0, "._.:-=+*#...");
    screen_close(&s);
}

static void bars(void **state) {
    (void)state;
    static const struct {
        double share;
        const char *fancy, *plain;
    } cases[] = {
        {0, "|    |", "|    |"},    {0.001, "|▏   |", "||   |"},
        {0.5, "|██  |", "|##  |"},  {0.25 + 3. / 32, "|█▍  |", "|#|  |"},
        {0.97, "|███▉|", "|####|"}, {1, "|████|", "|####|"},
        {7, "|████|", "|####|"},    {-1, "|    |", "|    |"},
        {NAN, "|    |", "|    |"},
    };
    struct screen s = screen_open(1, 6, colours);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int plain = 0; plain < 2; plain++) {
            theme_use(plain ? &ascii : &colours);
            mvaddstr(0, 0, "|....|");
            draw_bar(whole(&s), 0, 1, 4, cases[i].share, STYLE_TRAIN);
            expect_row(&s, 0, plain ? cases[i].plain : cases[i].fancy);
        }
    }
    screen_close(&s);
}

static void heat_marks_differ_without_colours(void **state) {
    (void)state;
    const struct theme_options plain = {.colour = false}, plain_ascii = {.ascii = true};
    struct screen s = screen_open(1, 8, plain);
    for (int pass = 0; pass < 2; pass++) {
        theme_use(pass ? &plain_ascii : &plain);
        for (int i = 0; i < 8; i++) {
            assert_int_equal(draw_width(draw_heat(i)), 1);
            for (int k = 0; k < i; k++)
                assert_string_not_equal(draw_heat(i), draw_heat(k));
        }
        assert_string_equal(draw_heat(-5), draw_heat(0));
        assert_string_equal(draw_heat(99), draw_heat(7));
    }
    theme_use(&colours);
    assert_string_equal(draw_heat(0), "█"); // here the colours differ: see the theme's test
    screen_close(&s);
}

// Whatever the screen's size and wherever the area lies: no crash, and nothing outside the area.
static void nothing_is_drawn_outside(void **state) {
    (void)state;
    static const struct area areas[] = {{0, 0, 1, 1},   {2, 3, 4, 5},   {0, 0, 50, 200},
                                        {3, 3, 0, 0},   {9, 70, 5, 30}, {1, 1, 1, 9},
                                        {30, 90, 3, 3}, {2, 2, 6, 2}};
    static const int sizes[][2] = {{1, 1}, {2, 3}, {10, 80}, {60, 200}};
    for (int size = 0; size < 4; size++) {
        struct screen s = screen_open(sizes[size][0], sizes[size][1], colours);
        for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
            struct area a = areas[i];
            erase();
            for (int row = -2; row < a.h + 2; row++) {
                draw_text(a, row, -3, 0, STYLE_ERROR, "日本語日本語 and a lot more of it");
                draw_right(a, row, 1, 40, STYLE_ERROR, "right");
                draw_spark(a, row, -1, 60, STYLE_ERROR, (float[]){1, 2, 3}, 3);
                draw_bar(a, row, -5, 300, 1, STYLE_ERROR);
                draw_restyle(a, row, -5, 300, STYLE_CURSOR);
                draw_rule(a, row, "label", STYLE_ERROR);
            }
            draw_box(a, STYLE_ERROR, "title");
            for (int y = 0; y < s.rows; y++)
                for (int x = 0; x < s.columns; x++)
                    if (y < a.y || y >= a.y + a.h || x < a.x || x >= a.x + a.w)
                        assert_int_equal(screen_cell(y, x), L' ');
        }
        screen_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_by_columns),
        cmocka_unit_test(wide_characters_are_never_halved),
        cmocka_unit_test(combining_marks_stay_with_their_letter),
        cmocka_unit_test(what_is_no_text_is_a_question_mark),
        cmocka_unit_test(paragraphs_are_wrapped),
        cmocka_unit_test(paragraphs_lose_nothing),
        cmocka_unit_test(paragraphs_end_with_the_area),
        cmocka_unit_test(formats_and_right_alignment),
        cmocka_unit_test(clearing_and_restyling),
        cmocka_unit_test(boxes_and_rules),
        cmocka_unit_test(symbols_differ_and_take_one_column),
        cmocka_unit_test(ascii_has_stand_ins),
        cmocka_unit_test(every_stand_in_is_ascii),
        cmocka_unit_test(no_mojibake_in_the_c_locale),
        cmocka_unit_test(sparklines),
        cmocka_unit_test(bars),
        cmocka_unit_test(heat_marks_differ_without_colours),
        cmocka_unit_test(nothing_is_drawn_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
