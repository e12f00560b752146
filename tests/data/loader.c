#include "data/loader.h"

#include "toy.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { H = 5, W = 6, C = 2, SIZE = H * W * C, COUNT = 23, BATCH = 4, STEPS = 6 };

static const struct shape shape = {H, W, C};

static struct loader_settings plain(void) {
    return (struct loader_settings){.batch = BATCH, .seed = 11, .std = {1, 1, 1, 1}};
}

static struct loader_settings full(void) {
    struct loader_settings s = plain();
    s.shuffle = s.augment.flip = true;
    s.augment.crop = 2;
    s.mean[0] = 0.25F;
    s.mean[1] = 0.5F;
    s.std[0] = 0.5F;
    s.std[1] = 2;
    return s;
}

// A batch that is kept.
struct kept {
    int n, label[BATCH];
    uint32_t sample[BATCH];
    float x[BATCH * SIZE];
};

static void keep(const struct batch *b, struct kept *out) {
    memset(out, 0, sizeof *out);
    out->n = b->n;
    memcpy(out->label, b->label, (size_t)b->n * sizeof *b->label);
    memcpy(out->sample, b->sample, (size_t)b->n * sizeof *b->sample);
    memcpy(out->x, b->x, (size_t)b->n * SIZE * sizeof *b->x);
}

static void in_order_without_shuffling(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = plain();
    struct loader *l = loader_open(d, &set);
    assert_int_equal(loader_steps(l), STEPS);
    for (int step = 0; step < 2 * STEPS; step++) {
        const struct batch *b = loader_batch(l, step);
        int first = step % STEPS * BATCH;
        assert_int_equal(b->n, first + BATCH > COUNT ? COUNT - first : BATCH);
        assert_int_equal((uintptr_t)b->x % 64, 0);
        for (int i = 0; i < b->n; i++) {
            assert_int_equal(b->sample[i], first + i);
            assert_int_equal(b->label[i], (first + i) % 3);
            for (size_t k = 0; k < SIZE; k++)
                assert_true(b->x[(size_t)i * SIZE + k] == toy_pixel(first + i, k));
        }
    }
    loader_close(l);
    dataset_close(d);
}

static void every_sample_once_an_epoch(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = full();
    struct loader *l = loader_open(d, &set);
    uint32_t order[3][COUNT];
    for (int epoch = 0; epoch < 3; epoch++) {
        int seen[COUNT] = {0}, n = 0;
        for (int step = 0; step < STEPS; step++) {
            const struct batch *b = loader_batch(l, (int64_t)epoch * STEPS + step);
            for (int i = 0; i < b->n; i++) {
                order[epoch][n++] = b->sample[i];
                seen[b->sample[i]]++;
                assert_int_equal(b->label[i], b->sample[i] % 3);
            }
        }
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(seen[i], 1);
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    assert_memory_not_equal(order[1], order[2], sizeof order[0]);
    loader_close(l);
    dataset_close(d);
}

// The normalised, mirrored, padded image is written out whole, then cut.
static void naive(const struct loader_settings *set, int sample, uint32_t epoch, float *out) {
    enum { K = 2, PH = H + 2 * K, PW = W + 2 * K };
    float padded[PH][PW][C] = {{{0}}};
    struct random_key key = random_key(set->seed, RANDOM_AUGMENT, 0);
    bool flip = random_uniform(key, (uint32_t)sample, epoch, 0) >= 0.5F;
    int top = (int)random_below(key, (uint32_t)sample, epoch, 1, 2 * K + 1);
    int left = (int)random_below(key, (uint32_t)sample, epoch, 2, 2 * K + 1);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < C; c++) {
                float value = toy_pixel(sample, (size_t)((y * W + x) * C + c));
                int to = set->augment.flip && flip ? W - 1 - x : x;
                padded[y + K][to + K][c] = (value - set->mean[c]) / set->std[c];
            }
    if (set->augment.crop == 0)
        top = left = K;
    for (int y = 0; y < H; y++)
        memcpy(out + y * W * C, padded[y + top][left], W * C * sizeof(float));
}

static void check_augmentation(struct loader_settings set) {
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader *l = loader_open(d, &set);
    float expected[SIZE];
    for (int step = 0; step < 4 * STEPS; step++) {
        const struct batch *b = loader_batch(l, step);
        for (int i = 0; i < b->n; i++) {
            naive(&set, (int)b->sample[i], (uint32_t)(step / STEPS), expected);
            for (size_t k = 0; k < SIZE; k++)
                assert_true(b->x[(size_t)i * SIZE + k] == expected[k]);
        }
    }
    loader_close(l);
    dataset_close(d);
}

