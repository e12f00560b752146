// A screen of a chosen size that nobody sees, and what stands in its cells.
#ifndef THAW_TESTS_SCREEN_H
#define THAW_TESTS_SCREEN_H

#include "ui/workbench/theme.h"
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct screen {
    SCREEN *curses;
    FILE *in, *out;
    int rows, columns;
};

static inline struct screen screen_open_on(const char *terminal, const char *locale, int rows,
                                           int columns, struct theme_options theme) {
    struct screen s = {.rows = rows, .columns = columns};
    char number[16];
    setlocale(LC_ALL, locale);
    snprintf(number, sizeof number, "%d", rows);
    setenv("LINES", number, 1);
    snprintf(number, sizeof number, "%d", columns);
    setenv("COLUMNS", number, 1);
    s.in = fopen("/dev/null", "r");
    s.out = fopen("/dev/null", "w");
    s.curses = s.in && s.out ? newterm(terminal, s.out, s.in) : NULL;
    if (!s.curses)
        abort();
    theme_use(&theme);
    return s;
}

static inline struct screen screen_open(int rows, int columns, struct theme_options theme) {
    return screen_open_on("xterm-256color", "C.UTF-8", rows, columns, theme);
}

static inline void screen_close(struct screen *s) {
    endwin();
    delscreen(s->curses);
    fclose(s->in);
    fclose(s->out);
}

// The character of a cell.
static inline wchar_t screen_cell(int row, int column) {
    cchar_t cell;
    wchar_t text[CCHARW_MAX + 1] = {0};
    attr_t attributes;
    short pair;
    if (mvin_wch(row, column, &cell) != ERR)
        getcchar(&cell, text, &attributes, &pair, NULL);
    return text[0];
}

// Whether a cell looks as `style` does.
static inline bool screen_styled(int row, int column, enum style style) {
    cchar_t cell;
    wchar_t text[CCHARW_MAX + 1];
    attr_t attributes;
    short pair;
    struct theme_cell look = theme_cell(style);
    if (mvin_wch(row, column, &cell) == ERR)
        return false;
    getcchar(&cell, text, &attributes, &pair, NULL);
    return pair == look.pair && (attributes & ~A_COLOR) == (look.attributes & ~A_COLOR);
}

// A row as UTF-8, without blanks at its end.
static inline void screen_row(const struct screen *s, int row, char *out, size_t size) {
    size_t length = 0;
    for (int column = 0; column < s->columns && length + MB_CUR_MAX < size; column++) {
        int bytes = wctomb(out + length, screen_cell(row, column));
        length += bytes > 0 ? (size_t)bytes : 0;
    }
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
}

// The first row that holds a text, or -1.
static inline int screen_find(const struct screen *s, const char *text) {
    char row[4096];
    for (int i = 0; i < s->rows; i++) {
        screen_row(s, i, row, sizeof row);
        if (strstr(row, text))
            return i;
    }
    return -1;
}

static inline void screen_print(const struct screen *s) {
    char row[4096];
    for (int i = 0; i < s->rows; i++) {
        screen_row(s, i, row, sizeof row);
        printf("%s\n", row);
    }
}

#endif
