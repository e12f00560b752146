// The shifts that change images.
#ifndef THAW_DATASETS_SHIFT_IMAGE_H
#define THAW_DATASETS_SHIFT_IMAGE_H

#include "datasets/shift.h"

// As shift_apply.
struct dataset *shift_image_apply(struct dataset *d, const struct shift *s, uint64_t seed,
                                  int number);

#endif
