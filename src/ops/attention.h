// One head of attention on one text (Vaswani et al., "Attention is all you need", 2017, equation
// 1): out = softmax(Q K^T / sqrt(d)) V, d channels a head. What is kept for backward is a number
// for each token, the logarithm of its softmax's sum; the weights are computed again from it, so
// that no matrix of tokens x tokens outlives a call.
#ifndef THAW_OPS_ATTENTION_H
#define THAW_OPS_ATTENTION_H

#include "ops/drops.h"

// Of one head; rows of all matrices are tokens. Row t of q begins at q + t * stride, and so on; of
// out and dout at t * out_stride.
struct attention_head {
    int tokens, channels, stride, out_stride;
    int queries; // rows of q and out: `tokens`, or fewer, which see all tokens
    bool causal; // a token sees itself and what stands before it
    const float *q, *k, *v;
    float *out;
    float *log_sum; // [queries]: set forward unless NULL, read backward
    const float *dout;
    struct op_grad dq, dk, dv; // of the head's own elements, at t * stride
    const struct drops *drops; // NULL: no weight is dropped
    uint32_t sample;
    int index;      // of the head, for draws
    float *scratch; // attention_scratch floats
};

// Floats that a head of at most `tokens` tokens needs.
size_t attention_scratch(int tokens, int channels, bool backward);

void attention_forward(const struct attention_head *h);
void attention_backward(const struct attention_head *h);

#endif
