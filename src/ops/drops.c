#include "ops/drops.h"
#include "base/kernels.h"
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

void drops_apply(const struct drops *d, uint32_t sample, uint64_t at, size_t count,
                 const float *from, float *to, bool add) {
    const struct kernel_drop drop = {.key = {d->key.word[0], d->key.word[1]},
                                     .a = sample,
                                     .b = d->step,
                                     .lowest = d->lowest,
                                     .factor = d->factor};
    assert(at % DROPS_BLOCK == 0);
    kernels()->drop(count, &drop, (uint32_t)(at / 4), from, to, add);
}
