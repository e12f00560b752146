// The idx format of MNIST and its relatives, plain or packed with gzip: images and labels in two
// files of bytes. A file starts with 0, 0, 8 (unsigned bytes) and the number of dimensions; then
// come the sizes as 32-bit big-endian numbers, then the bytes, last dimension fastest.
//
// Readers are strict: magic, sizes, and the end of the data must be exactly right. Memory grows
// with what a file really holds, never with what its header claims. Errors name the file.
#ifndef THAW_DATASETS_IDX_H
#define THAW_DATASETS_IDX_H

#include "data/dataset.h"

// Images have three dimensions [n][h][w] or four [n][h][w][c] with up to 4 channels; labels have
// one.
enum idx_kind { IDX_IMAGES, IDX_LABELS };

struct idx {
    int count;
    struct shape shape; // of one image; 1x1x1 for labels
    unsigned char *data;
};

// The file's content; the caller frees it with idx_free. On an error out is empty.
bool idx_read(struct idx *out, enum idx_kind kind, const char *path, struct error *error);

// The same from memory; errors call it `name`.
bool idx_parse(struct idx *out, enum idx_kind kind, const void *bytes, size_t size,
               const char *name, struct error *error);

void idx_free(struct idx *x);

// What the bytes mean.
struct idx_meaning {
    const char *name;               // of the data set
    const char *const *class_names; // [classes]; NULL: "0", "1", ...
    int classes;                    // labels must be below; 0: highest label + 1
    float white;                    // the pixel value that becomes 1: 255, or 16 for the UCI digits
};

// Joins images and labels into a data set; both are emptied, also after an error (a different
// number of images and labels, a label out of range), which begins with `place`. NULL after an
// error.
struct dataset *idx_join(struct idx *images, struct idx *labels, const struct idx_meaning *meaning,
                         const char *place, struct error *error);

// All of it for two files.
struct dataset *idx_open(const char *images, const char *labels, const struct idx_meaning *meaning,
                         struct error *error);

#endif
