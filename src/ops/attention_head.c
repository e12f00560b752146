#include "base/kernels.h"
#include "ops/attention.h"
#include "ops/chains.h"
#include "ops/panels.h"
#include <math.h>
#include <string.h>

enum {
    TILE = 16,  // the most rows of any kernel
    RUNS = 256, // products in a chain over tokens
};

// Weights and their gradients lie in rows of whole blocks of draws.
static size_t row_floats(int tokens) {
    return ((size_t)tokens + DROPS_BLOCK - 1) / DROPS_BLOCK * DROPS_BLOCK;
}

// Two matrices of weights, a panel, and a panel of results. Forward needs half.
size_t attention_scratch(int tokens, int channels, bool backward) {
    const size_t rows = (size_t)(tokens > channels ? tokens : channels);
    const size_t panel = rows * (size_t)kernels()->panel;
    const size_t weights = (size_t)tokens * row_floats(tokens);
    return backward ? 2 * weights + 2 * panel : weights + panel;
}

struct places {
    float *weights, *gradient, *panel, *result;
    size_t pitch; // of weights and gradient
};

static struct places places_of(const struct attention_head *h, bool backward) {
    const size_t rows = (size_t)(h->tokens > h->channels ? h->tokens : h->channels);
    struct places p = {.pitch = row_floats(h->tokens), .weights = h->scratch};
    const size_t weights = (size_t)h->tokens * p.pitch;
    p.gradient = h->scratch + weights;
    p.panel = h->scratch + (backward ? 2 : 1) * weights;
    p.result = p.panel + rows * (size_t)kernels()->panel;
    return p;
}

static int least(int a, int b) {
    return a < b ? a : b;
}

// Rows `first` .. of to (= or +=) x * panel: `depth` products an output; row strides in floats.
static void product(const struct attention_head *h, int first, const float *x, size_t x_stride,
                    int depth, const float *panel, int columns, float *to, size_t to_stride,
                    bool cut, bool add) {
    const struct kernel_tap tap = {0};
    for (int row = first; row < h->queries; row += kernels()->rows) {
        const int count = least(h->queries - row, kernels()->rows);
        const float *a[TILE];
        float *y[TILE];
        for (int i = 0; i < count; i++) {
            a[i] = x + (size_t)(row + i) * x_stride;
            y[i] = to + (size_t)(row + i) * to_stride;
        }
        // What a weight above the diagonal would add is nothing.
        chains_gather(count, a, y, columns, &tap, 1, cut ? least(depth, row + count) : depth, panel,
                      add, NULL, NULL);
    }
}

// to [queries][tokens] = a b^T, a and b rows of the head's channels.
static void between_tokens(const struct attention_head *h, const float *a, int a_stride,
                           const float *b, int b_stride, float *panel, float *to, size_t pitch) {
    for (int j = 0; j < h->tokens; j += kernels()->panel) {
        const int columns = least(h->tokens - j, kernels()->panel);
        panels_pack_transposed(h->channels, columns, b + (size_t)j * (size_t)b_stride,
                               (size_t)b_stride, panel);
        product(h, h->causal ? j : 0, a, (size_t)a_stride, h->channels, panel, columns, to + j,
                pitch, false, false);
    }
}

// to [queries][channels] (= or +=) weights x.
static void over_tokens(const struct attention_head *h, const float *weights, size_t pitch,
                        const float *x, int x_stride, float *panel, float *to, int to_stride,
                        bool add) {
    for (int j = 0; j < h->channels; j += kernels()->panel) {
        const int columns = least(h->channels - j, kernels()->panel);
        panels_pack(h->tokens, columns, x + j, (size_t)x_stride, panel);
        product(h, 0, weights, pitch, h->tokens, panel, columns, to + j, (size_t)to_stride,
                h->causal, add);
    }
}

