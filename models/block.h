// Dropout inside the blocks of an architecture of pictures (`model.block_dropout` of an
// experiment): in front of the last convolution, or linear layer, of each block, but never on the
// picture itself. In a residual block that is between its convolutions, behind the ReLU, where Wide
// ResNets have it (Zagoruyko and Komodakis, "Wide residual networks", BMVC 2016, section 2.4): the
// sum passes the shortcut untouched. In a plain network, whose blocks are of one layer, it is on
// what comes into each layer (Srivastava et al., "Dropout", JMLR 2014, section 6.1).
//
// It stands in front of weights of its block, so that it is on where these are trained and off
// where the block belongs to the gradient-free prefix, as the plan decides for all dropout.
#ifndef THAW_BLOCK_H
#define THAW_BLOCK_H

#include "model/build.h"

// A module of that name, without parameters; with a probability of 0 not even that.
int block_dropout(struct build *b, const char *name, int x, const struct arch_options *options);

#endif
