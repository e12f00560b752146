// A YAML file that describes a tree in lists: each item is a text, or has a name and is a text or a
// list of its own. What the texts mean is the caller's.
//
//     layers:
//       - features: [conv 6 5, relu, maxpool 2]
//       - flatten
//       - fc: linear
#ifndef THAW_EXPERIMENT_TREE_H
#define THAW_EXPERIMENT_TREE_H

#include "base/error.h"
#include <stddef.h>

struct experiment_tree {
    char *name; // letters, digits and _; NULL: none was given
    char *text; // NULL: a list
    struct experiment_tree *items;
    int count;
    size_t line, column; // from 1
};

// Reads the list below the file's one key. Errors name file, line and column. A list has at least
// one item, all lists together at most 4096; it has no name twice, nor one that is the index of an
// item without a name. On success the caller closes *root, which is the list.
bool experiment_tree_read(struct experiment_tree *root, const char *path, const char *key,
                          struct error *error);
void experiment_tree_close(struct experiment_tree *root);

#endif
