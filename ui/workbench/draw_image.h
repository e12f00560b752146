// Pictures in the terminal: two pixels a cell as half blocks where there are 256 colours, shades of
// characters elsewhere. UI thread only.
#ifndef THAW_WORKBENCH_DRAW_IMAGE_H
#define THAW_WORKBENCH_DRAW_IMAGE_H

#include "ui/workbench/layout.h"

// A pixel's red, green and blue from 0 to 1, [h][w][3]; values outside are clamped.
struct image {
    const float *rgb;
    int w, h;
};

// Draws the image as large as the area allows with square pixels, at its top left. Returns the
// cells that it takes (h and w), also for an area that is only asked about (`draw` false).
struct area draw_image(struct area area, const struct image *image, bool draw);

#endif
