// Labelled samples, seen through one small interface: readers implement it, shifts and subsets wrap
// it. Pixels are floats in [0, 1] before normalisation; a shift may leave that range. A text has
// the shape {longest, 1, 1}: its token ids as whole numbers, one or more, and -1 behind them.
#ifndef THAW_DATASET_H
#define THAW_DATASET_H

#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/shape.h"
#include "data/crop.h"
#include <stdint.h>

// A text for a person to read; both in UTF-8. Free with sample_text_close.
struct sample_text {
    char *text;
    char *tokens; // all those that the network sees, as the vocabulary spells them, between spaces
};
void sample_text_close(struct sample_text *t);

// Token ids with a meaning: of [MASK], and of what stands around each text; -1: none.
struct dataset_marks {
    int mask, before, after;
};

struct dataset {
    char *name;
    struct shape shape; // of one sample
    int count, classes;
    char **class_names; // [classes]
    int *labels;        // [count], 0..classes-1
    int *groups;        // [count]: samples with one number stay together; NULL: each is alone
    // Writes sample `index` as [h][w][c] floats. A pure function, safe from any thread. Where the
    // data cannot be read after all, zeros.
    void (*read)(const struct dataset *d, int index, float *out);
    // The same for data that may turn out unreadable (false, with an error), or that is better
    // cropped before it is reduced. `crop` may be NULL. NULL: what dataset_fetch makes of `read`.
    bool (*fetch)(const struct dataset *d, int index, const struct crop *crop, float *out,
                  struct error *error);
    // A hash of what sample `index` is made from: samples with equal ones are equal, also in
    // another process. Safe from any thread; files must not change while they are in use. False
    // when it cannot be read. NULL: what dataset_hash makes of `fetch` or `read`.
    bool (*hash)(const struct dataset *d, int index, struct hash128 *out);
    int vocabulary; // token ids of texts are below this; 0: the samples are no texts
    struct dataset_marks marks;
    // The text of a sample. Safe from any thread. NULL: the samples are no texts.
    void (*show)(const struct dataset *d, int index, struct sample_text *out);
    // How a token id is spelled, static as long as d. NULL: the samples are no texts.
    const char *(*spell)(const struct dataset *d, int id);
    bool slow;                          // a sample takes long enough to be worth several threads
    void (*release)(struct dataset *d); // frees self; NULL when there is nothing to free
    void *self;
    int sharers; // owners beside the first
};

// One more owner of d, who closes it too: for two subsets of one data set. Returns d. Not
// thread-safe.
struct dataset *dataset_share(struct dataset *d);

// For readers and wrappers to complete: labels are 0; read, release and self are still to be set.
// The names are copied; class_names NULL names the classes "0", "1", ...
struct dataset *dataset_new(const char *name, struct shape shape, int count, int classes,
                            const char *const *class_names);

// A new one with name, shape, labels and classes like d's, for a wrapper to change and complete.
struct dataset *dataset_like(const struct dataset *d);

// Sample `index`, or a random crop of it made as large as the sample (crop NULL: none). The error
// of a sample that cannot be read says which. Safe from any thread.
bool dataset_fetch(const struct dataset *d, int index, const struct crop *crop, float *out,
                   struct error *error);

// A hash of sample `index`, as d->hash has it.
bool dataset_hash(const struct dataset *d, int index, struct hash128 *out);

// NULL is fine.
void dataset_close(struct dataset *d);

// The chosen samples of d, in the order of `index` (copied). Takes ownership of d.
struct dataset *dataset_subset(struct dataset *d, const int *index, int count);

// How many groups there are; 0 when the data has none.
int dataset_group_count(const struct dataset *d);

// Splits 0..count-1 class by class, by a seeded permutation within each class: `limit` training
// samples per class (0: all that remain) from its start, and `validation` samples (a fraction of
// the class below 1, rounded to the nearest number, or a number per class from 1 on) from its end.
// Deterministic: depends on labels, seed and the two numbers alone; a larger limit keeps the
// smaller one's samples, and neither number changes what the other one chooses. Both lists ascend;
// the caller frees them with split_close. An error when a class has too few samples (one must
// remain for training) says which, have and need; a class without any sample is left out.
//
// Of data with groups, a group never has samples in both lists. What `validation` asks of each
// class is a goal then. Starting with all in training, groups come in a seeded order, up to 20
// times, and each one changes sides if that brings the classes nearer to their goals (less in sum
// of squares of (held back - goal) / samples of the class), as long as enough of each class remains
// for training. So a class whose groups have samples of no other one ends within half of its
// largest group of its goal, if enough remains. `limit` chooses among what is not held back; a
// larger one may hold back less, and only then changes what the other number chooses.
struct split {
    int *train, *validation;
    int train_count, validation_count;
};
bool dataset_split(const struct dataset *d, uint64_t seed, int limit, double validation,
                   struct split *out, struct error *error);
void split_close(struct split *s);

#endif
