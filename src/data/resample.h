// Reduces and enlarges images as PIL's resize(BILINEAR) does, and so torchvision's Resize on PIL
// images: a triangle filter, widened by the scale when reducing (antialiased), columns before rows.
// Images are [h][w][c], c fastest. Pure functions, safe from any thread.
#ifndef THAW_RESAMPLE_H
#define THAW_RESAMPLE_H

#include "base/shape.h"

// Part of an image, in pixels.
struct box {
    int top, left, h, w;
};

// Makes the part `source` of an image of shape `shape` h x w pixels large, and writes what of that
// lies in `window` as [window.h][window.w][c]. Nothing outside of `source` is looked at, as if it
// had been cut out before.
//
// Bytes are rounded after each of the two passes, with weights of 22 binary places: the same bytes
// as PIL's. Floats are summed in double and rounded to float after each pass.
void resample_bytes(const unsigned char *image, struct shape shape, struct box source, int h, int w,
                    struct box window, unsigned char *out);
void resample_floats(const float *image, struct shape shape, struct box source, int h, int w,
                     struct box window, float *out);

#endif
