#include "ui/report/dots.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const struct {
    int x, y; // dots per cell
} fineness[] = {[DOTS_BRAILLE] = {2, 4}, [DOTS_BLOCK] = {1, 2}, [DOTS_LETTER] = {1, 1}};

struct dots dots_open(enum dots_kind kind, int rows, int columns) {
    bool any = rows > 0 && columns > 0;
    struct dots d = {.kind = kind, .rows = any ? rows : 0, .columns = any ? columns : 0};
    size_t cells = (size_t)d.rows * (size_t)d.columns;
    d.width = d.columns * fineness[kind].x;
    d.height = d.rows * fineness[kind].y;
    d.bits = xcalloc(2 * cells, 1);
    d.owners = d.bits + cells;
    return d;
}

void dots_close(struct dots *d) {
    free(d->bits);
    *d = (struct dots){0};
}

void dots_put(struct dots *d, int x, int y, int owner) {
    static const unsigned char braille[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= d->width || y >= d->height)
        return;
    int fine_x = fineness[d->kind].x, fine_y = fineness[d->kind].y;
    size_t cell = (size_t)(y / fine_y) * (size_t)d->columns + (size_t)(x / fine_x);
    int bit = d->kind == DOTS_BRAILLE ? braille[y % 4][x % 2] : 1 << y % fine_y;
    d->bits[cell] |= (unsigned char)bit;
    d->owners[cell] = (unsigned char)owner;
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

// Moves the ends of a line onto the dots; false when nothing of it is there.
static bool clip_line(const struct dots *d, int *x0, int *y0, int *x1, int *y1) {
    double x = *x0, y = *y0, dx = *x1 - x, dy = *y1 - y, t[2] = {0, 1};
    if (!clip(t, -dx, x) || !clip(t, dx, d->width - 1 - x) || !clip(t, -dy, y) ||
        !clip(t, dy, d->height - 1 - y))
        return false;
    *x0 = (int)lround(x + t[0] * dx);
    *y0 = (int)lround(y + t[0] * dy);
    *x1 = (int)lround(x + t[1] * dx);
    *y1 = (int)lround(y + t[1] * dy);
    return true;
}

// Bresenham 1965, "Algorithm for computer control of a digital plotter", in whole numbers for every
// direction.
void dots_line(struct dots *d, int x0, int y0, int x1, int y1, int owner) {
    if (!clip_line(d, &x0, &y0, &x1, &y1))
        return;
    int dx = abs(x1 - x0), dy = -abs(y1 - y0), off = dx + dy;
    int step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
    for (;;) {
        dots_put(d, x0, y0, owner);
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

uint32_t dots_character(const struct dots *d, size_t cell) {
    static const uint16_t blocks[] = {0, 0x2580, 0x2584, 0x2588}; // ▀ ▄ █
    if (d->kind == DOTS_BRAILLE)
        return d->bits[cell] ? 0x2800u + d->bits[cell] : 0;
    return d->kind == DOTS_BLOCK ? blocks[d->bits[cell]] : d->bits[cell];
}