static void augments_like_the_naive_way(void **state) {
    (void)state;
    struct loader_settings set = full();
    check_augmentation(set);
    set.augment.flip = false;
    check_augmentation(set);
    set.augment.crop = 0;
    check_augmentation(set);
    set.augment.flip = true;
    check_augmentation(set);
}

// Draws of one sample differ from epoch to epoch, and half of the images are mirrored.
static void flips_half_of_the_time(void **state) {
    (void)state;
    enum { MANY = 2000 };
    struct dataset *d = toy_open((struct shape){1, 2, 1}, MANY, 2, NULL);
    struct loader_settings set = plain();
    set.batch = MANY;
    set.augment.flip = true;
    struct loader *l = loader_open(d, &set);
    int flipped[2] = {0}, same = 0;
    bool first[MANY];
    for (int epoch = 0; epoch < 2; epoch++) {
        const struct batch *b = loader_batch(l, epoch);
        for (int i = 0; i < MANY; i++) {
            bool flip = b->x[2 * i] != toy_pixel(i, 0);
            flipped[epoch] += flip;
            same += epoch == 1 && first[i] == flip;
            first[i] = flip;
        }
    }
    // 6 standard deviations of a fair coin are 134.
    assert_in_range(flipped[0], 1000 - 134, 1000 + 134);
    assert_in_range(flipped[1], 1000 - 134, 1000 + 134);
    assert_in_range(same, 1000 - 134, 1000 + 134);
    loader_close(l);
    dataset_close(d);
}

// What a step holds does not depend on which steps were asked before.
static void any_order_gives_the_same(void **state) {
    (void)state;
    static const int64_t asked[] = {0,  1, 2,  3, 3,  1, 2,  9,  10, 14, 30, 31, 32, 29, 0,  5,
                                    11, 7, 12, 6, 40, 0, 39, 38, 37, 36, 4,  6,  8,  10, 41, 41};
    enum { ASKED = sizeof asked / sizeof asked[0], ALL = 42 };
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = full();
    struct kept *all = calloc(ALL, sizeof *all), now;
    struct loader *l = loader_open(d, &set);
    for (int step = 0; step < ALL; step++)
        keep(loader_batch(l, step), &all[step]);
    loader_close(l);
    l = loader_open(d, &set);
    for (int i = 0; i < ASKED; i++) {
        keep(loader_batch(l, asked[i]), &now);
        assert_memory_equal(&now, &all[asked[i]], sizeof now);
    }
    loader_close(l);
    // A resumed run begins in the middle.
    l = loader_open(d, &set);
    keep(loader_batch(l, 33), &now);
    assert_memory_equal(&now, &all[33], sizeof now);
    loader_close(l);
    free(all);
    dataset_close(d);
}

struct task {
    const struct dataset *data;
    struct loader_settings set;
    const struct kept *expected;
    bool equal;
};

static void *read_all(void *argument) {
    struct task *t = argument;
    struct kept now;
    struct loader *l = loader_open(t->data, &t->set);
    t->equal = true;
    for (int round = 0; round < 20; round++)
        for (int step = 0; step < 3 * STEPS; step += 1 + round % 7) {
            keep(loader_batch(l, step), &now);
            t->equal = t->equal && memcmp(&now, &t->expected[step], sizeof now) == 0;
        }
    loader_close(l);
    return NULL;
}

