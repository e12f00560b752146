// Weights that thaw trained itself and carries inside the program; each has a model card beside it
// in models/pretrained.
#ifndef THAW_PRETRAINED_H
#define THAW_PRETRAINED_H

#include "base/embed.h"
#include "base/error.h"

struct pretrained {
    const char *name; // "fashion-resnet20"
    const char *arch, *help;
    struct embedded (*file)(void); // a safetensors file
    // Of texts:
    struct embedded (*config)(void); // config.json; NULL: the architecture's own sizes
    const char *tokenizer;           // a built-in one; NULL: none
};

// The table, ended by an entry without a name.
extern const struct pretrained pretrained_models[];

// By name, or NULL with an error that lists the nearest names.
const struct pretrained *pretrained_find(const char *name, struct error *error);

#endif
