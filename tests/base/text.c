#include "base/text.h"

#include "base/random.h"
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_add_grows(void **state) {
    (void)state;
    struct text t = {0};
    text_add(&t, "%s", "");
    assert_null(t.data);
    char expected[3016] = "";
    for (int i = 0; i < 1000; i++) {
        text_add(&t, "%03d", i);
        snprintf(expected + 3 * i, 16, "%03d", i);
    }
    assert_int_equal(t.length, 3000);
    assert_string_equal(t.data, expected);
    text_free(&t);
    assert_null(t.data);
    text_add(&t, "%*d", 5000, 7);
    assert_int_equal(t.length, 5000);
    assert_int_equal(strlen(t.data), 5000);
    text_free(&t);
}

static void test_count(void **state) {
    (void)state;
    char out[32];
    assert_string_equal(text_count(0, out), "0");
    assert_string_equal(text_count(999, out), "999");
    assert_string_equal(text_count(1000, out), "1,000");
    assert_string_equal(text_count(1234567, out), "1,234,567");
    assert_string_equal(text_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void test_si(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {12.5, "12.5"},
                 {999.4, "999"},
                 {999.6, "1.00 k"},
                 {1000, "1.00 k"},
                 {9994, "9.99 k"},
                 {9996, "10.0 k"},
                 {99960, "100 k"},
                 {999499, "999 k"},
                 {999501, "1.00 M"},
                 {41.1e6, "41.1 M"},
                 {1.23e9, "1.23 G"},
                 {-5e12, "-5.00 T"},
                 {3e18, "3.00 E"},
                 {5e21, "5000 E"},
                 {0.00123, "0.00123"}};
    char out[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(text_si(cases[i].value, out), cases[i].text);
    }
    assert_string_equal(text_si(NAN, out), "nan");
    assert_true(strlen(text_si(1e300, out)) < 32);
}

static void test_bytes(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.00 KiB"},
                 {1536, "1.50 KiB"},
                 {12.3 * 1048576, "12.3 MiB"},
                 {1023.4 * 1024, "1023 KiB"},
                 {1023.6 * 1024, "1.00 MiB"},
                 {8.0 * (1 << 30), "8.00 GiB"}};
    char out[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(text_bytes(cases[i].value, out), cases[i].text);
    }
}

static void test_to_int(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "1e3",
                                        "0x10",
                                        "-",
                                        "+-1",
                                        "1-",
                                        "--1",
                                        "one",
                                        "\t1",
                                        "1\n",
                                        "1,000",
                                        "9223372036854775808",
                                        "-9223372036854775809"};
    int64_t value = 42;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(text_to_int(wrong[i], &value));
        assert_int_equal(value, 42);
    }
    assert_true(text_to_int("-17", &value) && value == -17);
    assert_true(text_to_int("+17", &value) && value == 17);
    assert_true(text_to_int("010", &value) && value == 10);
    assert_true(text_to_int("9223372036854775807", &value) && value == INT64_MAX);
    assert_true(text_to_int("-9223372036854775808", &value) && value == INT64_MIN);
}

static void check_reals(void) {
    static const char *const wrong[] = {"",      " 1",    "1 ",     "1,5",    "0x1p3", "inf", "nan",
                                        "-inf",  "1e999", "-1e999", "1e-999", ".",     "e5",  "1e",
                                        "1.2.3", "1e5.5", "1d3",    "\n1",    "1f"};
    double value = 42;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(text_to_real(wrong[i], &value));
        assert_true(value == 42);
    }
    assert_true(text_to_real("1.5", &value) && value == 1.5);
    assert_true(text_to_real("-2.5e-3", &value) && value == -0.0025);
    assert_true(text_to_real("+.5", &value) && value == 0.5);
    assert_true(text_to_real("3.", &value) && value == 3);
    assert_true(text_to_real("1E3", &value) && value == 1000);
    assert_true(text_to_real("0.1", &value) && value == 0.1);
    assert_true(text_to_real("1.7976931348623157e308", &value) && value == 1.7976931348623157e308);
}

static void test_to_real(void **state) {
    (void)state;
    check_reals();
}

static void test_numbers_ignore_the_locale(void **state) {
    (void)state;
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE",       "fr_FR.UTF-8", "fr_FR",
                                             "it_IT.UTF-8", "es_ES.UTF-8", "ru_RU.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof with_comma / sizeof *with_comma; i++) {
        found = setlocale(LC_ALL, with_comma[i]);
    }
    if (!found) {
        print_message("no locale with a decimal comma on this machine\n");
        skip();
    }
    char out[32];
    snprintf(out, sizeof out, "%.1f", 0.5);
    assert_string_equal(out, "0,5");
    check_reals();
    assert_string_equal(text_si(41.1e6, out), "41.1 M");
    assert_string_equal(text_bytes(1536, out), "1.50 KiB");
    struct text t = {0};
    text_add(&t, "%g", 0.25);
    assert_string_equal(t.data, "0.25");
    text_free(&t);
    snprintf(out, sizeof out, "%.1f", 0.5); // the process's locale is as it was
    assert_string_equal(out, "0,5");
    setlocale(LC_ALL, "C");
}

// The definition, in exponential time.
static bool slow_glob(const char *pattern, const char *name) {
    if (*pattern == '*') {
        return slow_glob(pattern + 1, name) || (*name && slow_glob(pattern, name + 1));
    }
    if (!*pattern || !*name) {
        return !*pattern && !*name;
    }
    return (*pattern == '?' || *pattern == *name) && slow_glob(pattern + 1, name + 1);
}

