// Shifts: seeded changes of a data set that make a new, related task, so that one can study what to
// thaw for it. Some change the images (in pixels of [0, 1], before normalisation, without
// clamping), some the labels.
//
//     noise SIGMA      adds normal noise of this deviation; a sample's noise is always the same
//     blur K           K x K mean, K odd; outside of the image are zeros, and the sum is divided by
//                      K * K everywhere, as a convolution with zero padding would
//     contrast F       multiplies by F
//     invert           1 - x
//     rotate DEGREES   about the centre, counter-clockwise, bilinear; zeros come in from outside
//     relabel SEED     a fixed random permutation of the class numbers that leaves none in place;
//                      depends on SEED and the number of classes alone
//     regroup "0 2 | 1 3"   each group of classes becomes one class, in this order; samples of
//     other
//                      classes are dropped
#ifndef THAW_DATASETS_SHIFT_H
#define THAW_DATASETS_SHIFT_H

#include "base/text.h"
#include "data/dataset.h"

enum shift_kind {
    SHIFT_NOISE,
    SHIFT_BLUR,
    SHIFT_CONTRAST,
    SHIFT_INVERT,
    SHIFT_ROTATE,
    SHIFT_RELABEL,
    SHIFT_REGROUP,
};

enum { SHIFT_CLASSES = 1024 };

// Added to a shift's number for images of other parts, so that their noise differs from the
// training images'.
enum { SHIFT_TEST = 1 << 16, SHIFT_VALIDATION = 1 << 17 };

// A plain value: nothing to free.
struct shift {
    enum shift_kind kind;
    double value;                 // SIGMA, K, F, DEGREES
    uint64_t seed;                // of relabel
    int groups;                   // of regroup
    int16_t group[SHIFT_CLASSES]; // 1 + the group that a class goes to; 0: dropped
};

// Reads one shift, as written above. Errors say what would be right.
bool shift_parse(const char *text, struct shift *out, struct error *error);

// Whether the shift suits the data set: regroup must name existing classes that have samples; texts
// take relabel and regroup alone.
bool shift_check(const struct shift *s, const struct dataset *d, struct error *error);

// The shifted data set; takes ownership of d, for which shift_check must have succeeded. `seed` and
// `number` (the shift's position in the experiment's list, plus SHIFT_TEST for test images) key the
// noise, with the sample's index in d: take subsets after shifting, not before.
struct dataset *shift_apply(struct dataset *d, const struct shift *s, uint64_t seed, int number);

// Appends one line per shift: how it is written, and what it does.
void shift_help(struct text *t);

#endif
