// The elements of a tensor in a file: in place where they lie one after another, else gathered.
#include "checkpoint/tensor.h"
#include "base/bfloat16.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Files are little-endian, or say that they are not; values are read as they lie.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

bool tensor_check_name(const char *name, struct error *error) {
    if (strlen(name) > TENSOR_NAME_MAX) {
        return error_set(error, "the name of tensor '%.60s...' has %zu bytes, more than %d", name,
                         strlen(name), TENSOR_NAME_MAX);
    }
    for (const char *c = name; *c; c++)
        if (text_control(c))
            return error_set(error, "the name of tensor '%.60s' has a control character", name);
    return true;
}

// ---- Gathering.

static void copy_element(unsigned char *to, const unsigned char *from, size_t size, bool swapped) {
    for (size_t i = 0; i < size; i++)
        to[i] = from[swapped ? size - 1 - i : i];
}

// The strides of elements that lie in order, for tensors that are only swapped.
static void strides_in_order(const struct tensor_entry *t, int64_t stride[DIMS_MAX]) {
    int64_t step = 1;
    for (int d = t->dims.rank - 1; d >= 0; d--) {
        stride[d] = t->strided ? t->stride[d] : step;
        step *= t->dims.size[d];
    }
}

// In the order of PyTorch's contiguous(): the last dimension runs fastest.
static void gather(const struct tensor_entry *t, unsigned char *out) {
    size_t size = dtype_size(t->dtype), count = dims_count(t->dims);
    int64_t stride[DIMS_MAX], at[DIMS_MAX] = {0}, offset = 0;
    strides_in_order(t, stride);
    for (size_t i = 0; i < count; i++) {
        copy_element(out + i * size, t->data + (size_t)offset * size, size, t->swapped);
        for (int d = t->dims.rank - 1; d >= 0; d--) {
            offset += stride[d];
            if (++at[d] < t->dims.size[d])
                break;
            offset -= at[d] * stride[d];
            at[d] = 0;
        }
    }
}

bool tensor_in_place(const struct tensor_entry *t) {
    return !t->strided && !t->swapped;
}

void tensor_copy(const struct tensor_entry *t, void *out) {
    if (t->bytes == 0)
        return;
    if (tensor_in_place(t))
        memcpy(out, t->data, t->bytes);
    else
        gather(t, out);
}

// The elements in order: the file's own, or a copy, which *copy keeps for the caller to free.
static const unsigned char *in_order(const struct tensor_entry *t, unsigned char **copy) {
    *copy = NULL;
    if (tensor_in_place(t))
        return t->data;
    *copy = xmalloc(t->bytes);
    tensor_copy(t, *copy);
    return *copy;
}

bool tensor_equal(const struct tensor_entry *a, const struct tensor_entry *b) {
    if (a->dtype != b->dtype || !dims_equal(a->dims, b->dims))
        return false;
    if (a->bytes == 0)
        return true;
    unsigned char *copies[2];
    const unsigned char *x = in_order(a, &copies[0]), *y = in_order(b, &copies[1]);
    bool same = x == y || memcmp(x, y, a->bytes) == 0;
    free(copies[0]);
    free(copies[1]);
    return same;
}

// ---- Conversion to float32.

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// IEEE 754 binary16. Every value is exact in float32; a NaN keeps its payload.
static float from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    uint32_t wide = exponent == 0x1f ? 0xff : exponent + 127 - 15;
    return from_bits(sign | wide << 23 | fraction << 13);
}

static float from_bool(uint8_t byte) {
    return byte ? 1.0f : 0.0f;
}

#define CONVERT(type, expression)                                                                  \
    for (size_t i = 0; i < count; i++) {                                                           \
        type x;                                                                                    \
        memcpy(&x, data + i * sizeof x, sizeof x);                                                 \
        out[i] = expression;                                                                       \
    }                                                                                              \
    break

static void convert(enum dtype dtype, const unsigned char *data, size_t count, float *out) {
    switch (dtype) {
    case DTYPE_F32:
        CONVERT(float, x);
    case DTYPE_F16:
        CONVERT(uint16_t, from_half(x));
    case DTYPE_BF16:
        CONVERT(uint16_t, bfloat16_float(x));
    case DTYPE_F64:
        CONVERT(double, (float)x);
    case DTYPE_I64:
        CONVERT(int64_t, (float)x);
    case DTYPE_I32:
        CONVERT(int32_t, (float)x);
    case DTYPE_I16:
        CONVERT(int16_t, x);
    case DTYPE_I8:
        CONVERT(int8_t, x);
    case DTYPE_U8:
        CONVERT(uint8_t, x);
    case DTYPE_BOOL:
        CONVERT(uint8_t, from_bool(x));
    }
}

void tensor_to_float(const struct tensor_entry *t, float *out) {
    unsigned char *copy;
    const unsigned char *data = in_order(t, &copy);
    convert(t->dtype, data, t->bytes / dtype_size(t->dtype), out);
    free(copy);
}

// Halves are counted up from 0 by magnitude: the nearest one to |x|, whose neighbours lie 2^-24
// apart below 2^-14, and from there on 2^-10 of their own power of two.
static uint16_t to_half(float x) {
    int exponent;
    const float magnitude = fabsf(x);
    frexpf(magnitude, &exponent); // magnitude < 2^exponent
    const int step = exponent - 11 > -24 ? exponent - 11 : -24;
    const uint32_t steps = (uint32_t)lrintf(ldexpf(magnitude, -step)); // at most 2^11
    const uint32_t bits = steps + ((uint32_t)(step + 24) << 10);
    return (uint16_t)((signbit(x) ? 0x8000u : 0) | (magnitude == 0 ? 0 : bits));
}

bool tensor_to_half(const float *from, size_t count, uint16_t *out) {
    const float most = 65504;
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(from[i]) <= most))
            return false;
        out[i] = to_half(from[i]);
    }
    return true;
}
