// The network on the task that it was pretrained on, where the head for that task has been
// replaced: the old head behind the body as it is now. It tells what the body's features have lost
// for the old task.
#ifndef THAW_OLD_NETWORK_H
#define THAW_OLD_NETWORK_H

#include "model/model.h"

struct old_network {
    struct model *model;
    struct weights weights; // as in the pretrained file; the body is overwritten
    int *from; // [param_count]: the parameter of the network at hand, or -1 in the head
};

// Takes ownership of `model` and of what `weights` hold, also on failure. An error when its body is
// not that of `now`, the network at hand: every parameter outside the head has its name and size
// there.
struct old_network *old_network_open(struct model *model, struct weights weights,
                                     const struct model *now, struct error *error);
void old_network_close(struct old_network *old); // NULL is fine

// Copies the body, its running statistics with it, from the weights of the network at hand.
void old_network_take(struct old_network *old, const struct weights *now);

#endif
