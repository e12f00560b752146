#include "base/random.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 10 };

struct random_key random_key(uint64_t seed, enum random_stream stream, uint32_t part) {
    struct random_key root = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    uint32_t word[4];
    random_block(root, (uint32_t)stream, part, 0, 0, word);
    return (struct random_key){{word[0], word[1]}};
}

void random_block(struct random_key key, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                  uint32_t out[4]) {
    uint32_t k0 = key.word[0], k1 = key.word[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p = (uint64_t)a * 0xD2511F53U;
        uint64_t q = (uint64_t)c * 0xCD9E8D57U;
        a = (uint32_t)(q >> 32) ^ b ^ k0;
        b = (uint32_t)q;
        c = (uint32_t)(p >> 32) ^ d ^ k1;
        d = (uint32_t)p;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

static void block_of(struct random_key key, uint32_t a, uint32_t b, uint64_t index,
                     uint32_t out[4]) {
    random_block(key, a, b, (uint32_t)(index / 4), (uint32_t)(index / 4 >> 32), out);
}

uint32_t random_word(struct random_key key, uint32_t a, uint32_t b, uint64_t index) {
    uint32_t word[4];
    block_of(key, a, b, index, word);
    return word[index % 4];
}

float random_uniform(struct random_key key, uint32_t a, uint32_t b, uint64_t index) {
    return (float)(random_word(key, a, b, index) >> 8) * 0x1p-24F;
}

// Two normal numbers of two words.
static void normal_pair(const uint32_t word[2], float out[2]) {
    double radius = sqrt(-2 * log((word[0] + 1.0) * 0x1p-32)); // never the logarithm of 0
    double angle = 2 * M_PI * (word[1] * 0x1p-32);
    out[0] = (float)(radius * cos(angle));
    out[1] = (float)(radius * sin(angle));
}

float random_normal(struct random_key key, uint32_t a, uint32_t b, uint64_t index) {
    uint32_t word[4];
    float pair[2];
    block_of(key, a, b, index, word);
    normal_pair(word + index % 4 / 2 * 2, pair);
    return pair[index % 2];
}

void random_normals(struct random_key key, uint32_t a, uint32_t b, size_t count, float *out) {
    for (size_t i = 0; i < count; i += 4) {
        uint32_t word[4];
        float four[4];
        block_of(key, a, b, i, word);
        normal_pair(word, four);
        normal_pair(word + 2, four + 2);
        memcpy(out + i, four, (count - i < 4 ? count - i : 4) * sizeof *out);
    }
}

uint32_t random_below(struct random_key key, uint32_t a, uint32_t b, uint64_t index,
                      uint32_t bound) {
    return (uint32_t)((uint64_t)random_word(key, a, b, index) * bound >> 32);
}

void random_permutation(struct random_key key, uint32_t a, uint32_t b, int count, int *out) {
    for (int i = 0; i < count; i++) {
        out[i] = i;
    }
    for (int i = 0; i + 1 < count; i++) {
        int j = i + (int)random_below(key, a, b, (uint64_t)i, (uint32_t)(count - i));
        int picked = out[j];
        out[j] = out[i];
        out[i] = picked;
    }
}
