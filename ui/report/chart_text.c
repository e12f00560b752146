// A chart in characters.
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/report/chart_parts.h"
#include "ui/report/dots.h"
#include "ui/report/utf8.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GUTTER_MIN = 8, // columns for the labels of the y axis and the axis itself
    GUTTER_MOST = 22,
    Y_TICKS = 6,
    TICK_COLUMNS = 10,
    FRAME_ROWS = 4, // title, x axis, its labels, its title
};

// The page: a character for each cell, 0 for a blank.
struct page {
    int rows, columns;
    uint32_t *cells;
    bool ascii;
};

static void put(struct page *p, int row, int column, uint32_t character) {
    if (row >= 0 && row < p->rows && column >= 0 && column < p->columns)
        p->cells[row * p->columns + column] = character;
}

// Returns the columns taken. What is not ASCII becomes '?' where only that may be shown, and
// control characters do everywhere.
static int put_text(struct page *p, int row, int column, const char *text) {
    int at = column;
    while (*text) {
        uint32_t c;
        text += utf8_decode(text, &c);
        bool plain = c >= ' ' && c != 0x7f && (c < 0x80 || (c >= 0xa0 && !p->ascii));
        put(p, row, at++, plain ? c : '?');
    }
    return at - column;
}

static int width_of(const char *text) {
    int width = 0;
    for (uint32_t c; *text; width++)
        text += utf8_decode(text, &c);
    return width;
}

static void put_right(struct page *p, int row, int end, const char *text) {
    int at = end - width_of(text);
    put_text(p, row, at > 0 ? at : 0, text);
}

static void print_page(const struct page *p, FILE *out) {
    for (int row = 0; row < p->rows; row++) {
        const uint32_t *cells = &p->cells[row * p->columns];
        int end = p->columns;
        while (end > 0 && (cells[end - 1] == 0 || cells[end - 1] == ' '))
            end--;
        for (int i = 0; i < end; i++) {
            char bytes[5];
            utf8_encode(cells[i] ? cells[i] : ' ', bytes);
            fputs(bytes, out);
        }
        fputc('\n', out);
    }
}

// ---- Axes

struct frame {
    int gutter, width, rows; // columns of the gutter, of the curves, and their rows
    struct chart_scale x, y;
};

static int gutter_of(const struct chart *c) {
    int most = GUTTER_MIN;
    for (int i = 0; i < c->band_count; i++)
        for (int k = 0; k < c->bands[i].row_count; k++) {
            int width = width_of(c->bands[i].names[k]) + 2;
            most = width > most ? width : most;
        }
    return most < GUTTER_MOST ? most : GUTTER_MOST;
}

static int cell_of(double place, int cells) {
    return (int)lround(fmin(fmax(place, 0), 1) * (cells - 1));
}

static void put_y_axis(struct page *p, const struct chart *c, const struct frame *f) {
    struct chart_tick ticks[TICKS_MOST];
    int most = (2 * f->rows + 2) / 3;
    int count = chart_ticks(&c->y, &f->y, most < Y_TICKS ? most : Y_TICKS, ticks);
    for (int row = 0; row < f->rows; row++)
        put(p, 1 + row, f->gutter - 1, p->ascii ? '|' : 0x2502); // │
    for (int i = 0; i < count; i++) {
        int row = 1 + cell_of(1 - ticks[i].place, f->rows);
        put_right(p, row, f->gutter - 1, ticks[i].label);
        put(p, row, f->gutter - 1, p->ascii ? '+' : 0x2524); // ┤
    }
}

static void put_x_axis(struct page *p, const struct chart *c, const struct frame *f, int row) {
    struct chart_tick ticks[TICKS_MOST];
    int count = chart_ticks(&c->x, &f->x, f->width / TICK_COLUMNS + 1, ticks), end = 0;
    put(p, row, f->gutter - 1, p->ascii ? '+' : 0x2514); // └
    for (int i = 0; i < f->width; i++)
        put(p, row, f->gutter + i, p->ascii ? '-' : 0x2500); // ─
    for (int i = 0; i < count; i++) {
        int width = width_of(ticks[i].label),
            column = f->gutter + cell_of(ticks[i].place, f->width);
        int at = column - width / 2, last = p->columns - width;
        at = at < f->gutter ? f->gutter : at > last ? last : at;
        put(p, row, column, p->ascii ? '+' : 0x2534); // ┴
        if (at >= end) {
            put_text(p, row + 1, at, ticks[i].label);
            end = at + width + 1;
        }
    }
    put_right(p, row + 2, f->gutter + (f->width + width_of(c->x.title)) / 2, c->x.title);
}

// ---- Curves

static uint32_t letter_of(const struct chart_line *l) {
    return l->index < 0 ? '.' : (uint32_t)('a' + l->index % 26);
}

static bool placed(const struct frame *f, const struct chart_line *l, int k, double *x, double *y) {
    *x = chart_place(&f->x, l->x[k]);
    *y = chart_place(&f->y, l->y[k]);
    return isfinite(*x) && isfinite(*y);
}

static void join(struct dots *d, const struct frame *f, const struct chart_line *l, int owner) {
    int before_x = -1, before_y = 0;
    for (int k = 0; k < l->count; k++) {
        double x, y;
        if (!placed(f, l, k, &x, &y)) {
            before_x = -1;
            continue;
        }
        int at_x = cell_of(x, d->width), at_y = cell_of(1 - y, d->height);
        if (before_x >= 0)
            dots_line(d, before_x, before_y, at_x, at_y, owner);
        before_x = at_x;
        before_y = at_y;
    }
}

