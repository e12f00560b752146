#include "base/xalloc.h"
#include "ui/workbench/draw_parts.h"
#include <math.h>
#include <stdlib.h>

static const struct {
    int x, y; // dots per cell
} fineness[] = {[RASTER_BRAILLE] = {2, 4}, [RASTER_BLOCK] = {1, 2}, [RASTER_ASCII] = {1, 1}};

// Curves that cross are told apart by their letters, where colours may be missing.
static char ascii_mark(enum style style) {
    switch (style) {
    case STYLE_TRAIN_RAW:
        return '.';
    case STYLE_VALIDATION:
        return 'o';
    case STYLE_OTHER:
        return 'x';
    case STYLE_OTHER2:
        return '+';
    case STYLE_OTHER3:
        return '%';
    case STYLE_EVENT:
        return '|';
    default:
        return '*';
    }
}

const char *raster_sample(enum raster_kind kind, enum style style) {
    static char letter[2];
    if (kind != RASTER_ASCII && !theme_ascii())
        return "━";
    letter[0] = ascii_mark(style);
    return letter;
}

struct raster raster_open(struct area area, enum raster_kind kind) {
    struct raster r = {.area = area, .kind = theme_ascii() ? RASTER_ASCII : kind};
    bool shown = area.h > 0 && area.w > 0;
    size_t cells = shown ? (size_t)area.h * (size_t)area.w : 0;
    r.width = shown ? area.w * fineness[r.kind].x : 0;
    r.height = shown ? area.h * fineness[r.kind].y : 0;
    r.dots = xcalloc(2 * cells, 1);
    r.styles = r.dots + cells;
    return r;
}

void raster_close(struct raster *r) {
    free(r->dots);
    *r = (struct raster){0};
}

void raster_dot(struct raster *r, int x, int y, enum style style) {
    static const unsigned char braille[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= r->width || y >= r->height)
        return;
    int fine_x = fineness[r->kind].x, fine_y = fineness[r->kind].y;
    size_t cell = (size_t)(y / fine_y) * (size_t)r->area.w + (size_t)(x / fine_x);
    int bit = r->kind == RASTER_BRAILLE ? braille[y % 4][x % 2] : 1 << y % fine_y;
    r->dots[cell] |= (unsigned char)bit;
    r->styles[cell] = (unsigned char)style;
}

// Narrows the part of a line (from t[0] to t[1] of its way) to where it stays within one edge:
// `speed` is how fast it leaves, `room` how far it is from there at its start (Liang and Barsky
// 1984, "A new concept and method for line clipping").
static bool clip(double t[2], double speed, double room) {
    if (speed == 0)
        return room >= 0;
    if (speed < 0)
        t[0] = fmax(t[0], room / speed);
    else
        t[1] = fmin(t[1], room / speed);
    return t[0] <= t[1];
}

// Moves the ends of a line onto the raster; false when nothing of it is there.
static bool clip_line(const struct raster *r, int *x0, int *y0, int *x1, int *y1) {
    double x = *x0, y = *y0, dx = *x1 - x, dy = *y1 - y, t[2] = {0, 1};
    if (!clip(t, -dx, x) || !clip(t, dx, r->width - 1 - x) || !clip(t, -dy, y) ||
        !clip(t, dy, r->height - 1 - y))
        return false;
    *x0 = (int)lround(x + t[0] * dx);
    *y0 = (int)lround(y + t[0] * dy);
    *x1 = (int)lround(x + t[1] * dx);
    *y1 = (int)lround(y + t[1] * dy);
    return true;
}

// Bresenham 1965, "Algorithm for computer control of a digital plotter", in whole numbers for every
// direction.
void raster_line(struct raster *r, int x0, int y0, int x1, int y1, enum style style) {
    if (!clip_line(r, &x0, &y0, &x1, &y1))
        return;
    int dx = abs(x1 - x0), dy = -abs(y1 - y0), off = dx + dy;
    int step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
    for (;;) {
        raster_dot(r, x0, y0, style);
        if (x0 == x1 && y0 == y1)
            return;
        int twice = 2 * off;
        if (twice >= dy) {
            off += dy;
            x0 += step_x;
        }
        if (twice <= dx) {
            off += dx;
            y0 += step_y;
        }
    }
}

static uint32_t mark_of(const struct raster *r, size_t cell) {
    static const uint16_t blocks[] = {' ', 0x2580, 0x2584, 0x2588}; // ▀ ▄ █
    if (r->kind == RASTER_BRAILLE)
        return 0x2800u + r->dots[cell];
    if (r->kind == RASTER_BLOCK)
        return blocks[r->dots[cell]];
    return (uint32_t)ascii_mark((enum style)r->styles[cell]);
}

void raster_draw(const struct raster *r) {
    if (r->width == 0)
        return;
    for (int row = 0; row < r->area.h; row++) {
        for (int column = 0; column < r->area.w; column++) {
            size_t cell = (size_t)row * (size_t)r->area.w + (size_t)column;
            if (r->dots[cell])
                draw_mark(r->area, row, column, (enum style)r->styles[cell], mark_of(r, cell));
        }
    }
}
