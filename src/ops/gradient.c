#include "ops/gradient.h"
#include "base/kernels.h"
#include <string.h>

// The place of the first row that ends behind `element`; g->rows: there is none.
static int row_behind(const struct gradient *g, size_t element) {
    int low = 0, high = g->rows;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (((size_t)g->row[middle] + 1) * g->width > element)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool gradient_next(const struct gradient *g, size_t first, size_t end, struct gradient_part *part) {
    size_t begin = 0, stop = end;
    const float *value = g->value;
    if (g->row) {
        const int place = row_behind(g, first);
        if (place == g->rows)
            return false;
        begin = (size_t)g->row[place] * g->width;
        stop = begin + g->width < end ? begin + g->width : end;
        value += (size_t)place * g->width;
    }
    const size_t from = begin > first ? begin : first;
    if (from >= stop)
        return false;
    *part = (struct gradient_part){from, stop - from, value + (from - begin)};
    return true;
}

const float *gradient_all(const struct gradient *g, size_t first, size_t count, float *scratch) {
    const size_t end = first + count;
    struct gradient_part part;
    if (!g->row)
        return g->value + first;
    memset(scratch, 0, count * sizeof *scratch);
    for (size_t at = first; gradient_next(g, at, end, &part); at = part.first + part.count)
        memcpy(scratch + (part.first - first), part.value, part.count * sizeof *scratch);
    return scratch;
}

// Parts of a range lie side by side.
double gradient_square(const struct gradient *g, size_t first, size_t count) {
    const size_t end = first + count;
    struct gradient_part part;
    const float *value = NULL;
    size_t there = 0;
    for (size_t at = first; gradient_next(g, at, end, &part); at = part.first + part.count) {
        value = value ? value : part.value;
        there += part.count;
    }
    return value ? kernels()->square_sum(there, value) : 0;
}
