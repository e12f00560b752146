// Charts as SVG and PNG; the only file that knows cairo.
#include "base/files.h"
#include "base/xalloc.h"
#include "ui/report/chart_parts.h"
#include <cairo-svg.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// In SVG's units, which are pixels at the usual size.
static const double WIDTH = 760, LEFT = 112, RIGHT = 24, TOP = 14, HEIGHT = 270, TITLE = 24,
                    LEGEND = 18, AXIS = 40, BAND_TITLE = 18, BAND = 11, GAP = 22, POINT = 3.6;
static const double TEXT = 11, SMALL = 9, PNG_SCALE = 2;
enum { X_TICKS = 10, Y_TICKS = 7, SHAPES = 5 };

struct colour {
    double red, green, blue;
};

// Okabe and Ito's palette (2008, "Color universal design"), without the yellow, which white paper
// swallows.
static const struct colour palette[] = {{0, .447, .698},  {.835, .369, 0}, {0, .62, .451},
                                        {.8, .475, .655}, {.902, .624, 0}, {.337, .706, .914},
                                        {.25, .25, .25}};
static const struct colour ink = {.1, .1, .1}, grey = {.55, .55, .55}, grid = {.9, .9, .9};
static const struct colour state_colours[] = {[STATE_FROZEN] = {.78, .86, .93},
                                              [STATE_THAWED] = {.835, .369, 0},
                                              [STATE_MIXED] = {.95, .71, .5},
                                              [STATE_EMPTY] = {1, 1, 1}};

static struct colour colour_of(int index) {
    return index < 0 ? grey : palette[(size_t)index % (sizeof palette / sizeof palette[0])];
}

static void use(cairo_t *to, struct colour c) {
    cairo_set_source_rgb(to, c.red, c.green, c.blue);
}

// ---- Text

static double text_width(cairo_t *to, const char *text) {
    cairo_text_extents_t extents;
    cairo_text_extents(to, text, &extents);
    return extents.x_advance;
}

// `align`: 0 from x on, 0.5 around it, 1 up to it.
static void put_text(cairo_t *to, double x, double y, double align, double size, const char *text) {
    cairo_set_font_size(to, size);
    cairo_move_to(to, x - align * text_width(to, text), y);
    cairo_show_text(to, text);
}

// ---- Curves

struct frame {
    double top; // of the curves
    struct chart_scale x, y;
};

static double x_at(double place) {
    return LEFT + place * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct frame *f, double place) {
    return f->top + (1 - place) * HEIGHT;
}

static void line(cairo_t *to, double x0, double y0, double x1, double y1) {
    cairo_move_to(to, x0, y0);
    cairo_line_to(to, x1, y1);
    cairo_stroke(to);
}

static void draw_axes(cairo_t *to, const struct chart *c, const struct frame *f) {
    struct chart_tick ticks[TICKS_MOST];
    double bottom = y_at(f, 0);
    cairo_set_line_width(to, 1);
    int count = chart_ticks(&c->y, &f->y, Y_TICKS, ticks);
    for (int i = 0; i < count; i++) {
        double y = y_at(f, ticks[i].place);
        use(to, grid);
        line(to, LEFT, y, WIDTH - RIGHT, y);
        use(to, ink);
        put_text(to, LEFT - 7, y + TEXT / 3, 1, TEXT, ticks[i].label);
    }
    count = chart_ticks(&c->x, &f->x, X_TICKS, ticks);
    for (int i = 0; i < count; i++) {
        double x = x_at(ticks[i].place);
        use(to, grid);
        line(to, x, f->top, x, bottom);
        use(to, ink);
        line(to, x, bottom, x, bottom + 4);
        put_text(to, x, bottom + 4 + TEXT, 0.5, TEXT, ticks[i].label);
    }
    use(to, ink);
    line(to, LEFT, f->top, LEFT, bottom);
    line(to, LEFT, bottom, WIDTH - RIGHT, bottom);
    put_text(to, (LEFT + WIDTH - RIGHT) / 2, bottom + 32, 0.5, TEXT, c->x.title);
    cairo_save(to);
    cairo_translate(to, 46, f->top + HEIGHT / 2);
    cairo_rotate(to, -M_PI / 2);
    put_text(to, 0, 0, 0.5, TEXT, c->y.title);
    cairo_restore(to);
}

static void draw_marks(cairo_t *to, const struct chart *c, const struct frame *f) {
    const double dashes[] = {3, 3};
    for (int i = 0; i < c->mark_count; i++) {
        double place = chart_place(&f->x, c->marks[i].x), x = x_at(place);
        if (!(place >= 0 && place <= 1))
            continue;
        use(to, grey);
        cairo_set_dash(to, dashes, 2, 0);
        line(to, x, f->top, x, y_at(f, 0));
        cairo_set_dash(to, NULL, 0, 0);
        use(to, ink);
        put_text(to, x + (place > 0.7 ? -5 : 5), f->top + TEXT + i * (TEXT + 3), place > 0.7, TEXT,
                 c->marks[i].label);
    }
}

