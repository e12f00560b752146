#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_set_and_run(void **state) {
    (void)state;
    struct error e = {0};
    assert_int_equal(error_exit_code(&e), 0);
    assert_false(error_set(&e, "epochs is %d: give 1 to %d", 0, 9));
    assert_int_equal(e.kind, ERROR_REQUEST);
    assert_string_equal(e.text, "epochs is 0: give 1 to 9");
    assert_int_equal(error_exit_code(&e), 2);
    assert_false(error_run(&e, "the loss is %s", "nan"));
    assert_int_equal(e.kind, ERROR_RUN);
    assert_string_equal(e.text, "the loss is nan");
    assert_int_equal(error_exit_code(&e), 1);
}

static void test_null_is_allowed(void **state) {
    (void)state;
    assert_false(error_set(NULL, "%d", 1));
    assert_false(error_run(NULL, "%d", 1));
    assert_false(error_prefix(NULL, "%d", 1));
}

static void test_prefix(void **state) {
    (void)state;
    struct error e = {0};
    error_run(&e, "no space");
    assert_false(error_prefix(&e, "%s:%d: ", "a.yaml", 7));
    assert_string_equal(e.text, "a.yaml:7: no space");
    assert_int_equal(e.kind, ERROR_RUN);
    error_prefix(&e, "%s", "100%n ");
    assert_string_equal(e.text, "100%n a.yaml:7: no space");
}

static void test_arguments_may_be_the_old_text(void **state) {
    (void)state;
    struct error e = {0};
    error_set(&e, "inner");
    error_set(&e, "outer (%s)", e.text);
    assert_string_equal(e.text, "outer (inner)");
    error_prefix(&e, "%s: ", e.text);
    assert_string_equal(e.text, "outer (inner): outer (inner)");
}

static void test_stays_one_line(void **state) {
    (void)state;
    struct error e = {0};
    error_set(&e, "file %s", "a\nb\x1b[31m\x7f\t\xc3\xa9");
    assert_string_equal(e.text, "file a?b?[31m??\xc3\xa9");
    error_set(&e, "%s", "\xc2\x9b[2J\xc2\xa0\xc2"); // C1's CSI, a space, half of a character
    assert_string_equal(e.text, "?[2J\xc2\xa0\xc2");
}

static void test_long_text_is_cut_with_a_mark(void **state) {
    (void)state;
    struct error e = {0};
    char long_text[2048];
    memset(long_text, 'x', sizeof long_text);
    for (size_t length = sizeof e.text - 2; length < sizeof e.text + 2; length++) {
        error_set(&e, "%.*s", (int)length, long_text);
        bool fits = length < sizeof e.text;
        assert_int_equal(strlen(e.text), fits ? length : sizeof e.text - 1);
        assert_int_equal(strcmp(e.text + strlen(e.text) - 3, "...") == 0, !fits);
    }
    error_prefix(&e, "place: ");
    assert_memory_equal(e.text, "place: xxx", 10);
    assert_string_equal(e.text + sizeof e.text - 5, "x...");
}

static void test_cut_leaves_whole_characters(void **state) {
    (void)state;
    char long_text[2048];
    for (size_t i = 0; i < sizeof long_text; i += 2) {
        memcpy(long_text + i, "\xc3\xa9", 2);
    }
    for (int shift = 0; shift < 2; shift++) {
        struct error e = {0};
        error_set(&e, "%.*s%.*s", shift, "x", (int)sizeof long_text, long_text);
        size_t length = strlen(e.text);
        assert_string_equal(e.text + length - 3, "...");
        assert_int_equal((unsigned char)e.text[length - 4], 0xa9);
        assert_true(length >= sizeof e.text - 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_run),
        cmocka_unit_test(test_null_is_allowed),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_arguments_may_be_the_old_text),
        cmocka_unit_test(test_stays_one_line),
        cmocka_unit_test(test_long_text_is_cut_with_a_mark),
        cmocka_unit_test(test_cut_leaves_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
