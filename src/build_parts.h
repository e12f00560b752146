// What build.c (the tree) and build_layers.c (the leaves) share; nobody else includes it.
#ifndef THAW_BUILD_PARTS_H
#define THAW_BUILD_PARTS_H

#include "build.h"

struct build {
    struct model *model;
    struct error error; // the first one; after it nothing more is built
    int open;           // the innermost open container
    bool block, head;   // marks that wait for the next module
    struct shape *flat; // [node]: what a flatten flattened to make this vector; c == 0: none did
    int module_room, param_room, node_room;
    enum param_init conv_init, linear_init, bias_init;
};

// A node of `op` over x (and y, or -1), whose shape `op` infers. It belongs to a new leaf module of
// that name and kind, or, when the name is NULL, to the open container. Returns 0 after an error.
int build_node(struct build *b, const char *name, const char *kind, const struct operation *op,
               union op_attr attr, int x, int y);

// Appends a parameter to the module of the last node. Of p the caller sets kind, norm, dims,
// layout, flat, init and fan. Returns its index.
int build_param(struct build *b, const char *name, struct param p);

#endif