// The text number `index` over an alphabet of `letters`, shortest texts first.
static void nth_text(int index, const char *alphabet, int letters, char *out) {
    for (; index > 0; index = (index - 1) / letters) {
        *out++ = alphabet[(index - 1) % letters];
    }
    *out = '\0';
}

static void test_glob_against_definition(void **state) {
    (void)state;
    enum { PATTERNS = 1 + 4 + 16 + 64 + 256 + 1024, NAMES = 63 }; // up to 5 letters, up to 5
    for (int p = 0; p < PATTERNS; p++) {
        for (int n = 0; n < NAMES; n++) {
            char pattern[16], name[16];
            nth_text(p, "a.*?", 4, pattern);
            nth_text(n, "a.", 2, name);
            assert_int_equal(text_glob(pattern, name), slow_glob(pattern, name));
        }
    }
}

static void test_glob_on_names(void **state) {
    (void)state;
    assert_true(text_glob("*.bn?", "layer1.0.bn2"));
    assert_true(text_glob("layer1*", "layer1.0.bn2.weight"));
    assert_true(text_glob("*", ""));
    assert_false(text_glob("?", ""));
    assert_false(text_glob("layer1", "layer1.0"));
    assert_false(text_glob("*.bn?", "layer1.0.bn"));
    assert_false(text_glob("Layer1", "layer1"));
}

static void test_glob_does_not_explode(void **state) {
    (void)state;
    char pattern[201], name[5001];
    for (int i = 0; i < 200; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    memcpy(pattern + 198, "*b", 3);
    memset(name, 'a', 5000);
    name[5000] = '\0';
    assert_false(text_glob(pattern, name));
    name[4999] = 'b';
    assert_true(text_glob(pattern, name));
}

// The definition of optimal string alignment by recursion.
static int slow_distance(const char *a, int m, const char *b, int n) {
    if (m == 0 || n == 0) {
        return m + n;
    }
    int best = slow_distance(a, m - 1, b, n - 1) + (a[m - 1] != b[n - 1]);
    int other = slow_distance(a, m - 1, b, n) + 1;
    best = other < best ? other : best;
    other = slow_distance(a, m, b, n - 1) + 1;
    best = other < best ? other : best;
    if (m > 1 && n > 1 && a[m - 1] == b[n - 2] && a[m - 2] == b[n - 1]) {
        other = slow_distance(a, m - 2, b, n - 2) + 1;
        best = other < best ? other : best;
    }
    return best;
}

static void test_distance_against_definition(void **state) {
    (void)state;
    struct random_key key = random_key(1, RANDOM_PROBE, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        char a[16], b[16];
        nth_text((int)random_below(key, i, 0, 0, 364), "xyz", 3, a); // up to 5 letters
        nth_text((int)random_below(key, i, 0, 1, 364), "xyz", 3, b);
        int expected = slow_distance(a, (int)strlen(a), b, (int)strlen(b));
        assert_int_equal(text_distance(a, b), expected);
        assert_int_equal(text_distance(b, a), expected);
    }
}

static void test_distance(void **state) {
    (void)state;
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("epohcs", "epochs"), 1);
    assert_int_equal(text_distance("ca", "abc"), 3); // where full Damerau would say 2
    assert_int_equal(text_distance("ResNet18", "resnet18"), 0);
}

static void check_nearest(const char *wrong, const char *const *names, int count,
                          const char *expected) {
    struct text t = {0};
    text_add(&t, "> ");
    text_nearest(&t, wrong, names, count);
    assert_string_equal(t.data + 2, expected);
    text_free(&t);
}

static void test_nearest(void **state) {
    (void)state;
    const char *const names[] = {"resnet50", "mlp", "resnet18", "optim.lr_scale", "cnn", "mlq"};
    check_nearest("resnet19", names, 4, "resnet18, resnet50 or mlp");
    check_nearest("resnet19", names, 3, "resnet18, resnet50 or mlp");
    check_nearest("CNN", names, 6, "cnn, mlp or mlq");
    check_nearest("mpl", names, 6, "mlp, mlq or cnn");
    check_nearest("lr_scale", names + 2, 2, "optim.lr_scale or resnet18");
    check_nearest("x", names, 2, "mlp or resnet50");
    check_nearest("x", names, 1, "resnet50");
    check_nearest("x", names, 0, "");
}

static void test_plain(void **state) {
    (void)state;
    char text[] = "a\n\x1f b\x7f\xc2\x80\xc2\x9f\xc2\xa0\xc3\x9b\xc2";
    text_plain(text);
    assert_string_equal(text, "a?? b???\xc2\xa0\xc3\x9b\xc2");
    assert_int_equal(text_control(""), 0);
}

static void test_line(void **state) {
    (void)state;
    static const char bytes[] = "one\n\nthree\nhal";
    const char *at = bytes, *end = bytes + strlen(bytes);
    size_t length;
    assert_ptr_equal(text_line(&at, end, &length), bytes);
    assert_int_equal(length, 3);
    assert_non_null(text_line(&at, end, &length));
    assert_int_equal(length, 0);
    assert_memory_equal(text_line(&at, end, &length), "three", 5);
    assert_null(text_line(&at, end, &length));
    assert_string_equal(at, "hal"); // where it goes on
    at = end;
    assert_null(text_line(&at, end, &length));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_grows),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_si),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_to_int),
        cmocka_unit_test(test_to_real),
        cmocka_unit_test(test_numbers_ignore_the_locale),
        cmocka_unit_test(test_glob_against_definition),
        cmocka_unit_test(test_glob_on_names),
        cmocka_unit_test(test_glob_does_not_explode),
        cmocka_unit_test(test_distance_against_definition),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
