#include "ops/chains.h"

enum {
    WHOLE = 512,    // products that are worth no cut
    CHAIN = 256,    // products in a chain, about
    ROWS_MAX = 16,  // the most rows of any kernel
    PANEL_MAX = 32, // the widest panel of any kernel
};

// Sets `out`.
static void gather_cut(int count, const float *const *a, float *const *out, int columns,
                       const struct kernel_tap *taps, int tap_count, int depth, const float *b) {
    const int cuts = (depth + CHAIN - 1) / CHAIN, together = cuts > 1 ? 1 : CHAIN / depth;
    for (int t = 0; t < tap_count; t += together) {
        const int left = tap_count - t, taken = left < together ? left : together;
        for (int cut = 0; cut < cuts; cut++) {
            const int first = (int)((int64_t)depth * cut / cuts);
            const int end = (int)((int64_t)depth * (cut + 1) / cuts);
            const struct kernel_tap part = {taps[t].a + first, taps[t].b + (size_t)first};
            kernels()->gather(count, a, out, columns, cuts > 1 ? &part : taps + t, taken,
                              end - first, b, t + cut > 0);
        }
    }
}

void chains_gather(int count, const float *const *a, float *const *out, int columns,
                   const struct kernel_tap *taps, int tap_count, int depth, const float *b,
                   bool add) {
    if ((int64_t)tap_count * depth <= WHOLE) {
        kernels()->gather(count, a, out, columns, taps, tap_count, depth, b, add);
        return;
    }
    if (!add) {
        gather_cut(count, a, out, columns, taps, tap_count, depth, b);
        return;
    }
    float sums[ROWS_MAX][PANEL_MAX], *rows[ROWS_MAX]; // what is added is the whole sum
    for (int i = 0; i < ROWS_MAX; i++)
        rows[i] = sums[i];
    gather_cut(count, a, rows, columns, taps, tap_count, depth, b);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < columns; j++)
            out[i][j] += sums[i][j];
}
