#include "session/history.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>

// Any value of a long run, without keeping it.
static float value_at(int64_t step) {
    uint64_t h = (uint64_t)step * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    return (float)(h >> 40) / 16777216.0f + (step == 7654321 ? 50.0f : 0.0f);
}

static void brute_range(int64_t from, int64_t to, float *low, float *high, double *mean) {
    double sum = 0;
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = from; i <= to; i++) {
        float v = value_at(i);
        *low = v < *low ? v : *low;
        *high = v > *high ? v : *high;
        sum += (double)v;
    }
    *mean = sum / (double)(to - from + 1);
}

static void ten_million_values_keep_every_region(void **state) {
    (void)state;
    enum { COUNT = 10 * 1000 * 1000 };
    struct series s = {0};
    for (int64_t i = 1; i <= COUNT; i++)
        series_add(&s, i, (double)value_at(i));
    assert_in_range(s.count, HISTORY_BUCKETS / 2, HISTORY_BUCKETS);
    int64_t next = 1;
    for (int i = 0; i < s.count; i++) {
        const struct bucket *b = &s.buckets[i];
        float low, high;
        double mean;
        assert_int_equal(b->first, next); // no step is lost, none counts twice
        next = b->last + 1;
        assert_int_equal(b->count, b->last - b->first + 1);
        assert_true(i == s.count - 1 || b->held == s.stride);
        brute_range(b->first, b->last, &low, &high, &mean);
        assert_true(b->low == low && b->high == high);
        assert_true(fabs(b->mean - mean) < 1e-12 * fabs(mean) * (double)b->count);
    }
    assert_int_equal(next, COUNT + 1);
    float low, high;
    assert_true(series_range(&s, 7654321, 7654321, &low, &high));
    assert_true(high == value_at(7654321));
    assert_true(series_range(&s, 1, COUNT, &low, &high));
    assert_true(high == value_at(7654321));
    series_close(&s);
}

static void a_spike_keeps_its_place_and_height(void **state) {
    (void)state;
    struct series s = {0};
    for (int64_t i = 0; i < 1000000; i++)
        series_add(&s, i, i == 654321 ? 9 : i == 123456 ? -4 : 1);
    for (int i = 0; i < s.count; i++) {
        const struct bucket *b = &s.buckets[i];
        bool up = b->first <= 654321 && 654321 <= b->last;
        bool down = b->first <= 123456 && 123456 <= b->last;
        assert_true(b->high == (up ? 9.0f : 1.0f));
        assert_true(b->low == (down ? -4.0f : 1.0f));
    }
    assert_true(s.stride <= 1024);
    series_close(&s);
}

static void short_runs_are_kept_as_they_are(void **state) {
    (void)state;
    struct series s = {0};
    for (int i = 0; i < HISTORY_BUCKETS; i++)
        series_add(&s, 3 * i, i);
    assert_int_equal(s.count, HISTORY_BUCKETS);
    assert_int_equal(s.stride, 1);
    assert_int_equal(s.buckets[100].first, 300);
    assert_true(s.buckets[100].mean == 100);
    series_add(&s, 3 * HISTORY_BUCKETS, 5);
    assert_int_equal(s.count, HISTORY_BUCKETS / 2 + 1);
    assert_int_equal(s.stride, 2);
    assert_true(s.buckets[50].mean == 100.5);
    series_close(&s);
}

static void what_is_not_finite_is_a_gap(void **state) {
    (void)state;
    struct series s = {0};
    float low, high;
    series_add(&s, 1, 2);
    series_add(&s, 2, NAN);
    series_add(&s, 3, INFINITY);
    series_add(&s, 4, 1e39); // no float is as large
    series_add(&s, 5, 4);
    assert_int_equal(s.count, 5);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(s.buckets[i].count, 0);
        assert_true(isnan(s.buckets[i].low) && isnan(s.buckets[i].high) &&
                    isnan(s.buckets[i].mean));
    }
    assert_false(series_range(&s, 2, 4, &low, &high));
    assert_true(series_range(&s, 1, 5, &low, &high));
    assert_true(low == 2 && high == 4);
    series_close(&s);
}

