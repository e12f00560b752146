// Events as vertical lines with labels that stay out of each other's way.
#include "base/xalloc.h"
#include "ui/workbench/plot_parts.h"
#include <stdlib.h>

enum { CLIPPED_COLUMNS = 8 };

// What a cell holds already, in rising order of how much a label would spoil.
enum hold { FREE, SOFT, HARD };

// A row-by-row map of the cells that labels may use.
struct room {
    struct area area;
    unsigned char *cells;
};

static bool shown(const struct plot *p, const struct plot_marker *m) {
    return m->step >= p->from && m->step <= p->to;
}

void plot_marker_lines(struct area inner, const struct plot *p) {
    for (int i = 0; i < p->marker_count; i++) {
        const struct plot_marker *m = &p->markers[i];
        int column = plot_column(p, (double)m->step, inner.w);
        for (int row = 0; shown(p, m) && row < inner.h; row++)
            draw_text(inner, row, column, 0, m->style, "┊");
    }
}

static struct room room_open(const struct plot *p, const struct raster *lines,
                             const struct raster *bands) {
    struct area a = lines->area;
    struct room room = {a, xcalloc((size_t)a.h * (size_t)a.w, 1)};
    for (int i = 0; i < a.h * a.w; i++)
        room.cells[i] = lines->dots.bits[i] ? HARD : bands->dots.bits[i] ? SOFT : FREE;
    for (int i = 0; i < p->marker_count; i++) {
        int column = plot_column(p, (double)p->markers[i].step, a.w);
        for (int row = 0; shown(p, &p->markers[i]) && row < a.h; row++)
            if (room.cells[row * a.w + column] == FREE)
                room.cells[row * a.w + column] = SOFT;
    }
    return room;
}

// Whether a label has room on a side of its line, no curve crossing the line just there.
static bool fits(const struct room *room, int row, int line, int column, int width,
                 enum hold most) {
    const unsigned char *cells = &room->cells[row * room->area.w];
    if (column < 0 || column + width > room->area.w || cells[line] == HARD)
        return false;
    for (int k = 0; k < width; k++)
        if (cells[column + k] > most)
            return false;
    return true;
}

// The topmost place beside the line, right of it before left; false when there is none.
static bool place(struct room *room, const struct plot_marker *m, int line, int width,
                  enum hold most) {
    for (int row = 0; row < room->area.h; row++) {
        for (int side = 0; side < 2; side++) {
            int column = side == 0 ? line + 1 : line - width;
            if (!fits(room, row, line, column, width, most))
                continue;
            draw_text(room->area, row, column, width, m->style, m->label);
            // One cell more on each side, so that labels do not touch.
            for (int k = -1; k <= width; k++)
                if (column + k >= 0 && column + k < room->area.w)
                    room->cells[row * room->area.w + column + k] = HARD;
            return true;
        }
    }
    return false;
}

void plot_marker_labels(const struct plot *p, const struct raster *lines,
                        const struct raster *bands) {
    struct room room = room_open(p, lines, bands);
    // The latest ones are most likely what a person looks for.
    for (int i = p->marker_count - 1; i >= 0; i--) {
        const struct plot_marker *m = &p->markers[i];
        if (!shown(p, m) || !m->label || !m->label[0])
            continue;
        int line = plot_column(p, (double)m->step, room.area.w), width = draw_width(m->label);
        int clipped = width < CLIPPED_COLUMNS ? width : CLIPPED_COLUMNS;
        if (!place(&room, m, line, width, FREE) && !place(&room, m, line, clipped, FREE) &&
            !place(&room, m, line, width, SOFT))
            place(&room, m, line, clipped, SOFT);
    }
    free(room.cells);
}