static void put_dots(struct page *p, const struct chart *c, const struct frame *f) {
    struct dots d = dots_open(p->ascii ? DOTS_LETTER : DOTS_BRAILLE, f->rows, f->width);
    for (int i = 0; i < c->line_count; i++)
        if (c->lines[i].joined)
            join(&d, f, &c->lines[i], i);
    for (int i = 0; i < d.rows * d.columns; i++) {
        uint32_t mark = dots_character(&d, (size_t)i);
        if (mark && p->ascii)
            mark = letter_of(&c->lines[d.owners[i]]);
        if (mark)
            put(p, 1 + i / d.columns, f->gutter + i % d.columns, mark);
    }
    dots_close(&d);
}

// Letters at each point, or at the end of a line without any.
static void put_letters(struct page *p, const struct frame *f, const struct chart_line *l) {
    for (int k = l->points ? 0 : l->count - 1; l->index >= 0 && k >= 0 && k < l->count; k++) {
        double x, y;
        if (placed(f, l, k, &x, &y))
            put(p, 1 + cell_of(1 - y, f->rows), f->gutter + cell_of(x, f->width), letter_of(l));
    }
}

static void put_marks(struct page *p, const struct chart *c, const struct frame *f) {
    for (int i = 0; i < c->mark_count; i++) {
        double place = chart_place(&f->x, c->marks[i].x);
        if (!(place >= 0 && place <= 1))
            continue;
        int column = f->gutter + cell_of(place, f->width), width = width_of(c->marks[i].label);
        for (int row = 0; row < f->rows; row++)
            put(p, 1 + row, column, p->ascii ? '|' : 0x250a); // ┊
        bool right = column + 1 + width <= p->columns;
        put_text(p, 1 + i % f->rows, right ? column + 1 : column - width, c->marks[i].label);
    }
}

// ---- Legend and bands

// Returns the row below; with a page of no rows it only counts.
static int put_legend(struct page *p, const struct chart *c, const struct frame *f, int row) {
    int column = f->gutter;
    bool any = false;
    for (int i = 0; i < c->line_count; i++) {
        const struct chart_line *l = &c->lines[i];
        if (!l->label)
            continue;
        int width = 2 + width_of(l->label);
        if (any && column + width > p->columns) {
            row++;
            column = f->gutter;
        }
        put(p, row, column, letter_of(l));
        put_text(p, row, column + 2, l->label);
        column += width + 3;
        any = true;
    }
    return row + any;
}

static uint32_t state_mark(enum freeze_state state, bool ascii) {
    static const uint32_t fancy[] = {[STATE_FROZEN] = 0x25ae, // ▮ ◊ ◧, as in the workbench
                                     [STATE_THAWED] = 0x25ca,
                                     [STATE_MIXED] = 0x25e7,
                                     [STATE_EMPTY] = ' '};
    static const char plain[] = {
        [STATE_FROZEN] = '#', [STATE_THAWED] = 'o', [STATE_MIXED] = '%', [STATE_EMPTY] = ' '};
    return ascii ? (uint32_t)plain[state] : fancy[state];
}

// The value at the left edge of a column.
static double value_at(const struct frame *f, int column) {
    return f->x.low + (f->x.high - f->x.low) * column / f->width;
}

static void put_band(struct page *p, const struct frame *f, const struct chart_bands *b, int row,
                     int line) {
    char name[GUTTER_MOST];
    snprintf(name, sizeof name, "%.*s", f->gutter - 2, b->names[line]);
    put_right(p, row, f->gutter - 1, name);
    for (int i = 0; i < f->width && value_at(f, i) < b->reached; i++)
        put(p, row, f->gutter + i,
            state_mark(b->state(b, line, value_at(f, i), value_at(f, i + 1)), p->ascii));
}

static int put_bands(struct page *p, const struct chart *c, const struct frame *f, int row) {
    for (int i = 0; i < c->band_count; i++) {
        const struct chart_bands *b = &c->bands[i];
        put(p, row, 0, (uint32_t)('a' + b->index % 26));
        put_text(p, row++, 2, b->title);
        for (int k = 0; k < b->row_count; k++)
            put_band(p, f, b, row++, k);
    }
    if (c->band_count == 0)
        return row;
    for (int state = STATE_FROZEN, at = f->gutter; state <= STATE_MIXED; state++) {
        put(p, row, at, state_mark(state, p->ascii));
        at += 4 + put_text(p, row, at + 2, freeze_state_name(state));
    }
    return row + 1;
}

static int band_rows(const struct chart *c) {
    int rows = c->band_count > 0;
    for (int i = 0; i < c->band_count; i++)
        rows += 1 + c->bands[i].row_count;
    return rows;
}

void chart_print(const struct chart *c, int columns, int rows, bool ascii, FILE *out) {
    struct frame f = {gutter_of(c), 0, rows, chart_scale_x(c), chart_scale_y(c)};
    struct page page = {.columns = columns > GUTTER_MOST + 8 ? columns : GUTTER_MOST + 8,
                        .ascii = ascii};
    f.width = page.columns - f.gutter;
    page.rows = put_legend(&page, c, &f, FRAME_ROWS + rows) + band_rows(c);
    page.cells = xcalloc((size_t)page.rows * (size_t)page.columns, sizeof *page.cells);
    put_text(&page, 0, 0, c->title);
    put_y_axis(&page, c, &f);
    put_x_axis(&page, c, &f, 1 + rows);
    put_marks(&page, c, &f);
    put_dots(&page, c, &f);
    for (int i = 0; i < c->line_count; i++)
        put_letters(&page, &f, &c->lines[i]);
    put_bands(&page, c, &f, put_legend(&page, c, &f, FRAME_ROWS + rows));
    print_page(&page, out);
    free(page.cells);
}
