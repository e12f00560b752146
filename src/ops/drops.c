#include "ops/drops.h"
#include <assert.h>
#include <math.h>

struct drops drops_of(const struct op_mode *mode, float p) {
    return (struct drops){
        .key = random_key(mode->seed, RANDOM_DROPOUT, mode->node),
        .step = mode->step,
        .lowest = (int32_t)ceil((double)p * (1 << 24)),
        .factor = p < 1 ? 1 / (1 - p) : 0,
    };
}

// The words come first, so that applying them has no branches.
static void drops_draw(const struct drops *d, uint32_t sample, uint64_t at,
                       uint32_t word[DROPS_BLOCK]) {
    for (size_t i = 0; i < DROPS_BLOCK; i += 4)
        random_block(d->key, sample, d->step, (uint32_t)((at + i) / 4), 0, word + i);
}

void drops_apply(const struct drops *d, uint32_t sample, uint64_t at, size_t count,
                 const float *from, float *to, bool add) {
    uint32_t word[DROPS_BLOCK];
    assert(at % DROPS_BLOCK == 0);
    for (size_t first = 0; first < count; first += DROPS_BLOCK) {
        size_t length = count - first < DROPS_BLOCK ? count - first : DROPS_BLOCK;
        drops_draw(d, sample, at + first, word);
        for (size_t i = 0; i < length; i++) {
            float kept = (int32_t)(word[i] >> 8) >= d->lowest;
            float y = from[first + i] * (kept * d->factor);
            to[first + i] = add ? to[first + i] + y : y;
        }
    }
}
