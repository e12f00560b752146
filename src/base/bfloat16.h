// bfloat16: the upper half of a float.
#ifndef THAW_BASE_BFLOAT16_H
#define THAW_BASE_BFLOAT16_H

#include <stdint.h>
#include <string.h>

// To the nearest, ties to even; not a number stays one.
static inline uint16_t bfloat16_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static inline float bfloat16_float(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
