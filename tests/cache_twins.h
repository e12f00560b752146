// Twins: the same small training with and without a cache, held against each other.
#ifndef THAW_TESTS_CACHE_TWINS_H
#define THAW_TESTS_CACHE_TWINS_H

// clang-format off
#include "test.h"
// clang-format on
#include "plan/cache.h"
#include "tiny_run.h"
#include "training_copy.h"
#include <stdatomic.h>
#include <string.h>

enum { SAMPLES = 44, OTHERS = 13 }; // the last batches are not whole

struct twin {
    struct experiment experiment;
    struct training *training;
};

static atomic_int reads; // of samples

static inline void read_noise(const struct dataset *d, int index, float *out) {
    atomic_fetch_add(&reads, 1);
    struct random_key key = random_key(5, RANDOM_PROBE, (uint32_t)d->count);
    for (size_t k = 0; k < shape_count(d->shape); k++)
        out[k] = random_normal(key, (uint32_t)index, 0, k) + (float)d->labels[index];
}

// Not by reading.
static inline bool hash_noise(const struct dataset *d, int index, struct hash128 *out) {
    int parts[3] = {d->count, index, d->labels[index]};
    *out = hash128_bytes(parts, sizeof parts);
    return true;
}

static inline struct dataset *noise(const struct model *m, int count) {
    struct dataset *d = dataset_new("noise", m->nodes[0].shape, count, m->classes, NULL);
    for (int i = 0; i < count; i++)
        d->labels[i] = i % m->classes;
    d->read = read_noise;
    d->hash = hash_noise;
    return d;
}

static inline void open_twin(struct twin *t, const struct model *m, struct pool *pool,
                             const char *cache, const char *const *more) {
    const char *sets[12] = {"data.augment=[]", "train.epochs=30", "optim.clip=1", cache};
    for (int i = 0; more && more[i]; i++)
        sets[4 + i] = more[i];
    tiny_experiment(&t->experiment, sets);
    struct weights weights = weights_open(m);
    weights_init(&weights, 3);
    struct training_data data = {noise(m, SAMPLES), noise(m, OTHERS), NULL};
    struct error error;
    t->training = training_open(&t->experiment, m, weights, data, pool, &error);
    if (!t->training)
        fail_msg("%s", error.text);
}

static inline void close_twin(struct twin *t) {
    training_close(t->training);
    experiment_close(&t->experiment);
}

static inline void apply(struct twin *t, const char *text) {
    struct error error;
    if (!training_apply(t->training, text, &error))
        fail_msg("%s: %s", text, error.text);
}

static inline struct step_result step(struct twin *t) {
    struct step_result result;
    struct error error;
    if (!training_step(t->training, &result, &error))
        fail_msg("%s", error.text);
    return result;
}

static inline struct tally evaluate(struct twin *t) {
    struct tally tally;
    struct error error;
    assert_true(training_evaluate(t->training, t->training->data.validation, &tally, NULL, &error));
    return tally;
}

static inline struct cache_view view(const struct twin *t) {
    return cache_look(&t->training->cache);
}

struct pair {
    struct pool *pool;
    struct twin with, without;
};

static inline void open_pair(struct pair *p, const struct model *m, const char *const *more) {
    p->pool = pool_open(2);
    open_twin(&p->with, m, p->pool, "train.cache=16", more);
    open_twin(&p->without, m, p->pool, "train.cache=0", more);
}

static inline void close_pair(struct pair *p) {
    close_twin(&p->with);
    close_twin(&p->without);
    pool_close(p->pool);
}

// So many steps and an evaluation, with equal bits in everything.
static inline void both(struct pair *p, const char *text, int steps) {
    apply(&p->with, text);
    apply(&p->without, text);
    for (int i = 0; i < steps; i++) {
        struct step_result a = step(&p->with), b = step(&p->without);
        assert_memory_equal(&a, &b, sizeof a);
    }
    struct tally a = evaluate(&p->with), b = evaluate(&p->without);
    assert_memory_equal(&a, &b, sizeof a);
    struct training_copy expected = training_copy(p->without.training);
    training_copy_equal(&expected, p->with.training);
    training_copy_close(&expected);
    assert_int_equal(view(&p->without).state, CACHE_OFF);
    assert_int_equal(view(&p->without).known, 0);
}

#endif