// The outline of a point, by its line's index.
static void trace_shape(cairo_t *to, double x, double y, double size, int index) {
    static const int corners[SHAPES] = {0, 4, 3, 4, 3};
    static const double turns[SHAPES] = {0, M_PI / 4, -M_PI / 2, 0, M_PI / 2};
    int shape = (index < 0 ? 0 : index) % SHAPES;
    cairo_new_path(to);
    if (corners[shape] == 0)
        cairo_arc(to, x, y, size, 0, 2 * M_PI);
    for (int i = 0; i < corners[shape]; i++) {
        double angle = turns[shape] + 2 * M_PI * i / corners[shape];
        cairo_line_to(to, x + 1.25 * size * cos(angle), y + 1.25 * size * sin(angle));
    }
    cairo_close_path(to);
}

static bool placed(const struct frame *f, const struct chart_line *l, int k, double *x, double *y) {
    double across = chart_place(&f->x, l->x[k]), up = chart_place(&f->y, l->y[k]);
    *x = x_at(across);
    *y = y_at(f, up);
    return isfinite(across) && isfinite(up);
}

static void dash(cairo_t *to, const struct chart_line *l) {
    static const double dashes[] = {5, 3};
    cairo_set_dash(to, dashes, l->index < 0 ? 2 : 0, 0);
}

static void draw_line(cairo_t *to, const struct frame *f, const struct chart_line *l) {
    bool on = false;
    for (int k = 0; k < l->count; k++) {
        double x, y;
        bool there = placed(f, l, k, &x, &y);
        if (there && on)
            cairo_line_to(to, x, y);
        else if (there)
            cairo_move_to(to, x, y);
        on = there;
    }
    dash(to, l);
    cairo_stroke(to);
    cairo_set_dash(to, NULL, 0, 0);
}

static void draw_spread(cairo_t *to, const struct frame *f, const struct chart_line *l, int k,
                        double x) {
    double low = chart_place(&f->y, l->y[k] - l->spread[k]);
    double high = chart_place(&f->y, l->y[k] + l->spread[k]);
    if (!isfinite(low) || !isfinite(high))
        return;
    low = y_at(f, fmax(low, 0));
    high = y_at(f, fmin(high, 1));
    line(to, x, low, x, high);
    line(to, x - 3, low, x + 3, low);
    line(to, x - 3, high, x + 3, high);
}

static void draw_points(cairo_t *to, const struct frame *f, const struct chart_line *l) {
    for (int k = 0; k < l->count; k++) {
        double x, y;
        if (!placed(f, l, k, &x, &y))
            continue;
        if (l->spread)
            draw_spread(to, f, l, k, x);
        trace_shape(to, x, y, POINT, l->index);
        cairo_fill(to);
        if (l->ringed && l->ringed[k]) {
            trace_shape(to, x, y, 2 * POINT, 0);
            cairo_stroke(to);
        }
    }
}

static void draw_curve(cairo_t *to, const struct frame *f, const struct chart_line *l) {
    use(to, colour_of(l->index));
    cairo_set_line_width(to, 1.5);
    cairo_set_line_join(to, CAIRO_LINE_JOIN_ROUND);
    cairo_save(to);
    cairo_rectangle(to, LEFT - 8, f->top - 8, WIDTH - LEFT - RIGHT + 16, HEIGHT + 16);
    cairo_clip(to);
    if (l->joined)
        draw_line(to, f, l);
    if (l->points)
        draw_points(to, f, l);
    cairo_restore(to);
}

// ---- Legend

static void draw_sample(cairo_t *to, const struct chart_line *l, double x, double y) {
    use(to, colour_of(l->index));
    cairo_set_line_width(to, 1.5);
    dash(to, l);
    if (l->joined)
        line(to, x, y, x + 18, y);
    cairo_set_dash(to, NULL, 0, 0);
    if (l->points) {
        trace_shape(to, x + 9, y, POINT, l->index);
        cairo_fill(to);
    }
}

// Returns where what is below begins.
static double draw_legend(cairo_t *to, const struct chart *c, double top) {
    double x = LEFT;
    bool any = false;
    cairo_set_font_size(to, TEXT);
    for (int i = 0; i < c->line_count; i++) {
        const struct chart_line *l = &c->lines[i];
        if (!l->label)
            continue;
        double width = 24 + text_width(to, l->label) + 16;
        if (any && x + width > WIDTH - RIGHT) {
            top += LEGEND;
            x = LEFT;
        }
        draw_sample(to, l, x, top + TEXT - 3.5);
        use(to, ink);
        put_text(to, x + 24, top + TEXT, 0, TEXT, l->label);
        x += width;
        any = true;
    }
    return top + (any ? LEGEND + 6 : 6);
}

// ---- Bands

static double value_at(const struct frame *f, double place) {
    return f->x.low + place * (f->x.high - f->x.low);
}

static void fill_band(cairo_t *to, double from, double end, double y, enum freeze_state state) {
    use(to, state_colours[state]);
    cairo_rectangle(to, x_at(from), y, x_at(end) - x_at(from), BAND - 1.5);
    cairo_fill(to);
}