static void loaders_share_data_in_threads(void **state) {
    (void)state;
    enum { THREADS = 3 };
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct kept expected[3 * STEPS];
    struct loader_settings set = full();
    struct loader *l = loader_open(d, &set);
    for (int step = 0; step < 3 * STEPS; step++)
        keep(loader_batch(l, step), &expected[step]);
    loader_close(l);
    pthread_t thread[THREADS];
    struct task task[THREADS];
    for (int i = 0; i < THREADS; i++) {
        task[i] = (struct task){d, set, expected, false};
        assert_int_equal(pthread_create(&thread[i], NULL, read_all, &task[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_true(task[i].equal);
    }
    dataset_close(d);
}

// A held batch stays as it is while the thread works ahead; closing at any moment is fine.
static void holds_and_closes(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = full();
    loader_close(NULL);
    loader_close(loader_open(d, &set));
    for (int i = 0; i < 50; i++) {
        struct loader *l = loader_open(d, &set);
        struct kept before, after;
        const struct batch *b = loader_batch(l, i);
        keep(b, &before);
        assert_ptr_equal(loader_batch(l, i), b);
        keep(b, &after);
        assert_memory_equal(&before, &after, sizeof after);
        loader_close(l);
    }
    dataset_close(d);
}

static void a_large_batch_holds_all(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, 3, 3, NULL);
    struct loader_settings set = plain();
    set.batch = 1 << 30;
    struct loader *l = loader_open(d, &set);
    assert_int_equal(loader_steps(l), 1);
    assert_int_equal(loader_batch(l, 5)->n, 3);
    loader_close(l);
    dataset_close(d);
}

// Two of three.
static bool spares_most(void *context, uint32_t sample, uint32_t view) {
    const int *views = context;
    assert_true((int)view < *views);
    return sample % 3 != 0;
}

static void what_is_spared_is_left_out(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = full();
    int views = 2;
    set.views = views;
    struct loader *l = loader_open(d, &set);
    struct kept all[3 * STEPS], now;
    for (int step = 0; step < 3 * STEPS; step++)
        keep(loader_batch(l, step), &all[step]);
    loader_close(l);
    set.spares = spares_most;
    set.context = &views;
    l = loader_open(d, &set);
    for (int step = 0; step < 3 * STEPS; step++) {
        const struct batch *b = loader_batch_spared(l, step);
        int rows = 0;
        assert_int_equal(b->view, step / STEPS % 2);
        for (int i = 0; i < b->n; i++) {
            assert_int_equal(b->sample[i], all[step].sample[i]);
            assert_int_equal(b->row[i], b->sample[i] % 3 == 0 ? rows : -1);
            if (b->row[i] >= 0)
                assert_memory_equal(b->x + (size_t)SIZE * (size_t)rows++,
                                    all[step].x + (size_t)SIZE * (size_t)i, SIZE * sizeof *b->x);
        }
        assert_int_equal(b->spared, b->n - rows);
        if (step % 2)
            continue;
        keep(loader_batch(l, step), &now); // after all
        assert_memory_equal(&now, &all[step], sizeof now);
    }
    loader_close(l);
    dataset_close(d);
}

// Begun anywhere, asked for anywhere: the same batches.
static void what_was_begun_changes_nothing(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = full();
    struct loader *plain = loader_open(d, &set);
    for (int begun = 0; begun < 2 * STEPS; begun += 3)
        for (int step = 0; step < 2 * STEPS; step += 5) {
            struct kept expected, now;
            struct loader *l = loader_open(d, &set);
            loader_begin(l, begun);
            keep(loader_batch(l, step), &now);
            keep(loader_batch(plain, step), &expected);
            assert_memory_equal(&now, &expected, sizeof now);
            loader_close(l);
        }
    loader_close(plain);
    dataset_close(d);
}

// With two views of each sample, every other epoch shows the same.
static void views_come_again(void **state) {
    (void)state;
    struct dataset *d = toy_open(shape, COUNT, 3, NULL);
    struct loader_settings set = full();
    set.shuffle = false;
    struct loader *l = loader_open(d, &set);
    struct kept epoch[2], now;
    keep(loader_batch(l, 0), &epoch[0]);
    keep(loader_batch(l, STEPS), &epoch[1]);
    loader_close(l);
    assert_memory_not_equal(epoch[0].x, epoch[1].x, sizeof epoch[0].x);
    set.views = 2;
    l = loader_open(d, &set);
    for (int i = 0; i < 6; i++) {
        keep(loader_batch(l, i * STEPS), &now);
        assert_memory_equal(&now, &epoch[i % 2], sizeof now);
    }
    loader_close(l);
    dataset_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_without_shuffling),
        cmocka_unit_test(every_sample_once_an_epoch),
        cmocka_unit_test(augments_like_the_naive_way),
        cmocka_unit_test(flips_half_of_the_time),
        cmocka_unit_test(any_order_gives_the_same),
        cmocka_unit_test(loaders_share_data_in_threads),
        cmocka_unit_test(holds_and_closes),
        cmocka_unit_test(a_large_batch_holds_all),
        cmocka_unit_test(what_is_spared_is_left_out),
        cmocka_unit_test(what_was_begun_changes_nothing),
        cmocka_unit_test(views_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