// grad [tokens][channels] (= or +=) weights^T x, summed over the queries in chains.
static void to_tokens(const struct attention_head *h, const float *weights, const struct places *p,
                      const float *x, int x_stride, struct op_grad grad) {
    const size_t panel = (size_t)kernels()->panel;
    for (int j = 0; j < h->channels; j += kernels()->panel) {
        const int columns = least(h->channels - j, kernels()->panel);
        panels_pack(h->queries, columns, x + j, (size_t)x_stride, p->panel);
        for (int first = 0; first < h->queries; first += RUNS) {
            const float *from = weights + (size_t)first * p->pitch;
            kernels()->outer(h->tokens, columns, 1, least(h->queries - first, RUNS), &from,
                             p->pitch, 0, p->panel + (size_t)first * panel, p->result, panel,
                             first > 0);
        }
        for (int t = 0; t < h->tokens; t++)
            op_give(grad, (size_t)t * (size_t)h->stride + (size_t)j, (size_t)columns,
                    p->result + (size_t)t * panel);
    }
}

static float scale_of(const struct attention_head *h) {
    return 1 / sqrtf((float)h->channels);
}

// How many tokens one sees; the weights of the others are 0.
static int clear_unseen(const struct attention_head *h, int token, float *row) {
    const int seen = h->causal ? token + 1 : h->tokens;
    memset(row + seen, 0, (size_t)(h->tokens - seen) * sizeof *row);
    return seen;
}

static void drop_row(const struct attention_head *h, int token, size_t pitch, float *row) {
    const uint64_t at = ((uint64_t)h->index * (uint64_t)h->tokens + (uint64_t)token) * pitch;
    if (h->drops)
        drops_apply(h->drops, h->sample, at, (size_t)h->tokens, row, row, false);
}

void attention_forward(const struct attention_head *h) {
    const struct places p = places_of(h, false);
    between_tokens(h, h->q, h->stride, h->k, h->stride, p.panel, p.weights, p.pitch);
    for (int t = 0; t < h->queries; t++) {
        float *row = p.weights + (size_t)t * p.pitch;
        const size_t seen = (size_t)clear_unseen(h, t, row);
        const float log_sum = kernels()->softmax(seen, scale_of(h), row);
        if (h->log_sum)
            h->log_sum[t] = log_sum;
        drop_row(h, t, p.pitch, row);
    }
    over_tokens(h, p.weights, p.pitch, h->v, h->stride, p.panel, h->out, h->out_stride, false);
}

// The weights once more, and the gradient of what was before the softmax. Afterwards the weights
// are those that V was multiplied by: some dropped.
static void backward_weights(const struct attention_head *h, const struct places *p) {
    between_tokens(h, h->q, h->stride, h->k, h->stride, p->panel, p->weights, p->pitch);
    between_tokens(h, h->dout, h->out_stride, h->v, h->stride, p->panel, p->gradient, p->pitch);
    for (int t = 0; t < h->queries; t++) {
        float *row = p->weights + (size_t)t * p->pitch, *grad = p->gradient + (size_t)t * p->pitch;
        const size_t seen = (size_t)clear_unseen(h, t, row);
        clear_unseen(h, t, grad);
        kernels()->softmax_again(seen, scale_of(h), h->log_sum[t], row);
        drop_row(h, t, p->pitch, grad);
        kernels()->softmax_back(seen, scale_of(h), row, grad);
        drop_row(h, t, p->pitch, row);
    }
}

void attention_backward(const struct attention_head *h) {
    const struct places p = places_of(h, true);
    backward_weights(h, &p);
    if (h->dv.to)
        to_tokens(h, p.weights, &p, h->dout, h->out_stride, h->dv);
    if (h->dq.to)
        over_tokens(h, p.gradient, p.pitch, h->k, h->stride, p.panel, h->dq.to, h->stride,
                    h->dq.add);
    if (h->dk.to)
        to_tokens(h, p.gradient, &p, h->q, h->stride, h->dk);
}