static void gaps_join_with_values_as_gaps_or_values(void **state) {
    (void)state;
    struct series s = {0};
    for (int i = 0; i < 2 * HISTORY_BUCKETS; i++) // pairs: (NAN, i), (i, NAN), (NAN, NAN)
        series_add(&s, i, i / 2 % 3 == i % 2 || i / 2 % 3 == 2 ? NAN : i);
    assert_int_equal(s.stride, 2);
    for (int i = 0; i < s.count; i++) {
        const struct bucket *b = &s.buckets[i];
        int64_t only = i % 3 == 0 ? b->last : b->first;
        assert_int_equal(b->held, 2);
        assert_int_equal(b->count, i % 3 == 2 ? 0 : 1);
        if (i % 3 == 2)
            assert_true(isnan(b->mean));
        else
            assert_true(b->mean == (double)only && b->low == b->high);
    }
    series_close(&s);
}

static void cut_leaves_nothing_from_behind(void **state) {
    (void)state;
    struct series s = {0};
    series_cut(&s, 5); // nothing to cut
    for (int i = 0; i < 100; i++)
        series_add(&s, i, i);
    series_cut(&s, 200);
    assert_int_equal(s.count, 100);
    series_cut(&s, 40);
    assert_int_equal(s.count, 41);
    assert_int_equal(s.buckets[40].last, 40);
    series_cut(&s, -1);
    assert_int_equal(s.count, 0);
    for (int i = 0; i < 100; i++)
        series_add(&s, i, -i);
    assert_int_equal(s.count, 100);
    series_close(&s);
}

static void cut_of_a_long_series_can_go_on(void **state) {
    (void)state;
    struct series s = {0};
    float low, high;
    for (int i = 0; i < 100000; i++)
        series_add(&s, i, i < 50001 ? 1 : 1000);
    series_cut(&s, 50001);
    int64_t last = s.buckets[s.count - 1].last;
    assert_in_range(last, 50001 - s.stride, 50001);
    assert_true(series_range(&s, 0, 100000, &low, &high));
    assert_true(high <= (last < 50001 ? 1 : 1000));
    for (int64_t i = 50002; i < 1000000; i++)
        series_add(&s, i, 2);
    int64_t held = 0;
    for (int i = 0; i < s.count; i++) {
        held += s.buckets[i].held;
        assert_true(i == 0 || s.buckets[i].first > s.buckets[i - 1].last);
    }
    assert_int_equal(held, last + 1 + 1000000 - 50002);
    series_cut(&s, -1);
    series_add(&s, 0, 1);
    assert_int_equal(s.stride, 1); // all detail again
    series_close(&s);
}

static void the_nearest_bucket_is_found(void **state) {
    (void)state;
    struct series s = {0};
    assert_null(series_at(&s, 0));
    for (int i = 1; i <= 10; i++)
        series_add(&s, 10 * i, i);
    assert_int_equal(series_at(&s, -100)->first, 10);
    assert_int_equal(series_at(&s, 10)->first, 10);
    assert_int_equal(series_at(&s, 14)->first, 10);
    assert_int_equal(series_at(&s, 16)->first, 20);
    assert_int_equal(series_at(&s, 99)->first, 100);
    assert_int_equal(series_at(&s, 1000)->first, 100);
    series_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_million_values_keep_every_region),
        cmocka_unit_test(a_spike_keeps_its_place_and_height),
        cmocka_unit_test(short_runs_are_kept_as_they_are),
        cmocka_unit_test(what_is_not_finite_is_a_gap),
        cmocka_unit_test(gaps_join_with_values_as_gaps_or_values),
        cmocka_unit_test(cut_leaves_nothing_from_behind),
        cmocka_unit_test(cut_of_a_long_series_can_go_on),
        cmocka_unit_test(the_nearest_bucket_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
