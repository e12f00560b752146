// Max pooling's part of the kernels, for kernels_unit.c alone, after kernels_vector.h: vectors of
// channels, the best value and its place in registers. The channels behind the last whole vector
// are one at a time.
#ifndef THAW_BASE_KERNELS_POOL_H
#define THAW_BASE_KERNELS_POOL_H

#include <stdint.h>

// A vector of channels.
INLINE void pool_max_vector(const struct kernel_window *w, const float *x, float *y, uint8_t *at) {
    vec best = load(x);
    mask tap = (mask){0} + w->tap;
    for (int r = 0; r < w->rows; r++)
        for (int s = 0; s < w->columns; s++) {
            const vec value = load(x + (size_t)r * w->row + (size_t)s * w->column);
            const mask takes = (mask)(value > best) | (mask)(value != value);
            const mask now = (mask){0} + (w->tap + r * w->across + s);
            best = choose(takes, value, best);
            tap = (now & takes) | (tap & ~takes);
        }
    store(y, best);
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
