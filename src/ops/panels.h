// Packs matrices into the panels that the matrix kernels multiply by (kernels.h): panels of
// kernels()->panel columns, one after another, each [rows][panel]. What is past the last column is
// zero up to the end of its vector, and left as it is beyond.
#ifndef THAW_OPS_PANELS_H
#define THAW_OPS_PANELS_H

#include <stddef.h>

// How many panels `columns` columns need.
int panels_count(int columns);

// Floats that a packed matrix takes.
size_t panels_floats(int rows, int columns);

// Packs one panel of rows x columns, columns <= panel, row_stride floats between the rows of
// `from`.
void panels_pack(int rows, int columns, const float *from, size_t row_stride, float *to);

// The same from a transposed matrix: `from` holds columns of contiguous rows, column_stride apart.
void panels_pack_transposed(int rows, int columns, const float *from, size_t column_stride,
                            float *to);

#endif
