// Random resized crops, with the boxes of torchvision's RandomResizedCrop (get_params) for the same
// draws: a box of at least a share of the image's area and an aspect ratio of 3/4 to 4/3, ten times
// tried; if none fits, the largest box in the centre with a permitted ratio.
#ifndef THAW_CROP_H
#define THAW_CROP_H

#include "base/random.h"
#include "data/resample.h"

// One random crop: a pure function of these and of the image's size.
struct crop {
    struct random_key key;
    uint32_t sample, view;
    float least; // share of the area, above 0, at most 1
};

enum { CROP_FIRST = 64 }; // number of the first draw of random_word

struct box crop_box(const struct crop *c, int h, int w);

// One try: sets h and w of the box from two draws in [0, 1), in single precision as torchvision
// does; false when it does not fit in the image.
bool crop_try(float least, float area_draw, float ratio_draw, int h, int w, struct box *out);

// What is taken when no try fits.
struct box crop_centre(int h, int w);

// torchvision's Resize(shorter) and CenterCrop(size): the image is made full_h x full_w pixels
// large, its shorter side `shorter` (at least `size`), and this window of it is taken.
struct box crop_fit(int h, int w, int shorter, int size, int *full_h, int *full_w);

#endif
