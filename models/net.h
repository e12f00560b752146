// A person's own network, described in a YAML file (`model.file` of an experiment): a chain of
// layers in words (models/layer.h), some in named lists, which become Sequentials.
//
//     layers:
//       - features:
//           - conv 6 5 pad 2
//           - relu
//           - maxpool 2
//       - flatten
//       - fc1: linear 120
//       - relu
//       - fc2: linear
//
// Names are as PyTorch's Sequential would have them: an item without a name is called by its index.
// A list that holds layers is a block to thaw, as is a convolution or linear layer in no list; the
// last item of all is the head.
#ifndef THAW_NET_H
#define THAW_NET_H

#include "model/build.h"

// Of the options input (all three sizes), classes and head count: a head replaces the last item.
// Errors name file, line and column. The caller closes the model.
struct model *net_build(const char *path, const struct arch_options *options, struct error *error);

#endif
