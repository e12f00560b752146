// A batch of images seen with zeros around each, and its division into grid rows: what the passes
// of conv2d walk over. Padded rows of the whole batch are numbered through, padded_h for each
// sample, and so are grid rows, `rows` for each sample: a piece of work is a range of grid rows
// wherever samples begin and end.
#ifndef THAW_OPS_CONV2D_IMAGE_H
#define THAW_OPS_CONV2D_IMAGE_H

#include "base/shape.h"

struct conv2d_image {
    const float *data;  // of the batch: row y of a sample begins at y * row_step, its pixels are
    struct shape shape; // pixel_step floats apart
    size_t sample_step, row_step, pixel_step;
    int top, left, padded_h, padded_w; // the image stands at (top, left) of the padded one,
    int pixel;                         // whose pixels are so many floats apart in a strip
    int rows; // grid rows per sample: grid row y reads the padded rows from y * step on,
    int step; // `window` of them
    int window;
};

// The padded row where grid row `row` of the batch begins.
int64_t conv2d_image_at(const struct conv2d_image *image, int row);

// Of images that lie densely, [n][shape], in strips as dense.
struct conv2d_image conv2d_image_dense(const float *data, struct shape shape);

// Sets pixels of strips apart where those that one tile of a product reads together would all fall
// into the same few lines of the first cache.
void conv2d_image_spread(struct conv2d_image *image);

// Floats of the widest strip of `rows` grid rows; 0 when the images are read where they are.
size_t conv2d_image_floats(const struct conv2d_image *image, int rows);

// How many grid rows make a strip that stays in cache: at least 1, at most `most`.
int conv2d_image_strip_rows(const struct conv2d_image *image, int most);

// The padded rows that grid rows first .. first + count - 1 read, contiguous, [padded_w][pixel]:
// copied to `buffer`, or in place when the images lie there as a strip would.
const float *conv2d_image_strip(const struct conv2d_image *image, int first, int count,
                                float *buffer);

#endif
