#include "data/augment.h"

#include "base/text.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Numbers of the draws; the resized crop's own are far behind (crop.h).
enum draw { DRAW_FLIP, DRAW_TOP, DRAW_LEFT, DRAW_ORDER = 8, DRAW_HUE_PLACE, DRAW_FACTOR = 16 };

enum { HUE = 3, JITTERS = 4, PADDING_MAX = 64 };

static bool parse_crop(struct augment *a, const char *rest) {
    int64_t pixels;
    if (!text_to_int(rest, &pixels) || pixels < 1 || pixels > PADDING_MAX)
        return false;
    a->crop = (int)pixels;
    return true;
}

static bool parse_resized_crop(struct augment *a, const char *rest) {
    double share = 0.08;
    if (*rest && !text_to_real(rest, &share))
        return false;
    if (!(share >= 0.001 && share <= 1))
        return false;
    a->resized_crop = (float)share;
    return true;
}

static bool parse_jitter(struct augment *a, const char *rest) {
    char *copy = xstrdup(rest), *at = copy, *word;
    int count = 0;
    bool fine = true;
    while (fine && (word = strsep(&at, " "))) {
        double value = 0;
        if (!*word)
            continue;
        fine = count < JITTERS && text_to_real(word, &value) && value >= 0 &&
               value <= (count == HUE ? 0.5 : 10);
        if (fine)
            a->jitter[count++] = (float)value;
    }
    free(copy);
    return fine && count > 0;
}

static bool parse_flip(struct augment *a, const char *rest) {
    a->flip = true;
    return !*rest;
}

bool augment_parse(struct augment *a, const char *text, struct error *error) {
    static const struct {
        const char *name;
        bool (*parse)(struct augment *a, const char *rest);
    } words[] = {
        {"flip", parse_flip},
        {"crop", parse_crop},
        {"random_resized_crop", parse_resized_crop},
        {"jitter", parse_jitter},
    };
    size_t length = strcspn(text, " ");
    const char *rest = text + length + strspn(text + length, " ");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == length && strncmp(words[i].name, text, length) == 0 &&
            words[i].parse(a, rest))
            return true;
    return error_set(
        error,
        "data.augment: '%s' is not known; write 'flip', 'crop N' (1 to 64 pixels of "
        "padding), 'random_resized_crop A' (least share of the area, such as 0.35) or "
        "'jitter B C S H' (brightness, contrast, saturation, such as 0.2 0.2 0.2; hue, at "
        "most 0.5)",
        text);
}

static bool jitters(const struct augment *a) {
    for (int i = 0; i < JITTERS; i++)
        if (a->jitter[i] > 0)
            return true;
    return false;
}

bool augment_wanted(const struct augment *a) {
    return a->flip || a->crop > 0 || a->resized_crop > 0 || jitters(a);
}

bool augment_crop(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                  struct crop *out) {
    *out = (struct crop){key, sample, view, a->resized_crop};
    return a->resized_crop > 0;
}

static float hold(float value) {
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

// As torchvision's rgb_to_grayscale.
static float luma(const float *pixel, int c) {
    return c < 3 ? pixel[0] : 0.2989F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2];
}

static float mean_luma(struct shape shape, const float *image) {
    size_t pixels = (size_t)shape.h * (size_t)shape.w;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++)
        sum += (double)luma(image + i * (size_t)shape.c, shape.c);
    return (float)(sum / (double)pixels);
}

struct hsv {
    float h, s, v; // all from 0 to 1
};

// As torchvision's _rgb2hsv and _hsv2rgb, operation by operation in single precision.
static struct hsv to_hsv(const float *rgb) {
    float r = rgb[0], g = rgb[1], b = rgb[2];
    float most = fmaxf(fmaxf(r, g), b), range = most - fminf(fminf(r, g), b);
    float divisor = range > 0 ? range : 1;
    float rc = (most - r) / divisor, gc = (most - g) / divisor, bc = (most - b) / divisor;
    float h = most == r ? bc - gc : most == g ? 2 + rc - bc : 4 + gc - rc;
    return (struct hsv){fmodf(h / 6 + 1, 1), range > 0 ? range / most : 0, most};
}

