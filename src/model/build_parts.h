// What build.c (the tree) and build_layers.c (the leaves) share; nobody else includes it.
#ifndef THAW_BUILD_PARTS_H
#define THAW_BUILD_PARTS_H

#include "model/build.h"

struct build {
    struct model *model;
    struct error error; // the first one; after it nothing more is built
    int open;           // the innermost open container
    bool block, head;   // marks that wait for the next module
    struct shape *flat; // [node]: what a flatten flattened to make this vector; c == 0: none did
    int module_room, param_room, node_room;
    enum param_init conv_init, linear_init, bias_init;
    int init_fan;  // of INIT_NORMAL_TEXT
    bool language; // the logits are of tokens
};

// A node of `op` over x (and y, or -1), whose shape `op` infers. It belongs to a new leaf module of
// that name and kind, or, when the name is NULL, to the open container. Returns 0 after an error.
int build_node(struct build *b, const char *name, const char *kind, const struct operation *op,
               union op_attr attr, int x, int y);
// The same with three inputs.
int build_node_of(struct build *b, const char *name, const char *kind, const struct operation *op,
                  union op_attr attr, const int in[OP_INPUTS]);

// Appends a parameter to the module of the last node. Of p the caller sets kind, norm, dims,
// layout, flat, init and fan. Returns its index.
int build_param(struct build *b, const char *name, struct param p);

// A linear layer by `op`, which gives it `in` inputs an output; layout and flat are its weight's.
struct linear_parts {
    const char *kind;
    const struct operation *op;
    int in, out;
    bool bias;
    enum layout layout;
    struct shape flat;
};
int build_linear_of(struct build *b, const char *name, int x, const struct linear_parts *parts);

#endif
