#include "base/blas.h"
#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char description[128];

// Our own threads split the work (base/pool.h); OpenBLAS's would fight them.
static void prepare(void) {
    openblas_set_num_threads(1);
    const char *config = openblas_get_config(); // "OpenBLAS 0.3.21 NO_LAPACKE ... MAX_THREADS=64"
    const char *version = strchr(config, ' ');
    size_t length =
        version ? strcspn(version + 1, " ") + (size_t)(version + 1 - config) : strlen(config);
    snprintf(description, sizeof description, "%.*s %s", (int)length, config,
             openblas_get_corename());
}

void blas_product(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
                  int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride) {
    pthread_once(&once, prepare);
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, a_stride, b, b_stride, beta,
                c, c_stride);
}

const char *blas_description(void) {
    pthread_once(&once, prepare);
    return description;
}
