// Curves for readers: bounded memory over any number of steps; when decimated, minimum and maximum
// stay, so that a curve keeps its shape. Not thread-safe: the reader owns it.
#ifndef THAW_HISTORY_H
#define THAW_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

enum { HISTORY_BUCKETS = 2048 };

// Steps first .. last (both included) in one.
struct bucket {
    int64_t first, last;
    float low, high; // NAN: no finite value in it
    double mean;     // of the finite values; NAN as above
    int64_t count;   // finite values
    int64_t held;    // values, with those that are not finite
};

// Zero-initialise: an empty series.
struct series {
    struct bucket *buckets; // rising steps
    int count;
    int64_t stride; // values that a full bucket holds; doubles when the series is full
};

void series_close(struct series *s);

// One of its own with the same values.
struct series series_copy(const struct series *s);

// The last step; 0 when there is none.
int64_t series_last(const struct series *s);

// Appends a value; steps must not fall. A value that is not finite counts as a gap.
void series_add(struct series *s, int64_t step, double value);

// Drops everything after `step` (a rewind). A bucket with steps on both sides goes as a whole: what
// is left never shows a value from behind the cut.
void series_cut(struct series *s, int64_t step);

// Lowest and highest value within steps from..to; false when there is none.
bool series_range(const struct series *s, int64_t from, int64_t to, float *low, float *high);

// The bucket that holds the step nearest to `step`, or NULL.
const struct bucket *series_at(const struct series *s, int64_t step);

#endif
