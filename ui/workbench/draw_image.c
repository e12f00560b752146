#include "ui/workbench/draw_image.h"
#include "ui/workbench/draw.h"
#include <curses.h>
#include <math.h>
#include <stddef.h>

// Colour pairs of pictures stand behind those of the theme; when they run out they start anew.
enum { PAIR_FIRST = 256, PAIR_MOST = 4096, CUBE = 16, GREY = 232 };

static double limited(double value) {
    return value > 1 ? 1 : value > 0 ? value : 0;
}

// The mean of the source pixels under pixel (x, y) of a picture w x h large, per channel.
static void sample(const struct image *image, int w, int h, int x, int y, double rgb[3]) {
    int x0 = x * image->w / w, x1 = (x + 1) * image->w / w, y0 = y * image->h / h,
        y1 = (y + 1) * image->h / h, count = 0;
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int j = y0; j < (y1 > y0 ? y1 : y0 + 1); j++)
        for (int i = x0; i < (x1 > x0 ? x1 : x0 + 1); i++, count++)
            for (int c = 0; c < 3; c++)
                rgb[c] += limited(image->rgb[((ptrdiff_t)j * image->w + i) * 3 + c]);
    for (int c = 0; c < 3; c++)
        rgb[c] /= count;
}

// The nearest of xterm's 256 colours: a grey of the ramp, or one of the 6x6x6 cube.
static int nearest_colour(const double rgb[3]) {
    double low = fmin(rgb[0], fmin(rgb[1], rgb[2])), high = fmax(rgb[0], fmax(rgb[1], rgb[2]));
    if (high - low < 0.06) {
        int grey = (int)lrint((rgb[0] + rgb[1] + rgb[2]) / 3 * 25);
        return grey == 0 ? CUBE : grey >= 25 ? CUBE + 215 : GREY + grey - 1;
    }
    int level[3]; // the cube's levels are 0, 95, 135, 175, 215, 255 of 255
    for (int c = 0; c < 3; c++) {
        double v = rgb[c] * 255;
        level[c] = v < 48 ? 0 : v < 115 ? 1 : (int)lrint((v - 55) / 40);
    }
    return CUBE + 36 * level[0] + 6 * level[1] + level[2];
}

static int most_pairs(void) {
    int most = COLOR_PAIRS < PAIR_FIRST + PAIR_MOST ? COLOR_PAIRS - PAIR_FIRST : PAIR_MOST;
    return most > 0 ? most : 0;
}

// A pair for two colours: the same one as long as there is room for all.
static int pair_of(int above, int below) {
    static int known[PAIR_MOST], count;
    int key = above << 8 | below, most = most_pairs();
    for (int i = 0; i < count && i < most; i++)
        if (known[i] == key)
            return PAIR_FIRST + i;
    int at = count++ % most;
    known[at] = key;
    init_extended_pair(PAIR_FIRST + at, theme_colour(above), theme_colour(below));
    return PAIR_FIRST + at;
}

static bool colourful(void) {
    return theme_now()->colour && !theme_ascii() && has_colors() && COLORS >= 256 &&
           most_pairs() > 1024;
}

static void half_block(int row, int column, const double above[3], const double below[3]) {
    int pair = pair_of(nearest_colour(above), nearest_colour(below));
    cchar_t cell;
    setcchar(&cell, L"\u2580", A_NORMAL, 0, &pair);
    mvadd_wch(row, column, &cell);
}

static void shade(struct area area, int row, int column, const double above[3],
                  const double below[3]) {
    static const char *const steps[] = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
    double sum = 0;
    for (int c = 0; c < 3; c++)
        sum += above[c] + below[c];
    draw_text(area, row, column, 1, STYLE_NORMAL, steps[(int)lrint(sum / 6 * 9)]);
}

struct area draw_image(struct area area, const struct image *image, bool draw) {
    double scale = fmin((double)area.w / image->w, 2.0 * area.h / image->h);
    if (scale >= 1)
        scale = floor(scale);
    int w = (int)(image->w * scale), h = (int)(image->h * scale) / 2;
    bool colour = draw && colourful();
    for (int y = 0; draw && y < h; y++)
        for (int x = 0; x < w; x++) {
            double above[3], below[3];
            sample(image, w, 2 * h, x, 2 * y, above);
            sample(image, w, 2 * h, x, 2 * y + 1, below);
            if (colour)
                half_block(area.y + y, area.x + x, above, below);
            else
                shade(area, y, x, above, below);
        }
    return (struct area){area.y, area.x, h > 0 ? h : 0, w > 0 ? w : 0};
}
