// Between this build's layouts of parameters and PyTorch's order of elements.
#include "checkpoint/load.h"
#include <string.h>

// torch [k][c][taps] <-> ours [taps][c][k], taps = r * s. With the channels outside and the filters
// inside, the strided side stays within k cache lines while the taps run.
static void conv_move(const struct param *p, const float *from, float *to, bool to_torch) {
    size_t filters = (size_t)p->dims.size[0], channels = (size_t)p->dims.size[1];
    size_t taps = (size_t)(p->dims.size[2] * p->dims.size[3]);
    for (size_t c = 0; c < channels; c++) {
        for (size_t t = 0; t < taps; t++) {
            for (size_t k = 0; k < filters; k++) {
                size_t torch = (k * channels + c) * taps + t,
                       ours = (t * channels + c) * filters + k;
                to[to_torch ? torch : ours] = from[to_torch ? ours : torch];
            }
        }
    }
}

// torch [out][c][h * w] <-> ours [out][h * w][c]; a BatchNorm is a single row.
static void flatten_move(const struct param *p, const float *from, float *to, bool to_torch) {
    size_t channels = (size_t)p->flat.c, places = (size_t)p->flat.h * (size_t)p->flat.w;
    size_t rows = p->count / (places * channels);
    for (size_t row = 0; row < rows; row++) {
        size_t base = row * places * channels;
        for (size_t c = 0; c < channels; c++) {
            for (size_t i = 0; i < places; i++) {
                size_t torch = base + c * places + i, ours = base + i * channels + c;
                to[to_torch ? torch : ours] = from[to_torch ? ours : torch];
            }
        }
    }
}

// torch [in][out] <-> ours [out][in]
static void transposed_move(const struct param *p, const float *from, float *to, bool to_torch) {
    size_t in = (size_t)p->dims.size[0], out = (size_t)p->dims.size[1];
    for (size_t o = 0; o < out; o++) {
        for (size_t i = 0; i < in; i++) {
            size_t torch = i * out + o, ours = o * in + i;
            to[to_torch ? torch : ours] = from[to_torch ? ours : torch];
        }
    }
}

static void move(const struct param *p, const float *from, float *to, bool to_torch) {
    switch (p->layout) {
    case LAYOUT_PLAIN:
        memcpy(to, from, p->count * sizeof *to);
        break;
    case LAYOUT_CONV:
        conv_move(p, from, to, to_torch);
        break;
    case LAYOUT_FLATTEN:
        flatten_move(p, from, to, to_torch);
        break;
    case LAYOUT_TRANSPOSED:
        transposed_move(p, from, to, to_torch);
        break;
    }
}

void layout_to_torch(const struct param *p, const float *from, float *to) {
    move(p, from, to, true);
}

void layout_from_torch(const struct param *p, const float *from, float *to) {
    move(p, from, to, false);
}
