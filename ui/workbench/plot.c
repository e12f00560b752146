#include "ui/workbench/plot.h"

#include "base/xalloc.h"
#include "ui/workbench/plot_parts.h"
#include <stdlib.h>
#include <string.h>

enum {
    TITLE_ROWS_MIN = 3, // of the area, for a title
    LABEL_ROWS_MIN = 5, // ... for the steps below
    LINE_ROWS_MIN = 12, // ... for a line above them
    GUTTER_COLUMNS_MIN = 24,
    GUTTER_ROWS_MIN = 2, // of curves
};

static struct area cut_top(struct area *from, int rows) {
    struct area top = {from->y, from->x, rows, from->w};
    from->y += rows;
    from->h -= rows;
    return top;
}

static struct area cut_bottom(struct area *from, int rows) {
    from->h -= rows;
    return (struct area){from->y + from->h, from->x, rows, from->w};
}

static struct area cut_left(struct area *from, int columns) {
    struct area left = {from->y, from->x, from->h, columns};
    from->x += columns;
    from->w -= columns;
    return left;
}

struct plot_frame plot_frame(struct area area, const struct plot *p) {
    struct plot_frame f = {0};
    int rows = area.h - p->strip;
    if (rows >= TITLE_ROWS_MIN)
        f.title = cut_top(&area, 1);
    if (rows >= LABEL_ROWS_MIN)
        f.x_labels = cut_bottom(&area, 1);
    if (rows >= LINE_ROWS_MIN && area.w >= GUTTER_COLUMNS_MIN && !p->strip)
        f.x_line = cut_bottom(&area, 1);
    cut_bottom(&area, p->strip < area.h ? p->strip : area.h);
    int gutter = p->gutter ? p->gutter : PLOT_GUTTER;
    if (area.w >= GUTTER_COLUMNS_MIN && area.h >= GUTTER_ROWS_MIN) {
        f.gutter = cut_left(&area, gutter);
        cut_left(&f.x_line, f.x_line.h ? gutter - 1 : 0);
    }
    f.inner = area;
    return f;
}

struct area plot_inner(struct area area, const struct plot *p) {
    return plot_frame(area, p).inner;
}

static void say_empty(struct area inner, const struct plot *p) {
    bool any = false;
    for (int i = 0; i < p->curve_count; i++)
        any |= p->curves[i].series->count > 0;
    const char *text = any ? "no values to show here" : "no values yet";
    int column = (inner.w - draw_width(text)) / 2;
    draw_text(inner, (inner.h - 1) / 2, column > 0 ? column : 0, inner.w, STYLE_DIM, text);
}

static void draw_cursor(struct area inner, const struct plot *p) {
    if (p->cursor < p->from || p->cursor > p->to)
        return;
    for (int row = 0; row < inner.h; row++)
        draw_text(inner, row, plot_column(p, (double)p->cursor, inner.w), 0, STYLE_STRONG, "│");
}

// Bands in a raster of their own: the cells of a line then hold nothing but the line.
static void draw_curves(const struct plot *p, const struct plot_path *paths,
                        const struct plot_scale *scale, struct raster *bands,
                        struct raster *lines) {
    for (int i = 0; i < p->curve_count; i++) {
        if (p->curves[i].band)
            plot_band(bands, p, scale, &paths[i], p->curves[i].style);
        else
            plot_line(lines, p, scale, &paths[i], p->curves[i].style);
    }
    raster_draw(bands);
    raster_draw(lines);
    for (int i = 0; i < p->curve_count; i++)
        plot_points(lines->area, p, scale, &paths[i], &p->curves[i]);
    plot_marker_labels(p, lines, bands);
}

static struct plot_path *open_paths(const struct plot *p, int width) {
    struct plot_path *paths = xcalloc((size_t)p->curve_count, sizeof *paths);
    for (int i = 0; i < p->curve_count; i++)
        paths[i] = plot_path(p, &p->curves[i], width);
    return paths;
}

static void close_paths(const struct plot *p, struct plot_path *paths) {
    for (int i = 0; i < p->curve_count; i++)
        free(paths[i].points);
    free(paths);
}

static void draw_inner(const struct plot_frame *f, const struct plot *p) {
    struct raster bands = raster_open(f->inner, p->raster);
    struct raster lines = raster_open(f->inner, p->raster);
    struct plot_path *paths = open_paths(p, lines.width);
    struct plot_scale scale;
    bool any = plot_scale(p, paths, &scale);
    if (f->gutter.w)
        plot_y_axis(f, p, any ? &scale : NULL);
    plot_marker_lines(f->inner, p);
    draw_cursor(f->inner, p);
    if (any)
        draw_curves(p, paths, &scale, &bands, &lines);
    else
        say_empty(f->inner, p);
    if (f->title.h)
        plot_title(f->title, p);
    close_paths(p, paths);
    raster_close(&bands);
    raster_close(&lines);
}

void plot_draw(struct area area, const struct plot *plot) {
    if (area.h < 1 || area.w < 1)
        return;
    struct plot p = *plot;
    p.to = p.to > p.from ? p.to : p.from + 1;
    p.raster = theme_ascii() ? RASTER_ASCII : p.raster;
    struct plot_frame f = plot_frame(area, &p);
    draw_clear(area);
    plot_x_axis(&f, &p);
    draw_inner(&f, &p);
}
