#include "data/masking.h"

#include "base/random.h"
#include "model/model.h"

// Of what is to be predicted: below the first [MASK], below the second any token.
static const float HIDDEN = 0.8f, RANDOM = 0.9f;

static int length_of(int room, const float *ids) {
    int length = 0;
    while (length < room && ids[length] >= 0)
        length++;
    return length;
}

// What stands in place of a token.
static float replacement(const struct masking *m, struct random_key key, uint32_t sample,
                         uint32_t view, int position, float id) {
    const uint64_t draw = 2 * (uint64_t)position;
    const float what = random_uniform(key, sample, view, draw);
    if (what < HIDDEN)
        return (float)m->marks.mask;
    return what < RANDOM ? (float)random_below(key, sample, view, draw + 1, (uint32_t)m->vocabulary)
                         : id;
}

void masking_apply(const struct masking *m, uint32_t sample, uint32_t view, int room, float *ids,
                   int *target, int *scratch) {
    const uint64_t seed = m->fixed ? 0 : m->seed;
    const uint32_t round = m->fixed ? UINT32_MAX : view;
    const struct random_key order_key = random_key(seed, RANDOM_MASK, 0);
    const struct random_key what_key = random_key(seed, RANDOM_MASK, 1);
    const int length = length_of(room, ids);
    const bool before = length > 0 && ids[0] == (float)m->marks.before;
    const bool after = length > 0 && ids[length - 1] == (float)m->marks.after;
    int first = before, count = length - before - after;
    if (count < 1) { // nothing but marks
        first = 0;
        count = length;
    }
    const int all = model_hidden_tokens(length), most = all < count ? all : count;
    random_permutation(order_key, sample, round, count, scratch);
    for (int i = 0; i < room; i++)
        target[i] = -1;
    for (int i = 0; i < most; i++) {
        const int at = first + scratch[i];
        target[at] = (int)ids[at];
        ids[at] = replacement(m, what_key, sample, round, at, ids[at]);
    }
}
