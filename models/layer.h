// One layer in words, such as "conv 32 3 stride 2" or "dropout 0.5": what the items of `model.head`
// and of a person's own network are written in.
#ifndef THAW_LAYER_H
#define THAW_LAYER_H

#include "base/text.h"
#include "model/build.h"

struct layer {
    const struct layer_kind *kind;
    double number[2]; // those behind the name, in order
    int numbers;      // how many were given
    int stride, pad, groups;
    bool bias;
};

// A word of the table, and what its numbers and options are.
struct layer_kind {
    const char *name, *usage; // "conv", "conv OUT KERNEL [stride N] ..."
    int least, most;          // numbers
    bool head;                // may stand in a head
    enum { TAKES_ANY, TAKES_IMAGE, TAKES_VECTOR } takes;
    bool flattens; // makes a vector of whatever it takes
    const char *options;
    int (*build)(struct build *b, const char *name, int x, const struct layer *layer, int classes);
};

// The table, ended by an entry without a name.
extern const struct layer_kind layer_kinds[];

// "linear, relu or dropout": all words, or those that may stand in a head, appended to t.
void layer_words(struct text *t, bool head);

// Reads one layer; an error says what would be right. `head`: only what may stand in a head.
bool layer_parse(struct layer *layer, const char *text, bool head, struct error *error);

bool layer_is_linear(const struct layer *layer);

// How many values a linear layer makes: `classes` where it does not say.
int layer_outputs(const struct layer *layer, int classes);

// Whether the layer can stand behind a vector (or behind an image); else an error.
bool layer_fits(const struct layer *layer, bool vector, struct shape in, struct error *error);

// Makes a module of that name; returns its node. The layer must fit; `vector` as in layer_fits.
int layer_build(struct build *b, const char *name, int x, const struct layer *layer, bool vector,
                int classes);

#endif
