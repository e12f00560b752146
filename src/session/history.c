#include "session/history.h"

#include "base/xalloc.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

void series_close(struct series *s) {
    free(s->buckets);
    *s = (struct series){0};
}

// What a series of so many buckets has room for at least, by which its room is told.
static size_t room_for(int count) {
    size_t room = FIRST_CAPACITY;
    while (room < (size_t)count)
        room *= 2;
    return room;
}

struct series series_copy(const struct series *s) {
    struct series copy = *s;
    size_t size = sizeof *s->buckets;
    copy.buckets = s->count ? xmalloc(room_for(s->count) * size) : NULL;
    if (s->count)
        memcpy(copy.buckets, s->buckets, (size_t)s->count * size);
    return copy;
}

int64_t series_last(const struct series *s) {
    return s->count ? s->buckets[s->count - 1].last : 0;
}

static void merge(struct bucket *into, const struct bucket *next) {
    int64_t count = into->count + next->count;
    into->last = next->last;
    into->held += next->held;
    if (next->count == 0)
        return;
    into->low = fminf(into->low, next->low); // of a number and NAN: the number
    into->high = fmaxf(into->high, next->high);
    into->mean = into->count == 0 ? next->mean
                                  : into->mean + (next->mean - into->mean) *
                                                     ((double)next->count / (double)count);
    into->count = count;
}

// Pairs of neighbours become one; every bucket but the last one is full by then.
static void halve(struct series *s) {
    int pairs = s->count / 2;
    for (int i = 0; i < pairs; i++) {
        s->buckets[i] = s->buckets[2 * i];
        merge(&s->buckets[i], &s->buckets[2 * i + 1]);
    }
    s->count = pairs;
    s->stride *= 2;
}

static void append(struct series *s, const struct bucket *b) {
    if (s->count == 0 || room_for(s->count + 1) > room_for(s->count))
        s->buckets = xrealloc(s->buckets, room_for(s->count + 1) * sizeof *s->buckets);
    s->buckets[s->count++] = *b;
}

void series_add(struct series *s, int64_t step, double value) {
    struct bucket b = {step, step, NAN, NAN, NAN, 0, 1};
    if (fabs(value) <= (double)FLT_MAX)
        b = (struct bucket){step, step, (float)value, (float)value, value, 1, 1};
    if (s->count == 0)
        s->stride = 1;
    struct bucket *last = s->count ? &s->buckets[s->count - 1] : NULL;
    if (last && last->held < s->stride) {
        merge(last, &b);
        return;
    }
    if (s->count == HISTORY_BUCKETS)
        halve(s);
    append(s, &b);
}

// The first bucket that ends at `step` or later, or s->count.
static int bucket_from(const struct series *s, int64_t step) {
    int low = 0, high = s->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (s->buckets[middle].last < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void series_cut(struct series *s, int64_t step) {
    s->count = bucket_from(s, step + 1);
}

bool series_range(const struct series *s, int64_t from, int64_t to, float *low, float *high) {
    float l = NAN, h = NAN;
    for (int i = bucket_from(s, from); i < s->count && s->buckets[i].first <= to; i++) {
        l = fminf(l, s->buckets[i].low);
        h = fmaxf(h, s->buckets[i].high);
    }
    if (isnan(l))
        return false;
    *low = l;
    *high = h;
    return true;
}

const struct bucket *series_at(const struct series *s, int64_t step) {
    if (s->count == 0)
        return NULL;
    int i = bucket_from(s, step);
    if (i == s->count)
        return &s->buckets[i - 1];
    if (i > 0 && step - s->buckets[i - 1].last < s->buckets[i].first - step)
        i--;
    return &s->buckets[i];
}
