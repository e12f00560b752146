#include "ops/panels.h"
#include "base/kernels.h"

int panels_count(int columns) {
    const int panel = kernels()->panel;
    return (columns + panel - 1) / panel;
}

size_t panels_floats(int rows, int columns) {
    return (size_t)panels_count(columns) * (size_t)rows * (size_t)kernels()->panel;
}

void panels_pack(int rows, int columns, const float *from, size_t row_stride, float *to) {
    kernels()->pack(rows, columns, from, row_stride, to, 0);
}

void panels_pack_transposed(int rows, int columns, const float *from, size_t column_stride,
                            float *to) {
    kernels()->pack_transposed(rows, columns, from, column_stride, to);
}
