// OpenBLAS, one-threaded: only blas.c includes its header. OpenBLAS gives a row of a product
// different bits depending on its position and on how a product is split, so it serves only where
// the shape of a call is fixed by the work (gradients of linear layers) and as an oracle in tests.
#ifndef THAW_BASE_BLAS_H
#define THAW_BASE_BLAS_H

#include <stdbool.h>

// C [m][n] = op(A) op(B) + beta C, all row-major with the given row strides.
void blas_product(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
                  int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride);

// "OpenBLAS 0.3.21 Haswell": library, version, kernel; for the numeric fingerprint of a run.
const char *blas_description(void);

#endif