static void from_hsv(struct hsv c, float *rgb) {
    // Which of v, p, q, t are red, green and blue in each sixth of the circle.
    static const unsigned char sixths[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3},
                                               {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
    float at = c.h * 6, sixth = floorf(at), f = at - sixth;
    float part[4] = {c.v, hold(c.v * (1 - c.s)), hold(c.v * (1 - c.s * f)),
                     hold(c.v * (1 - c.s * (1 - f)))};
    for (int i = 0; i < 3; i++)
        rgb[i] = part[sixths[(int)sixth % 6][i]];
}

// Turns every colour by a part of the circle, -0.5 to 0.5.
static void turn_hue(float turn, struct shape shape, float *image) {
    size_t pixels = (size_t)shape.h * (size_t)shape.w;
    for (size_t i = 0; i < pixels && shape.c >= 3; i++, image += shape.c) {
        struct hsv c = to_hsv(image);
        c.h = fmodf(c.h + turn, 1);
        c.h += c.h < 0 ? 1 : 0;
        from_hsv(c, image);
    }
}

void augment_jitter(int which, float factor, struct shape shape, float *image) {
    if (which == HUE) {
        turn_hue(factor, shape, image);
        return;
    }
    size_t pixels = (size_t)shape.h * (size_t)shape.w;
    float mean = which == 1 ? mean_luma(shape, image) : 0;
    if (which == 2 && shape.c < 3)
        return;
    for (size_t i = 0; i < pixels; i++, image += shape.c) {
        float other = which == 2 ? luma(image, shape.c) : mean;
        for (int c = 0; c < shape.c; c++)
            image[c] = hold(factor * image[c] + (1 - factor) * other);
    }
}

// Every order of the four is as likely as any other: one of the first three's, and hue somewhere in
// it.
static void draw_order(struct random_key key, uint32_t sample, uint32_t view, int *order) {
    static const int orders[6][HUE] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const int *rest = orders[random_below(key, sample, view, DRAW_ORDER, 6)];
    int hue = (int)random_below(key, sample, view, DRAW_HUE_PLACE, JITTERS);
    for (int i = 0; i < JITTERS; i++)
        order[i] = i == hue ? HUE : *rest++;
}

void augment_colour(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                    struct shape shape, float *image) {
    int order[JITTERS];
    if (!jitters(a))
        return;
    draw_order(key, sample, view, order);
    for (int i = 0; i < JITTERS; i++) {
        float amount = a->jitter[order[i]], middle = order[i] == HUE ? 0 : 1;
        float low = order[i] == HUE ? -amount : amount < 1 ? 1 - amount : 0;
        float draw = random_uniform(key, sample, view, DRAW_FACTOR + (uint64_t)order[i]);
        if (amount > 0)
            augment_jitter(order[i], low + draw * (middle + amount - low), shape, image);
    }
}

// Writes the image as seen through a window that starts `top` rows below and `left` columns right
// of the image's corner; outside of the image are zeros.
static void place(const float *image, struct shape s, bool flip, int top, int left, float *out) {
    size_t pixel = (size_t)s.c * sizeof *out;
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++, out += s.c) {
            int from_y = y + top, from_x = x + left;
            if (from_y < 0 || from_y >= s.h || from_x < 0 || from_x >= s.w) {
                memset(out, 0, pixel);
                continue;
            }
            if (flip)
                from_x = s.w - 1 - from_x;
            memcpy(out, image + ((size_t)from_y * (size_t)s.w + (size_t)from_x) * (size_t)s.c,
                   pixel);
        }
}

void augment_place(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                   struct shape shape, const float *image, float *out) {
    int top = 0, left = 0;
    bool flip = a->flip && random_below(key, sample, view, DRAW_FLIP, 2) == 1;
    if (a->crop > 0) {
        uint32_t places = 2 * (uint32_t)a->crop + 1;
        top = (int)random_below(key, sample, view, DRAW_TOP, places) - a->crop;
        left = (int)random_below(key, sample, view, DRAW_LEFT, places) - a->crop;
    }
    place(image, shape, flip, top, left, out);
}
