#include "base/shape.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_shape(void **state) {
    (void)state;
    struct shape image = {28, 27, 16}, vector = {1, 1, 10};
    char text[32];
    assert_int_equal(shape_count(image), 12096);
    assert_int_equal(shape_count(vector), 10);
    assert_int_equal(shape_count((struct shape){65536, 65536, 2}), 1ULL << 33);
    assert_string_equal(shape_text(image, text), "16x28x27");
    assert_string_equal(shape_text(vector, text), "10");
    assert_string_equal(shape_text((struct shape){1, 2, 3}, text), "3x1x2");
    assert_ptr_equal(shape_text(image, text), text);
}

static void test_shape_equal(void **state) {
    (void)state;
    struct shape a = {2, 3, 4};
    assert_true(shape_equal(a, (struct shape){2, 3, 4}));
    assert_false(shape_equal(a, (struct shape){3, 3, 4}));
    assert_false(shape_equal(a, (struct shape){2, 2, 4}));
    assert_false(shape_equal(a, (struct shape){2, 3, 5}));
}

static void test_dims(void **state) {
    (void)state;
    struct dims scalar = {0}, kernel = {4, {64, 3, 7, 7}}, empty = {2, {5, 0}};
    char text[96];
    assert_int_equal(dims_count(scalar), 1);
    assert_int_equal(dims_count(kernel), 9408);
    assert_int_equal(dims_count(empty), 0);
    assert_string_equal(dims_text(scalar, text), "[]");
    assert_string_equal(dims_text((struct dims){1, {10}}, text), "[10]");
    assert_string_equal(dims_text(kernel, text), "[64, 3, 7, 7]");
    assert_string_equal(
        dims_text((struct dims){4, {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}}, text),
        "[-9223372036854775808, -9223372036854775808, -9223372036854775808, "
        "-9223372036854775808]");
}

static void test_dims_equal(void **state) {
    (void)state;
    struct dims a = {2, {3, 4, 9, 9}};
    assert_true(
        dims_equal(a, (struct dims){2, {3, 4, 8, 8}})); // what is beyond the rank is nothing
    assert_false(dims_equal(a, (struct dims){2, {3, 5}}));
    assert_false(dims_equal(a, (struct dims){3, {3, 4, 9}}));
    assert_true(dims_equal((struct dims){0}, (struct dims){0, {1}}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_shape_equal),
        cmocka_unit_test(test_dims),
        cmocka_unit_test(test_dims_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
