// Which gradients of activations share a buffer: where backward makes the gradient of an input out
// of that of the output element by element (in place), or hands it on as it is (a sum).
#ifndef THAW_PLAN_SHARE_H
#define THAW_PLAN_SHARE_H

#include "plan/plan.h"

// owner[i]: the node in whose buffer the gradient of node i lies; i itself where it has its own.
// Owners come first in backward, so owner[i] >= i. wanted, grad_in and add_in must be marked.
void plan_share_gradients(const struct plan *plan, int *owner);

#endif
