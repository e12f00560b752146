// Dropout by Philox4x32-10 (base/random.h), for kernels_unit.c alone: the words that random_block
// gives, for several counters at once.
//
// Each word has a lane of 64 bits, whose upper half may hold anything: the product of two lower
// halves then needs no shuffling.
#ifndef THAW_BASE_KERNELS_DROP_H
#define THAW_BASE_KERNELS_DROP_H

enum { DROP_LANES = WIDTH / 2 };

typedef uint64_t drop_lanes __attribute__((vector_size(4 * WIDTH)));
typedef int32_t drop_words __attribute__((vector_size(4 * WIDTH)));

// The products of the lower halves. Compilers do not see that a product of such lanes is one
// instruction.
INLINE drop_lanes drop_product(drop_lanes a, drop_lanes b) {
#if defined(__AVX512F__)
    return (drop_lanes)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (drop_lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (drop_lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & UINT32_MAX) * (b & UINT32_MAX);
#endif
}

INLINE drop_lanes drop_fill(uint32_t word) {
    return (drop_lanes){0} + word;
}

// The lower halves of a and b, in turns.
INLINE drop_lanes drop_pairs(drop_lanes a, drop_lanes b) {
    return (a & UINT32_MAX) | b << 32;
}

// Words of counters first, first + 1, ...: of each counter its four, one counter after another.
INLINE void drop_draw(const struct kernel_drop *drop, uint32_t first, drop_words out[2]) {
    drop_lanes a = drop_fill(drop->a), b = drop_fill(drop->b), c = drop_fill(first), d = {0};
    uint32_t k0 = drop->key[0], k1 = drop->key[1];
    for (int lane = 0; lane < DROP_LANES; lane++)
        c[lane] += (uint64_t)lane;
    for (int round = 0; round < 10; round++) {
        const drop_lanes p = drop_product(a, drop_fill(0xD2511F53U));
        const drop_lanes q = drop_product(c, drop_fill(0xCD9E8D57U));
        a = q >> 32 ^ b ^ drop_fill(k0);
        b = q;
        c = p >> 32 ^ d ^ drop_fill(k1);
        d = p;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    const drop_lanes ab = drop_pairs(a, b), cd = drop_pairs(c, d);
#if WIDTH == 16
    out[0] = (drop_words)__builtin_shufflevector(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11);
    out[1] = (drop_words)__builtin_shufflevector(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15);
#elif WIDTH == 8
    out[0] = (drop_words)__builtin_shufflevector(ab, cd, 0, 4, 1, 5);
    out[1] = (drop_words)__builtin_shufflevector(ab, cd, 2, 6, 3, 7);
#else
    out[0] = (drop_words)__builtin_shufflevector(ab, cd, 0, 2);
    out[1] = (drop_words)__builtin_shufflevector(ab, cd, 1, 3);
#endif
}

// What the elements of a word's lanes are multiplied by.
INLINE vec drop_kept(const struct kernel_drop *drop, drop_words word) {
    const vec factor = (vec){0} + drop->factor;
    const drop_words draw = (word >> 8) & 0xffffff;
    return (vec)((drop_words)factor & (draw >= drop->lowest));
}

INLINE void drop_loop(size_t n, const struct kernel_drop *drop, uint32_t first, const float *from,
                      float *to, bool add) {
    for (size_t i = 0; i < n; i += 2 * WIDTH, first += DROP_LANES) {
        drop_words word[2];
        drop_draw(drop, first, word);
        for (size_t half = 0; half < 2; half++) {
            const size_t at = i + half * WIDTH;
            const vec y = load(from + at) * drop_kept(drop, word[half]);
            store(to + at, add ? load(to + at) + y : y);
        }
    }
}

static void drop_apply(size_t n, const struct kernel_drop *drop, uint32_t first, const float *from,
                       float *to, bool add) {
    const size_t whole = n / (2 * WIDTH) * (2 * WIDTH), rest = (n - whole) * sizeof *to;
    float last[2 * WIDTH] = {0}, sum[2 * WIDTH] = {0};
    if (add)
        drop_loop(whole, drop, first, from, to, true);
    else
        drop_loop(whole, drop, first, from, to, false);
    if (rest == 0)
        return;
    memcpy(last, from + whole, rest);
    memcpy(sum, to + whole, rest);
    drop_loop(2 * WIDTH, drop, first + (uint32_t)(whole / 4), last, sum, add);
    memcpy(to + whole, sum, rest);
}

#endif
