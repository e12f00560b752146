// Element types of weight files: sizes, names, conversion to float32.
#include "checkpoint/safetensors.h"
#include <string.h>

// Files are little-endian, and values are read as they lie.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [DTYPE_F32] = {"F32", 4},   [DTYPE_F16] = {"F16", 2}, [DTYPE_BF16] = {"BF16", 2},
    [DTYPE_F64] = {"F64", 8},   [DTYPE_I64] = {"I64", 8}, [DTYPE_I32] = {"I32", 4},
    [DTYPE_I16] = {"I16", 2},   [DTYPE_I8] = {"I8", 1},   [DTYPE_U8] = {"U8", 1},
    [DTYPE_BOOL] = {"BOOL", 1},
};

size_t dtype_size(enum dtype t) {
    return dtypes[t].size;
}

const char *dtype_name(enum dtype t) {
    return dtypes[t].name;
}

bool dtype_find(const char *name, enum dtype *t) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (!strcmp(dtypes[i].name, name)) {
            *t = (enum dtype)i;
            return true;
        }
    }
    return false;
}

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

// The upper half of a float32.
static float from_bfloat(uint16_t half) {
    return from_bits((uint32_t)half << 16);
}

static float from_bool(uint8_t byte) {
    return byte ? 1.0f : 0.0f;
}

#define CONVERT(type, expression)                                                                  \
    for (size_t i = 0; i < count; i++) {                                                           \
        type x;                                                                                    \
        memcpy(&x, t->data + i * sizeof x, sizeof x);                                              \
        out[i] = expression;                                                                       \
    }                                                                                              \
    break

void tensor_to_float(const struct tensor_entry *t, float *out) {
    size_t count = t->bytes / dtype_size(t->dtype);
    switch (t->dtype) {
    case DTYPE_F32:
        CONVERT(float, x);
    case DTYPE_F16:
        CONVERT(uint16_t, from_half(x));
    case DTYPE_BF16:
        CONVERT(uint16_t, from_bfloat(x));
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
