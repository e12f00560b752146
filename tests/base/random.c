// Philox against the known answers that its authors publish (Random123, kat_vectors); what is built
// on it against the definition in the header and against the moments of the distributions.
#include "base/random.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 1 << 16 };

static struct random_key test_key(void) {
    return random_key(20260101, RANDOM_PROBE, 3);
}

static void check_vector(const uint32_t counter[4], uint32_t k0, uint32_t k1,
                         const uint32_t expected[4]) {
    uint32_t out[4];
    random_block((struct random_key){{k0, k1}}, counter[0], counter[1], counter[2], counter[3],
                 out);
    assert_memory_equal(out, expected, sizeof out);
}

static void test_known_answers(void **state) {
    (void)state;
    const uint32_t zero[4] = {0};
    const uint32_t ones[4] = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
    const uint32_t pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    check_vector(zero, 0, 0, (const uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    check_vector(ones, 0xffffffff, 0xffffffff,
                 (const uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    check_vector(pi, 0xa4093822, 0x299f31d0,
                 (const uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

static void test_words_come_from_blocks(void **state) {
    (void)state;
    const uint64_t indices[] = {0, 1, 2, 3, 4, 4097, (1ULL << 34) - 1, 1ULL << 34, UINT64_MAX};
    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        uint64_t block = indices[i] / 4;
        uint32_t out[4];
        random_block(test_key(), 5, 6, (uint32_t)block, (uint32_t)(block >> 32), out);
        assert_int_equal(random_word(test_key(), 5, 6, indices[i]), out[indices[i] % 4]);
    }
}

static int compare_keys(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct random_key));
}

static void test_keys_are_distinct(void **state) {
    (void)state;
    enum { SEEDS = 4, PARTS = 100, KEYS = SEEDS * (RANDOM_PROBE + 1) * PARTS };
    const uint64_t seeds[SEEDS] = {0, 1, 1ULL << 32, UINT64_MAX};
    static struct random_key keys[KEYS];
    int count = 0;
    for (int s = 0; s < SEEDS; s++) {
        for (int stream = RANDOM_INIT; stream <= RANDOM_PROBE; stream++) {
            for (uint32_t part = 0; part < PARTS; part++) {
                keys[count++] = random_key(seeds[s], (enum random_stream)stream, part);
            }
        }
    }
    assert_int_equal(count, KEYS);
    qsort(keys, KEYS, sizeof *keys, compare_keys);
    for (int i = 1; i < KEYS; i++) {
        assert_true(compare_keys(&keys[i - 1], &keys[i]) < 0);
    }
}

// Pearson's statistic for equally likely cells, in standard deviations from its mean.
static double chi_square_deviation(const int *counts, int cells, int draws) {
    double expected = (double)draws / cells, sum = 0;
    for (int i = 0; i < cells; i++) {
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return (sum - (cells - 1)) / sqrt(2.0 * (cells - 1));
}

// Fills cells by the draws' leading 8 bits, with one of the three counters running.
static void check_uniform(int running) {
    int counts[256] = {0};
    double sum = 0, square = 0, neighbours = 0, previous = 0.5;
    for (uint32_t i = 0; i < DRAWS; i++) {
        float u = random_uniform(test_key(), running == 0 ? i : 1, running == 1 ? i : 2,
                                 running == 2 ? i : 3);
        assert_true(u >= 0 && u < 1);
        counts[(int)(u * 256)]++;
        sum += u - 0.5;
        square += (u - 0.5) * (u - 0.5);
        neighbours += (u - 0.5) * (previous - 0.5);
        previous = u;
    }
    double root = sqrt(DRAWS);
    assert_true(fabs(chi_square_deviation(counts, 256, DRAWS)) < 4);
    assert_true(fabs(sum / root / sqrt(1.0 / 12)) < 4);
    assert_true(fabs((square / DRAWS - 1.0 / 12) * root / sqrt(1.0 / 180)) < 4);
    assert_true(fabs(neighbours / root * 12) < 4);
}

static void test_uniform(void **state) {
    (void)state;
    for (int running = 0; running < 3; running++) {
        check_uniform(running);
    }
    uint32_t word = random_word(test_key(), 1, 2, 3);
    assert_true(random_uniform(test_key(), 1, 2, 3) == (float)(word / 256) / 16777216.0F);
}

static void test_normal_moments(void **state) {
    (void)state;
    double sums[5] = {0}, neighbours = 0, previous = 0;
    int inside = 0, beyond = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = random_normal(test_key(), 8, 9, i), power = 1;
        for (int k = 0; k < 5; k++, power *= x) {
            sums[k] += power / DRAWS;
        }
        inside += fabs(x) < 1;
        beyond += fabs(x) > 3;
        neighbours += x * previous / DRAWS;
        previous = x;
    }
    double root = sqrt(DRAWS);
    assert_true(fabs(sums[1]) * root < 4);
    assert_true(fabs(sums[2] - 1) * root < 4 * sqrt(2));
    assert_true(fabs(sums[3]) * root < 4 * sqrt(15));
    assert_true(fabs(sums[4] - 3) * root < 4 * sqrt(96));
    assert_true(fabs(neighbours) * root < 4);
    assert_true(fabs((double)inside / DRAWS - 0.682689) * root < 4 * sqrt(0.6827 * 0.3173));
    assert_true(fabs((double)beyond / DRAWS - 0.0026998) * root < 4 * sqrt(0.0027));
}

static void test_normal_is_box_muller(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t first = i - i % 2;
        long double u = (random_word(test_key(), 1, 1, first) + 1.0L) / 4294967296.0L;
        long double v = random_word(test_key(), 1, 1, first + 1) / 4294967296.0L;
        long double angle = 2 * acosl(-1) * v;
        long double expected = sqrtl(-2 * logl(u)) * (i % 2 ? sinl(angle) : cosl(angle));
        assert_true(fabsl(random_normal(test_key(), 1, 1, i) - expected) < 1e-6L);
    }
}

enum { NORMALS = 4096 };

static void test_normals_are_the_same(void **state) {
    (void)state;
    float many[11];
    for (size_t count = 0; count <= 10; count++) {
        many[count] = -77;
        random_normals(test_key(), 3, 4, count, many);
        for (size_t i = 0; i < count; i++)
            assert_true(many[i] == random_normal(test_key(), 3, 4, i));
        assert_true(many[count] == -77); // nothing behind the last one
    }
}

static void *fill_normals(void *out) {
    for (uint64_t i = 0; i < NORMALS; i++) {
        ((float *)out)[i] = random_normal(test_key(), 2, 2, i);
    }
    return NULL;
}

static void test_normal_ignores_threads_and_locale(void **state) {
    (void)state;
    static float here[NORMALS], there[2][NORMALS];
    pthread_t threads[2];
    setlocale(LC_ALL, "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fill_normals, there[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    setlocale(LC_ALL, "C");
    fill_normals(here);
    assert_memory_equal(here, there[0], sizeof here);
    assert_memory_equal(here, there[1], sizeof here);
}

static void test_below(void **state) {
    (void)state;
    int counts[7] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint32_t value = random_below(test_key(), 4, 4, i, 7);
        assert_true(value < 7);
        counts[value]++;
        assert_int_equal(random_below(test_key(), 4, 4, i, 1), 0);
        assert_true(random_below(test_key(), 4, 4, i, UINT32_MAX) < UINT32_MAX);
    }
    assert_true(fabs(chi_square_deviation(counts, 7, DRAWS)) < 4);
}

static void test_permutation_holds_all(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    int out[COUNT], fixed = 0;
    bool seen[COUNT] = {false};
    random_permutation(test_key(), 1, 0, COUNT, out);
    for (int i = 0; i < COUNT; i++) {
        assert_in_range(out[i], 0, COUNT - 1);
        assert_false(seen[out[i]]);
        seen[out[i]] = true;
        fixed += out[i] == i;
    }
    assert_true(fixed < 10); // one is expected
    int one = 7;
    random_permutation(test_key(), 1, 0, 0, &one);
    assert_int_equal(one, 7);
    random_permutation(test_key(), 1, 0, 1, &one);
    assert_int_equal(one, 0);
}

static void test_permutations_are_equally_likely(void **state) {
    (void)state;
    enum { TRIES = 1 << 14 };
    int counts[24] = {0};
    for (uint32_t epoch = 0; epoch < TRIES; epoch++) {
        int p[4], rank = 0;
        random_permutation(test_key(), epoch, 0, 4, p);
        for (int i = 0; i < 4; i++) { // Lehmer's code
            int less = 0;
            for (int j = i + 1; j < 4; j++) {
                less += p[j] < p[i];
            }
            rank = rank * (4 - i) + less;
        }
        counts[rank]++;
    }
    assert_true(fabs(chi_square_deviation(counts, 24, TRIES)) < 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_words_come_from_blocks),
        cmocka_unit_test(test_keys_are_distinct),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal_moments),
        cmocka_unit_test(test_normal_is_box_muller),
        cmocka_unit_test(test_normals_are_the_same),
        cmocka_unit_test(test_normal_ignores_threads_and_locale),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_permutation_holds_all),
        cmocka_unit_test(test_permutations_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
