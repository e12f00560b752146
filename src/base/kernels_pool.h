// Max pooling's part of the kernels, for kernels_unit.c alone, after kernels_vector.h: vectors of
// channels, the best value and its place in registers. The channels behind the last whole vector
// are one at a time.
#ifndef THAW_BASE_KERNELS_POOL_H
#define THAW_BASE_KERNELS_POOL_H

#include <stdint.h>

typedef int32_t pool_mask __attribute__((vector_size(4 * WIDTH)));

// Where the mask has all bits set `a`, else `b`.
INLINE pool_mask pool_choose(pool_mask mask, pool_mask a, pool_mask b) {
    return (a & mask) | (b & ~mask);
}

// A vector of channels.
INLINE void pool_max_vector(const struct kernel_window *w, const float *x, float *y, uint8_t *at) {
    pool_mask best = (pool_mask)load(x), tap = (pool_mask){0} + w->tap;
    for (int r = 0; r < w->rows; r++)
        for (int s = 0; s < w->columns; s++) {
            const vec value = load(x + (size_t)r * w->row + (size_t)s * w->column);
            const pool_mask takes = (pool_mask)(value > (vec)best) | (pool_mask)(value != value);
            best = pool_choose(takes, (pool_mask)value, best);
            tap = pool_choose(takes, (pool_mask){0} + (w->tap + r * w->across + s), tap);
        }
    store(y, (vec)best);
    for (int i = 0; at && i < WIDTH; i++)
        at[i] = (uint8_t)tap[i];
}

static void pool_max_channel(const struct kernel_window *w, const float *x, float *y, uint8_t *at) {
    float best = *x;
    int tap = w->tap;
    for (int r = 0; r < w->rows; r++)
        for (int s = 0; s < w->columns; s++) {
            const float value = x[(size_t)r * w->row + (size_t)s * w->column];
            const bool takes = value > best || value != value;
            best = takes ? value : best;
            tap = takes ? w->tap + r * w->across + s : tap;
        }
    *y = best;
    if (at)
        *at = (uint8_t)tap;
}

static void pool_max(const struct kernel_window *w, int channels, const float *x, float *y,
                     uint8_t *at) {
    int c = 0;
    for (; c + WIDTH <= channels; c += WIDTH) {
        if (at)
            pool_max_vector(w, x + c, y + c, at + c);
        else
            pool_max_vector(w, x + c, y + c, NULL);
    }
    for (; c < channels; c++)
        pool_max_channel(w, x + c, y + c, at ? at + c : NULL);
}

static void pool_max_back(int count, const struct kernel_reader *readers, int channels, float *dx,
                          bool add) {
    if (!add)
        memset(dx, 0, (size_t)channels * sizeof *dx);
    for (int i = 0; i < count; i++) {
        const uint8_t *at = readers[i].at;
        const float *dy = readers[i].dy;
        const int tap = readers[i].tap;
        VECTOR_LOOP
        for (int c = 0; c < channels; c++)
            dx[c] += at[c] == tap ? dy[c] : 0;
    }
}

#endif
