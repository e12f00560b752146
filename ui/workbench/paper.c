#include "ui/workbench/paper.h"
#include "base/xalloc.h"
#include <stdarg.h>
#include <stdlib.h>

// The row of the next line, or -1 when it is out of sight.
static int next_row(struct paper *p) {
    int row = p->lines++ - p->top;
    return row < p->area.h ? row : -1;
}

void paper_line(struct paper *p, enum style style, const char *format, ...) {
    int row = next_row(p);
    if (row < 0)
        return;
    va_list args;
    va_start(args, format);
    char *text = xvprintf(format, args);
    va_end(args);
    draw_text(p->area, row, 0, p->area.w, style, text);
    free(text);
}

void paper_pair(struct paper *p, int column, enum style left_style, const char *left,
                enum style right_style, const char *right) {
    int row = next_row(p);
    if (row < 0)
        return;
    if (left)
        draw_text(p->area, row, 0, right ? column - 1 : p->area.w, left_style, left);
    if (right)
        draw_text(p->area, row, column, p->area.w - column, right_style, right);
}

static int moved(int top, int lines, int rows, enum action action) {
    switch (action) {
    case ACTION_UP:
        return top - 1;
    case ACTION_DOWN:
        return top + 1;
    case ACTION_PAGE_UP:
        return top - rows;
    case ACTION_PAGE_DOWN:
        return top + rows;
    case ACTION_TOP:
        return 0;
    case ACTION_BOTTOM:
        return lines;
    default:
        return top;
    }
}

int paper_scroll(int top, int lines, int rows, enum action action) {
    int most = lines > rows ? lines - rows : 0;
    top = moved(top, lines, rows, action);
    return top < 0 ? 0 : top > most ? most : top;
}
