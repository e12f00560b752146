// Enlarges or reduces the images of a data set.
#ifndef THAW_DATASETS_RESIZE_H
#define THAW_DATASETS_RESIZE_H

#include "data/dataset.h"

// Images of size x size pixels, by bilinear interpolation between pixel centres, as PyTorch's
// interpolate(mode="bilinear", align_corners=False, antialias=False): pixel i takes the source at
// (i + 1/2) * old / size - 1/2, held within the image. Takes ownership of d; gives it back
// unchanged when the size is right already.
struct dataset *resize_open(struct dataset *d, int size);

#endif
