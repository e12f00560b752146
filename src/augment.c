#include "augment.h"

#include "base/text.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

// Numbers of the draws; the resized crop's own are far behind (crop.h).
enum draw { DRAW_FLIP, DRAW_TOP, DRAW_LEFT, DRAW_ORDER = 8, DRAW_FACTOR = 16 };

enum { JITTERS = 3, PADDING_MAX = 64 };

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
        fine = count < JITTERS && text_to_real(word, &value) && value >= 0 && value <= 10;
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
    return error_set(error,
                     "data.augment: '%s' is not known; write 'flip', 'crop N' (1 to 64 pixels of "
                     "padding), 'random_resized_crop A' (least share of the area, such as 0.35) or "
                     "'jitter B C S' (brightness, contrast, saturation, such as 0.2 0.2 0.2)",
                     text);
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

void augment_jitter(int which, float factor, struct shape shape, float *image) {
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

void augment_colour(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                    struct shape shape, float *image) {
    static const int orders[6][JITTERS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                           {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    if (!(a->jitter[0] > 0 || a->jitter[1] > 0 || a->jitter[2] > 0))
        return;
    const int *order = orders[random_below(key, sample, view, DRAW_ORDER, 6)];
    for (int i = 0; i < JITTERS; i++) {
        float amount = a->jitter[order[i]], low = amount < 1 ? 1 - amount : 0;
        float draw = random_uniform(key, sample, view, DRAW_FACTOR + (uint64_t)order[i]);
        if (amount > 0)
            augment_jitter(order[i], low + draw * (1 + amount - low), shape, image);
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
