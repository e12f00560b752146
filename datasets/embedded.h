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

// Definitions of nouns, as a packed TSV of label, text and split: 14 classes, 300 of each for
// training and 200 for testing. And the WordPiece vocabulary of 8,000 lower-case pieces made with
// them, as a packed vocab.txt.
struct embedded embedded_definitions(void);
struct embedded embedded_wordnet_vocabulary(void);

// Unpacks a packed file; the caller frees *out.
bool embedded_unpack(struct embedded file, const char *name, char **out, size_t *size,
                     struct error *error);

// Unpacks a pair of idx files; NULL after an error.
struct dataset *embedded_open(struct embedded_files files, const struct idx_meaning *meaning,
                              struct error *error);

#endif
