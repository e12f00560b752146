// Optimisers with PyTorch's exact update formulas, in float32.
//
// All parameters are known once, by storage; freezing is a mask. Moments are allocated at the first
// update of a parameter and freed on freezing unless kept; step counts are per tensor. Owned by the
// trainer thread.
//
// SGD (torch.optim.SGD, dampening 0): g += weight_decay * w; m = first ? g : momentum * m + g;
//   d = nesterov ? g + momentum * m : (momentum ? m : g); w -= lr * d.
// Adam: g += weight_decay * w (AdamW instead: w *= 1 - lr * weight_decay first);
//   m = m * beta1 + (1 - beta1) * g;
//   v = v * beta2 + (1 - beta2) * g * g; w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t)
//   + eps).
// L2-SP (Li, Grandvalet and Davoine, ICML 2018, eq. 1 and 2) pulls what was pretrained towards its
// values at the start, w0, in place of the decay there: g += l2_sp * (w - w0), or for AdamW, whose
// decay is decoupled, w -= lr * l2_sp * (w - w0) first. As decay it comes after clipping.
#ifndef THAW_OPTIM_H
#define THAW_OPTIM_H

#include "base/pool.h"
#include "model/freeze.h"
#include "model/model.h"
#include "ops/gradient.h"

enum optim_kind { OPTIM_SGD, OPTIM_ADAM, OPTIM_ADAMW };

struct optim_settings {
    enum optim_kind kind;
    double momentum; // SGD
    bool nesterov;
    double beta1, beta2, eps; // Adam
    double weight_decay;
    double l2_sp;   // 0: no pull; see optim_anchor
    bool decay_all; // false: no decay for biases and normalisation layers, and no pull
    double clip;    // largest global norm of the gradients of thawed parameters; 0: none
    bool keep;      // on thaw: continue with the moments of before (false: reset)
};

struct optim_state {
    float *first;  // SGD's momentum (NULL without), or Adam's m; NULL before the first update
    float *second; // Adam's v
    int64_t steps;
};

struct optim {
    const struct model *model;
    struct optim_settings settings;
    struct pool *pool;          // shares the work; NULL: the calling thread does it alone
    struct optim_state *states; // [param_count], by storage
    double *square; // [param_count], by storage: squared gradient norm at the last update
    float **anchor; // [param_count], by storage: what it is pulled to, or NULL; NULL: no pull
    struct optim_piece *pieces; // what threads take at a time
};

// The model must outlive the result, which optim_close frees. Without a pool.
struct optim optim_open(const struct model *model, const struct optim_settings *settings);
void optim_close(struct optim *o);

// Forgets the moments and the step count, or keeps them, as settings say; call when `param` was
// frozen.
void optim_freeze(struct optim *o, int param);

// Forgets them whatever the settings say.
void optim_forget(struct optim *o, int param);

// What l2_sp pulls towards: copies, from the weights at the start, those parameters that are not
// `fresh` ([param_count]), as new random values are nothing to stay near.
void optim_anchor(struct optim *o, const struct weights *start, const bool *fresh);

// The weight decay that `param` gets: 0 for biases and normalisation layers unless decay_all,
// and for what is pulled to its start.
double optim_decay(const struct optim *o, int param);

struct optim_step {
    const struct flags *flags;
    const struct gradient *gradient; // [param_count], by storage
    const double *lr;                // [param_count], by storage: learning rates of this step
    double clip_scale;               // out: what clipping multiplied by (1: nothing clipped)
    double gradient_norm;            // out: global norm before clipping, of what is updated
};

// Updates every thawed weight and bias once (each storage once, in the order of parameters), as
// torch.optim does after torch.nn.utils.clip_grad_norm_: gradients are multiplied by
// min(1, clip / (norm + 1e-6)). Frozen ones are not touched at all, and neither is one without a
// gradient; statistics are the forward pass's to move.
// When the global norm is not finite nothing is updated: look at step->gradient_norm.
void optim_update(struct optim *o, struct weights *w, struct optim_step *step);

#endif
