// A convolution as a gathered product with packed weights: the forward pass of conv2d, and the
// gradient of its input, which for stride s is s * s interleaved convolutions of stride 1 (phases).
#ifndef THAW_OPS_CONV2D_GATHER_H
#define THAW_OPS_CONV2D_GATHER_H

#include "ops/conv2d_image.h"
#include "ops/op.h"

enum { CONV2D_TAPS = 1024, CONV2D_STRIDE = 16 }; // the most taps and the largest stride

// Grid point (i, j) of a phase makes output pixel (y + i * out_step, x + j * out_step) from a
// window of tap_rows x tap_columns pixels at (row + i * image.step, column + j * image.step) of the
// padded image.
struct conv2d_phase {
    int y, x, row, column, tap_rows, tap_columns;
    size_t b; // its weights: [groups][panels][tap_rows][tap_columns][c / groups][panel]
};

struct conv2d_gather {
    struct conv2d_image image;
    int n, groups, out_step;
    float *out; // [n][out_shape]
    struct shape out_shape;
    const float *b;
    const float *bias;       // [out_shape.c], added; or NULL
    bool add;                // to what stands in out; not together with a bias
    float *strips;           // conv2d_gather_strips() floats
    struct kernel_tail tail; // done to `out`, whole, in passing
    int phase_count;
    struct conv2d_phase phases[CONV2D_STRIDE * CONV2D_STRIDE];
};

// Floats of packed weights that one phase takes.
size_t conv2d_gather_weights(const struct conv2d_gather *g, const struct conv2d_phase *phase);

// Floats that the strips of `threads` workers take.
size_t conv2d_gather_strips(const struct conv2d_gather *g, int threads);

// Every output is the same sum over (tap, channel), in chains, whatever its pixel, sample or batch.
void conv2d_gather(struct conv2d_gather *g, struct pool *pool);

#endif
