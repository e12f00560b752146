#include "ui/report/ticks.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double uniform(double low, double high) {
    return low + (high - low) * rand() / RAND_MAX;
}

// 1, 2 or 5 times a power of ten.
static bool is_nice(double value) {
    double mantissa = value / pow(10, floor(log10(value) + 1e-9));
    return fabs(mantissa - 1) < 1e-6 || fabs(mantissa - 2) < 1e-6 || fabs(mantissa - 5) < 1e-6;
}

static void linear_ticks_are_few_and_nice(void **state) {
    (void)state;
    srand(1);
    for (int k = 0; k < 20000; k++) {
        double range = pow(10, uniform(-12, 12)), low = uniform(-20, 20) * range;
        int most = 1 + k % 12;
        double ticks[32];
        int count = ticks_choose(low, low + range, false, most, ticks);
        assert_in_range(count, most >= 3 ? 1 : 0, most);
        for (int i = 0; i < count; i++)
            assert_true(ticks[i] >= low - 1e-6 * range && ticks[i] <= low + 1.000001 * range);
        for (int i = 1; i < count; i++) {
            assert_true(is_nice(ticks[i] - ticks[i - 1]));
            double factor = ticks[i] / (ticks[1] - ticks[0]);
            assert_true(fabs(factor - round(factor)) < 1e-6);
        }
    }
}

static void ticks_of_known_ranges(void **state) {
    (void)state;
    double t[32];
    assert_int_equal(ticks_choose(0, 1, false, 6, t), 6);
    assert_true(fabs(t[1] - 0.2) < 1e-12 && fabs(t[5] - 1) < 1e-12);
    assert_int_equal(ticks_choose(0, 1, false, 3, t), 3);
    assert_true(t[1] == 0.5);
    assert_int_equal(ticks_choose(1e-4, 1, true, 5, t), 5);
    assert_true(t[0] == 1e-4 && fabs(t[1] - 1e-3) < 1e-15 && t[4] == 1);
    assert_int_equal(ticks_choose(0.9, 12, true, 6, t), 4); // 1 2 5 10
    assert_true(t[1] == 2 && t[2] == 5 && t[3] == 10);
    assert_int_equal(ticks_choose(1e-6, 1e6, true, 5, t), 5); // every third power
    assert_true(fabs(t[1] / t[0] - 1e3) < 1e-6);
    assert_true(ticks_choose(0.3, 0.45, true, 5, t) >= 2); // no decade: as on a linear scale
}

static void ranges_without_ticks(void **state) {
    (void)state;
    double t[32];
    assert_int_equal(ticks_choose(1, 1, false, 5, t), 0);
    assert_int_equal(ticks_choose(2, 1, false, 5, t), 0);
    assert_int_equal(ticks_choose(NAN, 1, false, 5, t), 0);
    assert_int_equal(ticks_choose(0, INFINITY, false, 5, t), 0);
    assert_int_equal(ticks_choose(-1, 1, true, 5, t), 0);
    assert_int_equal(ticks_choose(0, 1, false, 0, t), 0);
}

static void numbers_are_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},           {0.05, "0.05"},       {1200, "1.2k"},       {3e-4, "3e-4"},
        {0.4213, "0.4213"}, {1.23456, "1.235"},   {12.3456, "12.35"},   {123.456, "123.5"},
        {999.96, "1k"},     {12345, "12.35k"},    {2e6, "2M"},          {1.5e9, "1.5G"},
        {-0.5, "-0.5"},     {-0.12345, "-0.123"}, {3.456e-5, "3.5e-5"}, {1e-10, "1e-10"},
        {1e20, "1e20"},     {0.001, "0.001"},     {100, "100"},         {-3e-10, "-3e-10"},
        {NAN, "-"},         {INFINITY, "inf"},    {-INFINITY, "-inf"},  {1e-320, "0"},
    };
    char out[16];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(ticks_number(cases[i].value, out), cases[i].text);
}

static void numbers_read_back(void **state) {
    (void)state;
    char out[16];
    srand(2);
    for (int k = 0; k < 20000; k++) {
        double value = pow(10, uniform(-40, 40)) * (k % 2 ? -1 : 1);
        ticks_number(value, out);
        assert_true(strlen(out) <= 6);
        char *end;
        double read = strtod(out, &end);
        const char *units = "kMGT", *unit = *end ? strchr(units, *end) : NULL;
        read *= unit ? pow(1000, (double)(unit - units) + 1) : 1;
        assert_true(fabs(read - value) <= 0.5 * fabs(value));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_ticks_are_few_and_nice),
        cmocka_unit_test(ticks_of_known_ranges),
        cmocka_unit_test(ranges_without_ticks),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(numbers_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
