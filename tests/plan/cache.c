// What is kept of the frozen prefix changes nothing but the time: twins, one with and one without.
#include "plan/cache.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "test.h"
#include "tiny_run.h"
#include "training_copy.h"
#include <stdatomic.h>
#include <string.h>

enum { SAMPLES = 44, OTHERS = 13 }; // the last batches are not whole

struct twin {
    struct experiment experiment;
    struct training *training;
};

static atomic_int reads;

static void read_noise(const struct dataset *d, int index, float *out) {
    atomic_fetch_add(&reads, 1);
    struct random_key key = random_key(5, RANDOM_PROBE, (uint32_t)d->count);
    for (size_t k = 0; k < shape_count(d->shape); k++)
        out[k] = random_normal(key, (uint32_t)index, 0, k) + (float)d->labels[index];
}

static struct dataset *noise(const struct model *m, int count) {
    struct dataset *d = dataset_new("noise", m->nodes[0].shape, count, m->classes, NULL);
    for (int i = 0; i < count; i++)
        d->labels[i] = i % m->classes;
    d->read = read_noise;
    return d;
}

static void open_twin(struct twin *t, const struct model *m, struct pool *pool, const char *cache,
                      const char *const *more) {
    const char *sets[8] = {"data.augment=[]", "train.epochs=30", "optim.clip=1", cache};
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

static void close_twin(struct twin *t) {
    training_close(t->training);
    experiment_close(&t->experiment);
}

static void apply(struct twin *t, const char *text) {
    struct error error;
    if (!training_apply(t->training, text, &error))
        fail_msg("%s: %s", text, error.text);
}

static struct step_result step(struct twin *t) {
    struct step_result result;
    struct error error;
    if (!training_step(t->training, &result, &error))
        fail_msg("%s", error.text);
    return result;
}

static struct tally evaluate(struct twin *t) {
    struct tally tally;
    struct error error;
    assert_true(training_evaluate(t->training, t->training->data.validation, &tally, NULL, &error));
    return tally;
}

static struct cache_view view(const struct twin *t) {
    return cache_look(&t->training->cache);
}

struct pair {
    struct pool *pool;
    struct twin with, without;
};

static void open_pair(struct pair *p, const struct model *m, const char *const *more) {
    p->pool = pool_open(2);
    open_twin(&p->with, m, p->pool, "train.cache=16", more);
    open_twin(&p->without, m, p->pool, "train.cache=0", more);
}

static void close_pair(struct pair *p) {
    close_twin(&p->with);
    close_twin(&p->without);
    pool_close(p->pool);
}

// So many steps and an evaluation, with equal bits in everything.
static void both(struct pair *p, const char *text, int steps) {
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

static void every_mask_gives_the_same_bits(void **state) {
    (void)state;
    static const char *const sets[] = {"optim.name=adam", NULL};
    struct model *m = residual_model(0.3f);
    struct pair p;
    open_pair(&p, m, sets);
    for (int i = 0; i < RESIDUAL_MODULES; i++) {
        char text[64];
        snprintf(text, sizeof text, "only %s", residual_modules[i]);
        both(&p, text, 7);
        snprintf(text, sizeof text, "thaw %s", residual_modules[(i * 4 + 3) % RESIDUAL_MODULES]);
        both(&p, text, 3);
    }
    close_pair(&p);
    model_close(m);
}

static void policies_and_architectures_give_the_same_bits(void **state) {
    (void)state;
    static const char *const masks[] = {"only head", "only last-1-blocks; thaw head", "bn batch",
                                        "only head"};
    static const char *const names[] = {"mlp", "cnn", "resnet8", "resnet18"};
    for (int i = 0; i < 4; i++) {
        struct error error;
        int side = i < 3 ? 28 : 32;
        struct arch_options options = {.classes = 4, .input = {side, side, 1}, .dropout = 0.2f};
        struct model *m = arch_build(arch_find(names[i], &error), &options, &error);
        struct pair p;
        assert_non_null(m);
        open_pair(&p, m, NULL);
        for (int k = 0; k < 4; k++)
            if (k != 1 || i >= 2) // the others have no blocks
                both(&p, masks[k], 8);
        assert_int_equal(view(&p.with).state, CACHE_KEPT);
        close_pair(&p);
        model_close(m);
    }
}

// One pass over the samples computes them all; after it the prefix is skipped, which shows in that
// what was kept is what is used.
static void what_is_kept_is_used(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct pair p;
    open_pair(&p, m, NULL);
    apply(&p.with, "only head");
    apply(&p.without, "only head");
    for (int i = 0; i < p.with.training->epoch_steps; i++) {
        assert_int_equal(view(&p.with).known, 8 * i);
        step(&p.with);
        step(&p.without);
    }
    assert_int_equal(view(&p.with).known, SAMPLES);
    assert_int_equal(view(&p.with).count, SAMPLES);
    assert_int_equal(view(&p.with).bytes, SAMPLES * 8 * sizeof(float));
    float *values = p.with.training->cache.stores[0].memory;
    for (int i = 0; i < SAMPLES * 8; i++)
        values[i] = 1;
    assert_true(step(&p.with).tally.loss != step(&p.without).tally.loss);
    close_pair(&p);
    model_close(m);
}

// Frozen again after it was trained, the prefix is another one.
static void changed_weights_are_noticed(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct pair p;
    open_pair(&p, m, NULL);
    both(&p, "only head", 6);
    assert_int_equal(view(&p.with).known, SAMPLES);
    both(&p, "lr x0.5", 0); // no other prefix
    assert_int_equal(view(&p.with).known, SAMPLES);
    both(&p, "thaw conv1", 2);
    assert_int_equal(view(&p.with).state, CACHE_NO_PREFIX);
    both(&p, "freeze conv1", 1);
    assert_int_equal(view(&p.with).known, 8);
    both(&p, "undo", 1);  // thawed again
    both(&p, "undo", 12); // frozen again
    assert_int_equal(view(&p.with).known, SAMPLES);
    close_pair(&p);
    model_close(m);
}

static void augmented_samples_are_not_kept(void **state) {
    (void)state;
    static const char *const sets[] = {"data.augment=[flip, crop 1]", NULL};
    struct model *m = residual_model(0);
    struct pair p;
    open_pair(&p, m, sets);
    both(&p, "only head", 12);
    assert_int_equal(view(&p.with).state, CACHE_VARY);
    assert_int_equal(view(&p.with).known, 0);
    assert_int_equal(p.with.training->cache.stores[1].count, OTHERS); // evaluation's are
    close_pair(&p);
    model_close(m);
}

// What is known is not even read, in training and in evaluation.
static void what_is_kept_is_not_read(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct twin t;
    struct pool *pool = pool_open(2);
    open_twin(&t, m, pool, "train.cache=16", NULL);
    apply(&t, "only head");
    for (int i = 0; i < 3 * t.training->epoch_steps; i++)
        step(&t);
    evaluate(&t);
    int before = atomic_load(&reads);
    for (int i = 0; i < 3 * t.training->epoch_steps; i++)
        step(&t);
    evaluate(&t);
    assert_int_equal(atomic_load(&reads), before);
    assert_true(t.training->cached);
    close_twin(&t);
    pool_close(pool);
    model_close(m);
}

// Some rows fit, and serve; the others are computed, those of a batch by themselves.
static void what_fits_is_kept(void **state) {
    (void)state;
    static const int rooms[] = {SAMPLES / 2, SAMPLES - 1, 1};
    struct model *m = residual_model(0.3f);
    for (int i = 0; i < 3; i++) {
        struct pair p;
        open_pair(&p, m, NULL);
        p.with.training->cache.budget = (size_t)rooms[i] * 8 * sizeof(float) + 1;
        both(&p, "only head", 20);
        assert_int_equal(view(&p.with).state, CACHE_KEPT);
        assert_int_equal(view(&p.with).known, rooms[i]);
        assert_int_equal(p.with.training->cache.stores[1].state, CACHE_TOO_LARGE);
        both(&p, "thaw block.conv2", 9);
        both(&p, "undo", 9);
        close_pair(&p);
    }
    model_close(m);
}

static void without_room_for_one_nothing_is_kept(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct pair p;
    open_pair(&p, m, NULL);
    p.with.training->cache.budget = 8 * sizeof(float) - 1;
    both(&p, "only head", 7);
    assert_int_equal(view(&p.with).state, CACHE_TOO_LARGE);
    assert_int_equal(view(&p.with).known, 0);
    close_pair(&p);
    model_close(m);
}

static void nothing_thawed_has_no_prefix(void **state) {
    (void)state;
    struct model *m = residual_model(0);
    struct pair p;
    open_pair(&p, m, NULL);
    both(&p, "freeze all", 0);
    assert_int_equal(view(&p.with).state, CACHE_NO_PREFIX);
    both(&p, "thaw head", 7);
    assert_int_equal(view(&p.with).state, CACHE_KEPT);
    close_pair(&p);
    model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mask_gives_the_same_bits),
        cmocka_unit_test(policies_and_architectures_give_the_same_bits),
        cmocka_unit_test(what_is_kept_is_used),
        cmocka_unit_test(changed_weights_are_noticed),
        cmocka_unit_test(augmented_samples_are_not_kept),
        cmocka_unit_test(what_is_kept_is_not_read),
        cmocka_unit_test(what_fits_is_kept),
        cmocka_unit_test(without_room_for_one_nothing_is_kept),
        cmocka_unit_test(nothing_thawed_has_no_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
