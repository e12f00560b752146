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

void panels_pack(int rows, int columns, const float *from, size_t row_stride, float *to) {
    const size_t panel = (size_t)kernels()->panel, used = (size_t)columns;
    for (int r = 0; r < rows; r++, from += row_stride, to += panel) {
        memcpy(to, from, used * sizeof *to);
        memset(to + used, 0, (panel - used) * sizeof *to);
    }
}

// Sixteen rows at a time: a cache line of the source and a few kilobytes of the destination.
void panels_pack_transposed(int rows, int columns, const float *from, size_t column_stride,
                            float *to) {
    enum { BLOCK = 16 };
    const int panel = kernels()->panel;
    for (int first = 0; first < rows; first += BLOCK, to += BLOCK * panel) {
        const int count = rows - first < BLOCK ? rows - first : BLOCK;
        for (int j = 0; j < columns; j++) {
            const float *column = from + (size_t)j * column_stride + first;
            for (int r = 0; r < count; r++)
                to[r * panel + j] = column[r];
        }
        for (int r = 0; r < count && columns < panel; r++)
            memset(to + r * panel + columns, 0, (size_t)(panel - columns) * sizeof *to);
    }
}
