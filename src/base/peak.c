#include "base/peak.h"
#include "base/clock.h"
#include "base/kernels.h"

enum {
    DEPTH = 256,
    CALLS = 2000, // of the kernel, of each thread in a run
    RUNS = 8,
    ROWS_MAX = 16,
    PANEL_MAX = 32,
};

struct operands {
    float a[ROWS_MAX][DEPTH], b[DEPTH * PANEL_MAX];
};

static void multiply(void *context, int piece, int worker) {
    (void)piece, (void)worker;
    const struct operands *from = context;
    const struct kernel_tap tap = {0};
    const float *a[ROWS_MAX];
    float out[ROWS_MAX][PANEL_MAX], *to[ROWS_MAX];
    for (int i = 0; i < ROWS_MAX; i++) {
        a[i] = from->a[i];
        to[i] = out[i];
    }
    for (int call = 0; call < CALLS; call++)
        kernels()->gather(kernels()->rows, a, to, kernels()->panel, &tap, 1, DEPTH, from->b, false,
                          NULL, NULL);
}

double peak_flops(struct pool *pool) {
    static const struct operands zeros;
    struct operands operands = zeros;
    const int threads = pool_threads(pool);
    const double each = 2.0 * kernels()->rows * kernels()->panel * DEPTH;
    double least = 1e30;
    for (int run = 0; run < RUNS; run++) {
        const double start = clock_work_seconds(threads);
        pool_run(pool, threads, multiply, &operands);
        const double took = clock_work_seconds(threads) - start;
        least = took < least ? took : least;
    }
    return each * CALLS * threads / least;
}
