#include "ops/panels.h"
#include "base/kernels.h"
#include <string.h>

int panels_count(int columns) {
    const int panel = kernels()->panel;
    return (columns + panel - 1) / panel;
}

size_t panels_floats(int rows, int columns) {
    return (size_t)panels_count(columns) * (size_t)rows * (size_t)kernels()->panel;
}

// Where the vectors end that `columns` columns take.
static int panels_end(int columns) {
    const int width = kernels()->width;
    return (columns + width - 1) / width * width;
}

void panels_pack(int rows, int columns, const float *from, size_t row_stride, float *to) {
    enum { CHUNK = 4 };
    const int panel = kernels()->panel, end = panels_end(columns);
    for (int r = 0; r < rows; r++, from += row_stride, to += panel) {
        int j = 0;
        for (; j + CHUNK <= columns; j += CHUNK) // of a constant size: no call
            memcpy(to + j, from + j, CHUNK * sizeof *to);
        for (; j < columns; j++)
            to[j] = from[j];
        for (; j < end; j++)
            to[j] = 0;
    }
}

void panels_pack_transposed(int rows, int columns, const float *from, size_t column_stride,
                            float *to) {
    kernels()->pack_transposed(rows, columns, from, column_stride, to);
}
