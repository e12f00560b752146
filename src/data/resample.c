#include "data/resample.h"

#include "base/xalloc.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { PLACES = 22 }; // binary places of a byte's weight

// Which old pixels make each new one, along one direction: `count` of them from `first` on, with
// `taps` places for weights each.
struct axis {
    int taps, *first, *count;
    double *weight; // sum 1
    int *fixed;     // the same with PLACES binary places
};

static double triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

// The weights of one new pixel, centred on `center` in old pixels.
static void weigh(struct axis *a, int i, double center, double support, double scale, int old) {
    double low = center - support + 0.5, high = center + support + 0.5, sum = 0;
    int first = low < 0 ? 0 : (int)low, end = high > old ? old : (int)high;
    double *weight = a->weight + (size_t)i * (size_t)a->taps;
    for (int k = 0; k < end - first; k++)
        sum += weight[k] = triangle((first + k - center + 0.5) * (1 / scale));
    for (int k = 0; k < end - first; k++)
        weight[k] = sum != 0 ? weight[k] / sum : weight[k];
    for (int k = 0; k < end - first; k++)
        a->fixed[i * a->taps + k] = (int)(0.5 + weight[k] * (1 << PLACES));
    a->first[i] = first;
    a->count[i] = end - first;
}

// The new pixels from..from + n - 1 of `size`, made of `old` ones.
static struct axis axis_open(int old, int size, int from, int n) {
    double scale = (double)old / size, wide = scale < 1 ? 1 : scale;
    struct axis a = {.taps = 2 * (int)ceil(wide) + 1};
    a.first = xmalloc((size_t)n * sizeof *a.first);
    a.count = xmalloc((size_t)n * sizeof *a.count);
    a.weight = xcalloc((size_t)n * (size_t)a.taps, sizeof *a.weight);
    a.fixed = xcalloc((size_t)n * (size_t)a.taps, sizeof *a.fixed);
    for (int i = 0; i < n; i++)
        weigh(&a, i, (from + i + 0.5) * scale, wide, wide, old);
    return a;
}

static void axis_close(struct axis *a) {
    free(a->first);
    free(a->count);
    free(a->weight);
    free(a->fixed);
}

// Makes `lanes` neighbours of the new pixel `at`: lane i is the weighted sum of from[i],
// from[i + stride], ..., where from[0] is lane 0 of the first old pixel of the axis.
typedef void mix_function(const struct axis *a, int at, const void *from, size_t stride,
                          size_t lanes, void *out);

static void mix_bytes(const struct axis *a, int at, const void *from, size_t stride, size_t lanes,
                      void *out) {
    const unsigned char *base = (const unsigned char *)from + (size_t)a->first[at] * stride;
    const int *weight = a->fixed + (ptrdiff_t)at * a->taps;
    unsigned char *to = out;
    for (size_t i = 0; i < lanes; i++) {
        int sum = 1 << (PLACES - 1);
        for (int k = 0; k < a->count[at]; k++)
            sum += base[(size_t)k * stride + i] * weight[k];
        sum >>= PLACES;
        to[i] = (unsigned char)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

static void mix_floats(const struct axis *a, int at, const void *from, size_t stride, size_t lanes,
                       void *out) {
    const float *base = (const float *)from + (size_t)a->first[at] * stride;
    const double *weight = a->weight + (size_t)at * (size_t)a->taps;
    float *to = out;
    for (size_t i = 0; i < lanes; i++) {
        double sum = 0;
        for (int k = 0; k < a->count[at]; k++)
            sum += (double)base[(size_t)k * stride + i] * weight[k];
        to[i] = (float)sum;
    }
}

// Both passes; `item` is the size of one value.
static void resample(const void *image, struct shape shape, struct box source, int h, int w,
                     struct box window, size_t item, mix_function *mix, void *out) {
    assert(h > 0 && w > 0 && source.h > 0 && source.w > 0 && window.h > 0 && window.w > 0);
    assert(source.top >= 0 && source.left >= 0 && source.top + source.h <= shape.h &&
           source.left + source.w <= shape.w);
    assert(window.top >= 0 && window.left >= 0 && window.top + window.h <= h &&
           window.left + window.w <= w);
    struct axis column = axis_open(source.w, w, window.left, window.w);
    struct axis row = axis_open(source.h, h, window.top, window.h);
    // Only these rows of the source are asked for.
    int first = row.first[0], end = row.first[window.h - 1] + row.count[window.h - 1];
    size_t c = (size_t)shape.c, old_line = (size_t)shape.w * c, line = (size_t)window.w * c;
    char *middle = xmalloc((size_t)(end - first) * line * item);
    for (int y = first; y < end; y++) {
        const char *from = (const char *)image +
                           ((size_t)(source.top + y) * old_line + (size_t)source.left * c) * item;
        char *to = middle + (size_t)(y - first) * line * item;
        for (int x = 0; x < window.w; x++)
            mix(&column, x, from, c, c, to + (size_t)x * c * item);
    }
    for (int y = 0; y < window.h; y++)
        row.first[y] -= first;
    for (int y = 0; y < window.h; y++)
        mix(&row, y, middle, line, line, (char *)out + (size_t)y * line * item);
    free(middle);
    axis_close(&column);
    axis_close(&row);
}

void resample_bytes(const unsigned char *image, struct shape shape, struct box source, int h, int w,
                    struct box window, unsigned char *out) {
    resample(image, shape, source, h, w, window, 1, mix_bytes, out);
}

void resample_floats(const float *image, struct shape shape, struct box source, int h, int w,
                     struct box window, float *out) {
    resample(image, shape, source, h, w, window, sizeof *image, mix_floats, out);
}
