// What strategies choose among: a model cut into parts from the input to the head.
//
// A part is a block with, where that is a single layer, the layers right behind it (a convolution's
// BatchNorm); the head; or what lies before, between and behind those: the stem of a ResNet. Every
// parameter belongs to exactly one.
#ifndef THAW_STRATEGY_PARTS_H
#define THAW_STRATEGY_PARTS_H

#include "base/text.h"
#include "model/model.h"

struct part {
    int first, end;    // modules, in preorder
    char *name;        // its modules' names, with ", " between them: "conv1, bn1"
    size_t parameters; // elements of weights and biases; a tied storage counts where it comes first
    bool head;
};

struct parts {
    struct part *items; // [count], from the input on
    int count;
};

// Pure. Parts without weights or biases are left out. Close with parts_close.
struct parts parts_of(const struct model *model);
struct parts parts_copy(const struct parts *b);
void parts_close(struct parts *b);

// The part of a parameter (of a tied one: of its storage), or -1.
int parts_find(const struct parts *b, const struct model *model, int param);

// Names what is chosen by as few patterns as can be, from the input on: "conv1", "layer1", or
// "all". `chosen` says of each part. Each name comes behind `next`, the first one behind `first`.
void parts_name(const struct parts *b, const struct model *model, const bool *chosen,
                const char *first, const char *next, struct text *out);

#endif
