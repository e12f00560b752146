// Random changes made to training samples. Every draw is keyed by seed, sample and view (the
// epoch), so that nothing else can shift it. Pure functions, safe from any thread.
#ifndef THAW_AUGMENT_H
#define THAW_AUGMENT_H

#include "base/error.h"
#include "data/crop.h"

struct augment {
    bool flip; // mirror left to right with probability 1/2
    int crop;  // random crop from the image padded with this many zeros (after normalising,
               // as padding the pixels with the mean); 0: none
    float resized_crop; // least share of the area of a random resized crop (crop.h); 0: none
    // Brightness, contrast and saturation are each changed by a factor of 1 - j to 1 + j, not below
    // 0, and hue by -j to j of the colour circle (j at most 0.5), in random order, as torchvision's
    // ColorJitter does with float tensors: the result is held within 0 and 1 each time. Grey images
    // have no saturation and no hue.
    float jitter[4];
};

// Adds one entry of data.augment: "flip", "crop 2", "random_resized_crop 0.35" (0.08 without a
// number), "jitter 0.2 0.2 0.2 0.05". Errors say what would be right.
bool augment_parse(struct augment *a, const char *text, struct error *error);

// Whether anything is asked for.
bool augment_wanted(const struct augment *a);

// The random resized crop of this view; false when none is asked for.
bool augment_crop(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                  struct crop *out);

// Jitters pixels of 0 to 1 in place, before they are normalised.
void augment_colour(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                    struct shape shape, float *image);

// Writes the normalised image, mirrored and cropped, to out.
void augment_place(const struct augment *a, struct random_key key, uint32_t sample, uint32_t view,
                   struct shape shape, const float *image, float *out);

// One jitter with a given factor, for tests: 0 brightness, 1 contrast, 2 saturation, 3 hue.
void augment_jitter(int which, float factor, struct shape shape, float *image);

#endif
