// The data sets that the program carries inside itself (datasets/embedded; licences beside them).
#ifndef THAW_DATASETS_EMBEDDED_H
#define THAW_DATASETS_EMBEDDED_H

#include "base/embed.h"
#include "datasets/idx.h"

// Packed idx files.
struct embedded_files {
    struct embedded images, labels;
};

struct embedded_pair {
    struct embedded_files train, test;
};

// 28x28 clothes, 10 classes: 3,000 training images (300 per class), 2,000 test images (200 per
// class).
struct embedded_pair embedded_fashion(void);

// 8x8 digits with pixels of 0 to 16: 1,000 training images, 797 test images.
struct embedded_pair embedded_digits(void);

// Unpacks one of them; NULL after an error.
struct dataset *embedded_open(struct embedded_files files, const struct idx_meaning *meaning,
                              struct error *error);

#endif
