// What is kept of the frozen prefix changes nothing but the time: twins, one with and one without.
#include "cache_twins.h"
#include "models/models.h"

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
    float *values = (float *)(void *)p.with.training->cache.stores[0].memory;
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

// With a number of views there is an end of them.
static void views_are_kept(void **state) {
    (void)state;
    static const char *const sets[] = {"data.augment=[flip, crop 1, jitter 0.1 0.1 0 0]",
                                       "data.views=3", NULL};
    struct model *m = residual_model(0.3f);
    struct pair p;
    open_pair(&p, m, sets);
    both(&p, "only head", 3 * p.with.training->epoch_steps + 2);
    assert_int_equal(view(&p.with).state, CACHE_KEPT);
    assert_int_equal(view(&p.with).count, 3 * SAMPLES);
    assert_int_equal(view(&p.with).known, 3 * SAMPLES);
    assert_true(p.with.training->cached);
    both(&p, "thaw block.conv2", 20);
    close_pair(&p);
    model_close(m);
}

// Rounded whether they are kept or not, in every kind of pass, and so in other results than
// without.
static void halves_are_the_same_kept_or_not(void **state) {
    (void)state;
    static const char *const sets[] = {"train.features=bfloat16", NULL};
    struct model *m = residual_model(0.3f);
    struct pair p;
    struct twin full;
    open_pair(&p, m, sets);
    open_twin(&full, m, p.pool, "train.cache=16", NULL);
    both(&p, "only head", 14);
    apply(&full, "only head");
    for (int i = 0; i < 14; i++)
        step(&full);
    evaluate(&full);
    assert_memory_not_equal(full.training->weights.data, p.with.training->weights.data,
                            m->weight_floats * sizeof(float));
    assert_int_equal(2 * view(&p.with).bytes, view(&full).bytes);
    both(&p, "thaw block.conv2", 8);
    both(&p, "bn reestimate", 8);
    p.with.training->cache.budget.memory = 20 * 8 * sizeof(uint16_t);
    both(&p, "only head", 20);
    close_twin(&full);
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
        p.with.training->cache.budget.memory = (size_t)rooms[i] * 8 * sizeof(float) + 1;
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
    p.with.training->cache.budget.memory = 8 * sizeof(float) - 1;
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
        cmocka_unit_test(views_are_kept),
        cmocka_unit_test(halves_are_the_same_kept_or_not),
        cmocka_unit_test(what_is_kept_is_not_read),
        cmocka_unit_test(what_fits_is_kept),
        cmocka_unit_test(without_room_for_one_nothing_is_kept),
        cmocka_unit_test(nothing_thawed_has_no_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
