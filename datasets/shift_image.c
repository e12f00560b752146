#include "datasets/shift_image.h"

#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct shifted {
    struct dataset *inner;
    enum shift_kind kind;
    float value;
    double sine, cosine; // of the angle
    struct random_key key;
    uint64_t seed; // that it is of
    uint32_t number;
};

static void add_noise(const struct shifted *s, int index, size_t size, float *image) {
    for (size_t i = 0; i < size; i++)
        image[i] += s->value * random_normal(s->key, (uint32_t)index, s->number, i);
}

// Sums over 2 * reach + 1 neighbours on one axis, whose positions are `stride` apart; `line` holds
// `count` numbers.
static void sum_line(float *at, int count, size_t stride, int reach, float *line) {
    for (int i = 0; i < count; i++)
        line[i] = at[(size_t)i * stride];
    for (int i = 0; i < count; i++) {
        int first = i > reach ? i - reach : 0;
        int last = i + reach < count ? i + reach : count - 1;
        float sum = 0;
        for (int j = first; j <= last; j++)
            sum += line[j];
        at[(size_t)i * stride] = sum;
    }
}

static void blur(const struct shifted *s, struct shape shape, float *image) {
    int reach = (int)s->value / 2;
    size_t c = (size_t)shape.c, row = (size_t)shape.w * c, size = shape_count(shape);
    int longest = shape.h > shape.w ? shape.h : shape.w;
    float *line = xmalloc((size_t)longest * sizeof *line);
    for (size_t y = 0; y < (size_t)shape.h; y++)
        for (size_t k = 0; k < c; k++)
            sum_line(image + y * row + k, shape.w, c, reach, line);
    for (size_t i = 0; i < row; i++)
        sum_line(image + i, shape.h, row, reach, line);
    for (size_t i = 0; i < size; i++)
        image[i] /= s->value * s->value;
    free(line);
}

static float pixel(const float *image, struct shape s, int y, int x, int c) {
    if (y < 0 || y >= s.h || x < 0 || x >= s.w)
        return 0;
    return image[((size_t)y * (size_t)s.w + (size_t)x) * (size_t)s.c + (size_t)c];
}

static void rotate(const struct shifted *s, struct shape shape, float *image) {
    size_t size = shape_count(shape);
    float *from = xmemdup(image, size * sizeof *from);
    double middle_y = (shape.h - 1) / 2.0, middle_x = (shape.w - 1) / 2.0;
    for (int y = 0; y < shape.h; y++)
        for (int x = 0; x < shape.w; x++) {
            // Where this pixel comes from: turned back, with y pointing down.
            double at_y = middle_y + s->sine * (x - middle_x) + s->cosine * (y - middle_y);
            double at_x = middle_x + s->cosine * (x - middle_x) - s->sine * (y - middle_y);
            int top = (int)floor(at_y), left = (int)floor(at_x);
            float v = (float)(at_y - top), u = (float)(at_x - left);
            for (int c = 0; c < shape.c; c++) {
                float upper = (1 - u) * pixel(from, shape, top, left, c) +
                              u * pixel(from, shape, top, left + 1, c);
                float lower = (1 - u) * pixel(from, shape, top + 1, left, c) +
                              u * pixel(from, shape, top + 1, left + 1, c);
                *image++ = (1 - v) * upper + v * lower;
            }
        }
    free(from);
}

static void change(const struct dataset *d, int index, float *out) {
    const struct shifted *s = d->self;
    size_t size = shape_count(d->shape);
    if (s->kind == SHIFT_NOISE)
        add_noise(s, index, size, out);
    else if (s->kind == SHIFT_BLUR)
        blur(s, d->shape, out);
    else if (s->kind == SHIFT_ROTATE)
        rotate(s, d->shape, out);
    else if (s->kind == SHIFT_CONTRAST)
        for (size_t i = 0; i < size; i++)
            out[i] *= s->value;
    else
        for (size_t i = 0; i < size; i++)
            out[i] = 1 - out[i];
}

static void shifted_read(const struct dataset *d, int index, float *out) {
    const struct shifted *s = d->self;
    s->inner->read(s->inner, index, out);
    change(d, index, out);
}

// A crop is taken before the shift.
static bool shifted_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                          struct error *error) {
    const struct shifted *s = d->self;
    if (!dataset_fetch(s->inner, index, crop, out, error))
        return false;
    change(d, index, out);
    return true;
}

// Noise is drawn for an index; all other changes are the same for every sample.
static bool shifted_hash(const struct dataset *d, int index, struct hash128 *out) {
    const struct shifted *s = d->self;
    bool noise = s->kind == SHIFT_NOISE;
    double change[] = {(double)s->kind, (double)s->value, s->sine, s->cosine};
    uint64_t draw[] = {s->seed, s->number, (uint64_t)index};
    if (!dataset_hash(s->inner, index, out))
        return false;
    *out = hash128_more(*out, change, sizeof change);
    if (noise)
        *out = hash128_more(*out, draw, sizeof draw);
    return true;
}

static void shifted_release(struct dataset *d) {
    struct shifted *s = d->self;
    dataset_close(s->inner);
    free(s);
}

struct dataset *shift_image_apply(struct dataset *inner, const struct shift *shift, uint64_t seed,
                                  int number) {
    struct dataset *d = dataset_like(inner);
    struct shifted *s = xmalloc(sizeof *s);
    double angle = shift->kind == SHIFT_ROTATE ? shift->value * M_PI / 180 : 0;
    *s = (struct shifted){
        .inner = inner,
        .kind = shift->kind,
        .value = (float)shift->value,
        .sine = sin(angle),
        .cosine = cos(angle),
        .seed = seed,
        .key = random_key(seed, RANDOM_SHIFT, 0),
        .number = (uint32_t)number,
    };
    d->read = shifted_read;
    d->fetch = shifted_fetch;
    d->hash = shifted_hash;
    d->release = shifted_release;
    d->self = s;
    return d;
}