// A run of columns in one state is one rectangle.
static void draw_band(cairo_t *to, const struct frame *f, const struct chart_bands *b, int row,
                      double y) {
    enum { COLUMNS = 330 };
    enum freeze_state state = STATE_EMPTY;
    int from = 0, i = 0;
    for (; i < COLUMNS && value_at(f, (double)i / COLUMNS) < b->reached; i++) {
        enum freeze_state here =
            b->state(b, row, value_at(f, (double)i / COLUMNS), value_at(f, (i + 1.0) / COLUMNS));
        if (i > 0 && here != state) {
            fill_band(to, (double)from / COLUMNS, (double)i / COLUMNS, y, state);
            from = i;
        }
        state = here;
    }
    fill_band(to, (double)from / COLUMNS, (double)i / COLUMNS, y, state);
    use(to, ink);
    put_text(to, LEFT - 6, y + BAND - 3, 1, SMALL, b->names[row]);
}

static double draw_states(cairo_t *to, double top) {
    double x = LEFT;
    for (int state = STATE_FROZEN; state <= STATE_MIXED; state++) {
        use(to, state_colours[state]);
        cairo_rectangle(to, x, top, 10, BAND);
        cairo_fill(to);
        use(to, ink);
        put_text(to, x + 15, top + BAND, 0, TEXT, freeze_state_name((enum freeze_state)state));
        x += 15 + text_width(to, freeze_state_name((enum freeze_state)state)) + 16;
    }
    return top + LEGEND;
}

static double draw_bands(cairo_t *to, const struct chart *c, const struct frame *f, double top) {
    for (int i = 0; i < c->band_count; i++) {
        const struct chart_bands *b = &c->bands[i];
        use(to, colour_of(b->index));
        put_text(to, LEFT, top + TEXT, 0, TEXT, b->title);
        top += BAND_TITLE;
        for (int row = 0; row < b->row_count; row++, top += BAND)
            draw_band(to, f, b, row, top);
        top += 4;
    }
    return c->band_count ? draw_states(to, top + 4) : top;
}

// ---- The whole

static double draw_chart(cairo_t *to, const struct chart *c, double top) {
    struct frame f = {.x = chart_scale_x(c), .y = chart_scale_y(c)};
    use(to, ink);
    cairo_select_font_face(to, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    put_text(to, LEFT, top + 13, 0, 13, c->title);
    cairo_select_font_face(to, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    f.top = draw_legend(to, c, top + TITLE);
    draw_axes(to, c, &f);
    draw_marks(to, c, &f);
    for (int i = 0; i < c->line_count; i++)
        draw_curve(to, &f, &c->lines[i]);
    return draw_bands(to, c, &f, f.top + HEIGHT + AXIS) + GAP;
}

static double draw_all(cairo_t *to, const struct chart *charts, int count) {
    double top = TOP;
    cairo_set_source_rgb(to, 1, 1, 1);
    cairo_paint(to);
    for (int i = 0; i < count; i++)
        top = draw_chart(to, &charts[i], top);
    return top;
}

// How high the page must be, found by drawing it nowhere.
static double height_of(const struct chart *charts, int count) {
    cairo_surface_t *nowhere = cairo_recording_surface_create(CAIRO_CONTENT_COLOR, NULL);
    cairo_t *to = cairo_create(nowhere);
    double height = draw_all(to, charts, count);
    cairo_destroy(to);
    cairo_surface_destroy(nowhere);
    return ceil(height);
}

struct bytes {
    unsigned char *data;
    size_t size;
};

static cairo_status_t take(void *context, const unsigned char *data, unsigned int size) {
    struct bytes *b = context;
    b->data = xrealloc(b->data, b->size + size + 1);
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return CAIRO_STATUS_SUCCESS;
}

static cairo_status_t render(const struct chart *charts, int count, enum chart_format format,
                             struct bytes *out) {
    double height = height_of(charts, count), scale = format == CHART_PNG ? PNG_SCALE : 1;
    cairo_surface_t *page =
        format == CHART_PNG ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(WIDTH * scale),
                                                         (int)(height * scale))
                            : cairo_svg_surface_create_for_stream(take, out, WIDTH, height);
    cairo_t *to = cairo_create(page);
    cairo_scale(to, scale, scale);
    draw_all(to, charts, count);
    cairo_status_t status = cairo_status(to);
    cairo_destroy(to);
    if (status == CAIRO_STATUS_SUCCESS && format == CHART_PNG)
        status = cairo_surface_write_to_png_stream(page, take, out);
    cairo_surface_finish(page);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(page);
    cairo_surface_destroy(page);
    return status;
}

bool chart_save(const struct chart *charts, int count, const char *path, enum chart_format format,
                struct error *error) {
    struct bytes bytes = {0};
    cairo_status_t status = render(charts, count, format, &bytes);
    bool ok = status == CAIRO_STATUS_SUCCESS
                  ? files_write(path, bytes.data, bytes.size, error)
                  : error_run(error, "%s: cannot draw: %s", path, cairo_status_to_string(status));
    free(bytes.data);
    cairo_debug_reset_static_data(); // its fonts, and what it read to find them
    FcFini();
    return ok;
}
