#include "ui/workbench/draw.h"

#include "ui/report/utf8.h"
#include "ui/workbench/draw_parts.h"
#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

// What is drawn or left out as a whole: a character with the marks that combine with it, or, in
// ASCII mode, its stand-in, whose letters take a column each.
struct cluster {
    wchar_t text[CCHARW_MAX + 1];
    int columns;
    bool apart; // the letters take a cell each
};

static void put(int y, int x, enum style style, const wchar_t *text) {
    struct theme_cell look = theme_cell(style);
    cchar_t cell;
    if (setcchar(&cell, text, look.attributes, look.pair, NULL) != ERR)
        mvadd_wchnstr(y, x, &cell, 1);
}

static bool within(struct area area, int row, int column) {
    return row >= 0 && row < area.h && column >= 0 && column < area.w;
}

static void put_cluster(struct area area, int row, int column, enum style style,
                        const struct cluster *c) {
    int y = area.y + row, x = area.x + column;
    if (!c->apart && c->columns > 0 && within(area, row, column) &&
        within(area, row, column + c->columns - 1)) {
        put(y, x, style, c->text);
        return;
    }
    for (int i = 0; i < c->columns; i++) { // half of a wide character is a blank
        wchar_t one[] = {c->apart ? c->text[i] : L' ', 0};
        if (within(area, row, column + i))
            put(y, x + i, style, one);
    }
}

static void letters(struct cluster *out, uint32_t character) {
    char text[4];
    out->columns = draw_stand_in(character, text);
    out->apart = true;
    for (int i = 0; i < out->columns; i++)
        out->text[i] = (wchar_t)text[i];
}

// Adds the marks that follow a character, as many as a cell holds, and drops the rest of them.
static const char *combine(struct cluster *out, const char *text) {
    for (int count = 1; *text;) {
        uint32_t c;
        int taken = utf8_decode(text, &c);
        if (!draw_hidden(c) && (c < 0x80 || wcwidth((wchar_t)c) != 0))
            break;
        if (!draw_hidden(c) && count < CCHARW_MAX)
            out->text[count++] = (wchar_t)c;
        text += taken;
    }
    return text;
}

static const char *next_cluster(const char *text, bool ascii, struct cluster *out) {
    uint32_t c;
    text += utf8_decode(text, &c);
    *out = (struct cluster){0};
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == UTF8_BAD)
        c = '?';
    if (ascii) {
        letters(out, c);
        return text;
    }
    int columns = c < 0x80 ? 1 : draw_hidden(c) ? 0 : wcwidth((wchar_t)c);
    out->text[0] = columns < 0 ? L'?' : (wchar_t)c;
    out->columns = columns < 0 ? 1 : columns;
    return columns > 0 && (unsigned char)*text >= 0x80 ? combine(out, text) : text;
}

void draw_mark(struct area area, int row, int column, enum style style, uint32_t character) {
    struct cluster c = {.text = {(wchar_t)character}, .columns = 1};
    if (theme_ascii())
        letters(&c, character);
    put_cluster(area, row, column, style, &c);
}

// Draws what fits into `limit` columns; returns the columns taken.
static int draw_run(struct area area, int row, int column, int limit, enum style style,
                    const char *text) {
    bool ascii = theme_ascii();
    int taken = 0;
    while (*text) {
        struct cluster c;
        text = next_cluster(text, ascii, &c);
        if (taken + c.columns > limit)
            break;
        put_cluster(area, row, column + taken, style, &c);
        taken += c.columns;
    }
    return taken;
}

// The columns of a text, or something beyond `enough`.
static int measure(const char *text, int enough) {
    bool ascii = theme_ascii();
    int columns = 0;
    while (*text && columns <= enough) {
        struct cluster c;
        text = next_cluster(text, ascii, &c);
        columns += c.columns;
    }
    return columns;
}

int draw_width(const char *text) {
    return measure(text, 1 << 20);
}

