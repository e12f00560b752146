// The network that an experiment asks for: architectures know no experiments.
#ifndef THAW_UI_NETWORK_H
#define THAW_UI_NETWORK_H

#include "experiment/experiment.h"
#include "model/model.h"

// For samples of this shape (sizes that are 0: the architecture's default), this many classes, and
// texts of this many different tokens (0: unknown, or no texts).
// NULL with an error that names the key. The caller closes the model.
struct model *network_build(const struct experiment *e, struct shape input, int classes,
                            int vocabulary, struct error *error);

// What says the sizes of the experiment's text model: a file, or the name of built-in weights, as
// in model.config; NULL: nothing does. The caller frees.
char *network_config(const struct experiment *e);

// Whether it is a language model, which needs no labels. An unknown one is none.
bool network_is_language(const struct experiment *e);

#endif
