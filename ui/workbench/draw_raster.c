#include "ui/workbench/draw_parts.h"

// Curves that cross are told apart by their letters, where colours may be missing.
static char ascii_mark(enum style style) {
    switch (style) {
    case STYLE_TRAIN_RAW:
        return '.';
    case STYLE_VALIDATION:
        return 'o';
    case STYLE_SOURCE:
        return '#';
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
    static const enum dots_kind kinds[] = {DOTS_BRAILLE, DOTS_BLOCK, DOTS_LETTER};
    kind = theme_ascii() ? RASTER_ASCII : kind;
    struct raster r = {.area = area, .kind = kind};
    r.dots = dots_open(kinds[kind], area.h, area.w);
    r.width = r.dots.width;
    r.height = r.dots.height;
    return r;
}

void raster_close(struct raster *r) {
    dots_close(&r->dots);
    *r = (struct raster){0};
}

void raster_dot(struct raster *r, int x, int y, enum style style) {
    dots_put(&r->dots, x, y, (int)style);
}

void raster_line(struct raster *r, int x0, int y0, int x1, int y1, enum style style) {
    dots_line(&r->dots, x0, y0, x1, y1, (int)style);
}

void raster_draw(const struct raster *r) {
    const struct dots *d = &r->dots;
    for (int row = 0; row < d->rows; row++) {
        for (int column = 0; column < d->columns; column++) {
            size_t cell = (size_t)row * (size_t)d->columns + (size_t)column;
            enum style style = (enum style)d->owners[cell];
            uint32_t mark = dots_character(d, cell);
            if (mark && r->kind == RASTER_ASCII)
                mark = (uint32_t)ascii_mark(style);
            if (mark)
                draw_mark(r->area, row, column, style, mark);
        }
    }
}