int draw_break(const char *text, int width) {
    char part[512];
    int at = 0;
    if (measure(text, width) <= width)
        return (int)strlen(text);
    for (const char *blank = strchr(text, ' '); blank; blank = strchr(blank + 1, ' ')) {
        snprintf(part, sizeof part, "%.*s", (int)(blank - text), text);
        if (measure(part, width) > width)
            break;
        at = (int)(blank - text) + 1;
    }
    return at;
}

int draw_wrapped(struct area area, int row, int column, int rows, enum style style,
                 const char *text) {
    int width = area.w - column, taken = 0;
    for (; *text && taken < rows - 1; taken++) {
        int at = draw_break(text, width);
        if (at == 0)
            break;
        draw_format(area, row + taken, column, style, "%.*s", at, text);
        text += at;
    }
    if (*text)
        draw_text(area, row + taken++, column, width, style, text);
    return taken;
}

int draw_text(struct area area, int row, int column, int width, enum style style,
              const char *text) {
    int limit = area.w - column;
    if (width > 0 && width < limit)
        limit = width;
    if (limit <= 0)
        return 0;
    if (width <= 0 || measure(text, limit) <= limit)
        return draw_run(area, row, column, limit, style, text);
    int taken = draw_run(area, row, column, limit - 1, style, text);
    draw_run(area, row, column + taken, 1, style, draw_symbol(SYMBOL_ELLIPSIS));
    return taken + 1;
}

int draw_format(struct area area, int row, int column, enum style style, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return draw_text(area, row, column, 0, style, text);
}

int draw_right(struct area area, int row, int column, int width, enum style style,
               const char *text) {
    int columns = measure(text, width);
    if (width <= 0 || columns >= width)
        return draw_text(area, row, column, width, style, text);
    return draw_text(area, row, column + width - columns, columns, style, text);
}

void draw_clear(struct area area) {
    struct theme_cell look = theme_cell(STYLE_NORMAL);
    cchar_t blank;
    setcchar(&blank, L" ", look.attributes, look.pair, NULL);
    for (int row = 0; row < area.h && area.w > 0; row++)
        mvhline_set(area.y + row, area.x, &blank, area.w);
}

void draw_restyle(struct area area, int row, int column, int width, enum style style) {
    struct theme_cell look = theme_cell(style);
    int from = column < 0 ? 0 : column;
    int to = column + width < area.w ? column + width : area.w;
    if (row >= 0 && row < area.h && from < to)
        mvchgat(area.y + row, area.x + from, to - from, look.attributes, look.pair, NULL);
}

static void draw_line(struct area area, int row, int from, int to, enum style style) {
    for (int column = from; column < to; column++)
        draw_mark(area, row, column, style, 0x2500); // ─
}

// The label stands in the line with a blank on either side, and only where it leaves some line.
static void draw_label(struct area area, int row, enum style style, const char *label) {
    if (!label || !label[0] || area.w < 8)
        return;
    int end = 3 + draw_text(area, row, 3, area.w - 6, style, label);
    draw_mark(area, row, 2, style, ' ');
    draw_mark(area, row, end, style, ' ');
}

void draw_box(struct area area, enum style style, const char *title) {
    int right = area.w - 1, bottom = area.h - 1;
    if (right < 1 || bottom < 1)
        return;
    draw_line(area, 0, 1, right, style);
    draw_line(area, bottom, 1, right, style);
    for (int row = 1; row < bottom; row++) {
        draw_mark(area, row, 0, style, 0x2502); // │
        draw_mark(area, row, right, style, 0x2502);
    }
    draw_mark(area, 0, 0, style, 0x250c); // the corners: ┌ ┐ └ ┘
    draw_mark(area, 0, right, style, 0x2510);
    draw_mark(area, bottom, 0, style, 0x2514);
    draw_mark(area, bottom, right, style, 0x2518);
    draw_label(area, 0, style, title);
}

void draw_rule(struct area area, int row, const char *label, enum style style) {
    draw_line(area, row, 0, area.w, style);
    draw_label(area, row, style, label);
}
