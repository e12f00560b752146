#include "ops/conv2d_image.h"
#include "base/kernels.h"
#include <string.h>

enum {
    STRIP_FLOATS = 1 << 16, // a quarter of a megabyte: with a panel of weights it stays in L2
    CACHE_SETS = 1024,      // floats from one line of the first cache to the next of the same set
};

struct conv2d_image conv2d_image_dense(const float *data, struct shape shape) {
    return (struct conv2d_image){.data = data,
                                 .shape = shape,
                                 .sample_step = shape_count(shape),
                                 .row_step = (size_t)shape.w * (size_t)shape.c,
                                 .pixel_step = (size_t)shape.c,
                                 .padded_h = shape.h,
                                 .padded_w = shape.w,
                                 .pixel = shape.c};
}

void conv2d_image_spread(struct conv2d_image *image) {
    if (image->step * image->pixel % CACHE_SETS == 0)
        image->pixel += CACHE_LINE;
}

static size_t conv2d_image_pitch(const struct conv2d_image *image) {
    return (size_t)image->padded_w * (size_t)image->pixel;
}

// The batch lies there as a strip of all its rows would.
static bool conv2d_image_bare(const struct conv2d_image *image) {
    return image->padded_h == image->shape.h && image->padded_w == image->shape.w &&
           image->pixel_step == (size_t)image->pixel &&
           image->row_step == conv2d_image_pitch(image) &&
           image->sample_step == (size_t)image->padded_h * image->row_step;
}

int64_t conv2d_image_at(const struct conv2d_image *image, int row) {
    const int sample = row / image->rows;
    return (int64_t)sample * image->padded_h + (int64_t)(row % image->rows) * image->step;
}

size_t conv2d_image_floats(const struct conv2d_image *image, int rows) {
    if (conv2d_image_bare(image))
        return 0;
    // Where samples meet, a grid row is further from the next than `step`.
    const int meets = (rows - 1) / image->rows + 1;
    const int gap = image->padded_h - image->rows * image->step;
    const size_t high =
        (size_t)((rows - 1) * image->step + image->window + (gap > 0 ? meets * gap : 0));
    return high * conv2d_image_pitch(image);
}

int conv2d_image_strip_rows(const struct conv2d_image *image, int most) {
    const size_t fit = STRIP_FLOATS / (conv2d_image_pitch(image) * (size_t)image->step);
    if (fit < 1)
        return 1;
    return fit < (size_t)most ? (int)fit : most;
}

static void conv2d_image_copy_row(const struct conv2d_image *image, int64_t row, float *to) {
    const struct shape s = image->shape;
    const int64_t sample = row / image->padded_h, y = row % image->padded_h - image->top;
    const size_t pitch = conv2d_image_pitch(image), pixel = (size_t)image->pixel;
    if (y < 0 || y >= s.h) {
        memset(to, 0, pitch * sizeof *to);
        return;
    }
    const size_t left = (size_t)image->left * pixel, wide = (size_t)s.w * pixel;
    const float *from =
        image->data + (size_t)sample * image->sample_step + (size_t)y * image->row_step;
    memset(to, 0, left * sizeof *to);
    if (image->pixel_step == pixel)
        memcpy(to + left, from, wide * sizeof *to);
    else
        for (size_t x = 0; x < (size_t)s.w; x++)
            memcpy(to + left + x * pixel, from + x * image->pixel_step, (size_t)s.c * sizeof *to);
    memset(to + left + wide, 0, (pitch - left - wide) * sizeof *to);
}

const float *conv2d_image_strip(const struct conv2d_image *image, int first, int count,
                                float *buffer) {
    const size_t pitch = conv2d_image_pitch(image);
    const int64_t from = conv2d_image_at(image, first);
    if (conv2d_image_bare(image))
        return image->data + (size_t)from * pitch;
    const int64_t end = conv2d_image_at(image, first + count - 1) + image->window;
    for (int64_t row = from; row < end; row++)
        conv2d_image_copy_row(image, row, buffer + (size_t)(row - from) * pitch);
    return buffer;
}
