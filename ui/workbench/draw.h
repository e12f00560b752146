// Drawing: text, lines and dots in styles of the theme, always clipped to an area. The views draw
// with these alone; only draw.c, term.c and theme.c know curses. UI thread only.
#ifndef THAW_WORKBENCH_DRAW_H
#define THAW_WORKBENCH_DRAW_H

#include "ui/report/dots.h"
#include "ui/workbench/layout.h"
#include "ui/workbench/theme.h"
#include <stdbool.h>

// Text in UTF-8 at (row, column) within the area, at most `width` columns (to the area's edge when
// larger or 0); what does not fit is cut by columns, never within a wide character, with an
// ellipsis at the end when `width` is given. Control characters and bytes that are not UTF-8 show
// as '?'. In ASCII mode everything beyond ASCII becomes its stand-in. A negative column begins left
// of the area, out of sight. Returns the columns taken, so that the next text can go on from there.
int draw_text(struct area area, int row, int column, int width, enum style style, const char *text);
int draw_format(struct area area, int row, int column, enum style style, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
int draw_right(struct area area, int row, int column, int width, enum style style,
               const char *text); // ends at column + width - 1; what is left of it stays as it was

// Where a text breaks that is too long for a row of `width` columns: behind the last blank that
// fits (0: there is none), or at its end.
int draw_break(const char *text, int width);
// A text over at most `rows` rows from `row` on, broken at blanks; returns how many it took.
int draw_wrapped(struct area area, int row, int column, int rows, enum style style,
                 const char *text);

// Text from `row` on, wrapped at the area's width between words, or within those that are too wide.
// Line breaks and other control characters count as spaces. What has no room is cut, with an
// ellipsis at the end. Costs no more than what is drawn. Returns the rows taken.
int draw_paragraph(struct area area, int row, enum style style, const char *text);

void draw_clear(struct area area);
// Turns the cells of a row to `style`, keeping their text (selection).
void draw_restyle(struct area area, int row, int column, int width, enum style style);
void draw_box(struct area area, enum style style, const char *title); // NULL: no title
// A horizontal line across the area, with an optional label near its left end.
void draw_rule(struct area area, int row, const char *label, enum style style);

// How many columns a text takes.
int draw_width(const char *text);

// Symbols that have a stand-in in ASCII mode. Each is one column wide, but SYMBOL_PLUS_MINUS and
// SYMBOL_ARROW in ASCII mode ("+-", "->").
enum symbol {
    SYMBOL_FROZEN, // by shape, not by colour
    SYMBOL_THAWED,
    SYMBOL_MIXED,
    SYMBOL_EMPTY,
    SYMBOL_TIED,
    SYMBOL_PENDING,
    SYMBOL_OPEN, // an expanded row
    SYMBOL_CLOSED,
    SYMBOL_CURSOR,
    SYMBOL_ELLIPSIS,
    SYMBOL_PLUS_MINUS,
    SYMBOL_TIMES,
    SYMBOL_ARROW,
    SYMBOL_BRANCH,
    SYMBOL_COUNT,
};
const char *draw_symbol(enum symbol s);

// The mark of a heat map's cell, one column, for draw_text in STYLE_HEAT0 + level (0..7, clamped):
// a full block where the colours tell the levels apart, else one of eight marks that do.
const char *draw_heat(int level);

// A sparkline of `width` cells from values (not finite: a gap), oldest first, scaled to their
// range; the newest stands at the right edge, and when there are more than fit the oldest are left
// out. Every cell is drawn.
void draw_spark(struct area area, int row, int column, int width, enum style style,
                const float *values, int count);

// A horizontal bar: `share` (0..1, clamped) of `width` cells, the rest blank. Shows at least a
// sliver unless the share is 0.
void draw_bar(struct area area, int row, int column, int width, double share, enum style style);

// A raster of dots for plots (see ui/report/dots.h); in ASCII each curve's style has its own
// letter. A cell takes the style of the dot drawn last. In ASCII mode every raster is an ASCII one.
enum raster_kind { RASTER_BRAILLE, RASTER_BLOCK, RASTER_ASCII };
struct raster {
    struct area area;
    enum raster_kind kind;
    int width, height; // in dots
    struct dots dots;
};
const char *raster_sample(enum raster_kind kind, enum style style); // a curve in a legend: 1 column
struct raster raster_open(struct area area, enum raster_kind kind);
void raster_dot(struct raster *r, int x, int y, enum style style); // y from the top
void raster_line(struct raster *r, int x0, int y0, int x1, int y1, enum style style);
void raster_draw(const struct raster *r); // empty cells leave what is there
void raster_close(struct raster *r);

#endif
