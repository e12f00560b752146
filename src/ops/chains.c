#include "ops/chains.h"

enum {
    WHOLE = 512,    // products that are worth no cut
    CHAIN = 256,    // products in a chain, about
    ROWS_MAX = 16,  // the most rows of any kernel
    PANEL_MAX = 32, // the widest panel of any kernel
};

// Sets `out`.
static void gather_cut(int count, const float *const *a, float *const *out, int columns,
                       const struct kernel_tap *taps, int tap_count, int depth, const float *b,
                       const struct kernel_tail *tail, const float *next) {
    const int cuts = (depth + CHAIN - 1) / CHAIN, together = cuts > 1 ? 1 : CHAIN / depth;
    for (int t = 0; t < tap_count; t += together) {
        const int left = tap_count - t, taken = left < together ? left : together;
        for (int cut = 0; cut < cuts; cut++) {
            const int first = (int)((int64_t)depth * cut / cuts);
            const int end = (int)((int64_t)depth * (cut + 1) / cuts);
            const struct kernel_tap part = {taps[t].a + first, taps[t].b + (size_t)first};
            const bool last = left == taken && cut == cuts - 1;
            const int steps = taken * (end - first);
            kernels()->gather(count, a, out, columns, cuts > 1 ? &part : taps + t, taken,
                              end - first, b, t + cut > 0, last ? tail : NULL, next);
            if (next)
                next += (ptrdiff_t)steps * CACHE_LINE;
        }
    }
}

// A row of the output, `offset` floats behind the one that the tail belongs to.
static void finish_row(const struct kernel_tail *tail, ptrdiff_t offset, int columns, float *row) {
    struct kernel_tail own = *tail;
    if (own.add)
        own.add += offset;
    kernels()->finish(1, columns, 0, row, &own, row);
}

void chains_gather(int count, const float *const *a, float *const *out, int columns,
                   const struct kernel_tap *taps, int tap_count, int depth, const float *b,
                   bool add, const struct kernel_tail *tail, const float *next) {
    if ((int64_t)tap_count * depth <= WHOLE) {
        kernels()->gather(count, a, out, columns, taps, tap_count, depth, b, add, tail, next);
        return;
    }
    if (!add) {
        gather_cut(count, a, out, columns, taps, tap_count, depth, b, tail, next);
        return;
    }
    float sums[ROWS_MAX][PANEL_MAX], *rows[ROWS_MAX]; // what is added is the whole sum
    for (int i = 0; i < ROWS_MAX; i++)
        rows[i] = sums[i];
    gather_cut(count, a, rows, columns, taps, tap_count, depth, b, NULL, next);
    for (int i = 0; i < count; i++) {
        kernels()->sum((size_t)columns, out[i], sums[i], out[i]);
        if (tail)
            finish_row(tail, out[i] - out[0], columns, out[i]);
    }
}
