// The classifier of an architecture: its own, or the stack of layers that the options give in its
// place (`model.head` of an experiment), as in PyTorch one would set model.fc = nn.Sequential(...).
#ifndef THAW_HEAD_H
#define THAW_HEAD_H

#include "model/build.h"

// Which token of a text its classes are told from (model.pool), an enum token_pool; or that it is
// the mean over all.
enum { HEAD_ALL_TOKENS = -1 };
int head_token(const struct arch_options *options, enum token_pool by_default);

// A linear layer of that name, marked as the head, and behind the dropout of the options, which has
// no module; or, where the options have a head, head_stack.
int head_linear(struct build *b, const char *name, int x, const struct arch_options *options);

// The same, but dropout and linear layer are children "0" and "1" of a Sequential of that name.
int head_dropout_linear(struct build *b, const char *name, int x,
                        const struct arch_options *options);

// The layers of options->head, children of a Sequential of that name, which is marked as the head.
// Initialised as PyTorch does by default, whatever the architecture does. A stack that does not fit
// is refused with its place, its shapes and what would fit.
int head_stack(struct build *b, const char *name, int x, const struct arch_options *options);

#endif
