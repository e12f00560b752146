// Tests of src/checkpoint/dtype.c.
#include "checkpoint/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first.
#include <cmocka.h>
#include <math.h>
#include <string.h>

static float convert(enum dtype dtype, const void *value) {
    unsigned char odd[9]; // not aligned
    memcpy(odd + 1, value, dtype_size(dtype));
    struct tensor_entry t = {.dtype = dtype, .data = odd + 1, .bytes = dtype_size(dtype)};
    float out;
    tensor_to_float(&t, &out);
    return out;
}

static float convert_bits(enum dtype dtype, uint16_t bits) {
    return convert(dtype, &bits);
}

static void test_half_by_hand(void **state) {
    (void)state;
    assert_true(convert_bits(DTYPE_F16, 0x3c00) == 1.0f);
    assert_true(convert_bits(DTYPE_F16, 0x3c01) == 1.0009765625f);
    assert_true(convert_bits(DTYPE_F16, 0xc000) == -2.0f);
    assert_true(convert_bits(DTYPE_F16, 0x3555) == 0.333251953125f);
    assert_true(convert_bits(DTYPE_F16, 0x7bff) == 65504.0f);
    assert_true(convert_bits(DTYPE_F16, 0x0400) == 6.103515625e-5f);
    assert_true(convert_bits(DTYPE_F16, 0x0001) == 5.9604644775390625e-8f);
    assert_true(convert_bits(DTYPE_F16, 0x83ff) == -6.097555160522461e-5f);
    assert_true(convert_bits(DTYPE_F16, 0x7c00) == INFINITY);
    assert_true(convert_bits(DTYPE_F16, 0xfc00) == -INFINITY);
    assert_true(isnan(convert_bits(DTYPE_F16, 0x7e00)));
    assert_true(isnan(convert_bits(DTYPE_F16, 0xfc01)));
    assert_true(signbit(convert_bits(DTYPE_F16, 0x8000)) != 0);
    assert_false(signbit(convert_bits(DTYPE_F16, 0)) != 0);
}

// The definition in IEEE 754, in double.
static void test_half_all(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 65536; bits++) {
        int exponent = bits >> 10 & 31, fraction = bits & 1023;
        float value = convert_bits(DTYPE_F16, (uint16_t)bits);
        assert_int_equal(signbit(value) != 0, bits >> 15);
        if (exponent == 31) {
            assert_true(fraction ? isnan(value) : isinf(value));
            continue;
        }
        double magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        assert_true((double)fabsf(value) == magnitude);
    }
}

static void test_bfloat(void **state) {
    (void)state;
    assert_true(convert_bits(DTYPE_BF16, 0x3f80) == 1.0f);
    assert_true(convert_bits(DTYPE_BF16, 0xc049) == -3.140625f);
    assert_true(convert_bits(DTYPE_BF16, 0x7f7f) == 3.3895313892515355e38f);
    assert_true(convert_bits(DTYPE_BF16, 0x0001) == 0x1p-133f);
    assert_true(convert_bits(DTYPE_BF16, 0xff80) == -INFINITY);
    assert_true(isnan(convert_bits(DTYPE_BF16, 0x7fc0)));
    assert_true(signbit(convert_bits(DTYPE_BF16, 0x8000)) != 0);
}

static void test_other_types(void **state) {
    (void)state;
    assert_true(convert(DTYPE_F32, &(float){-0.1f}) == -0.1f);
    assert_true(convert(DTYPE_F64, &(double){0.1}) == 0.1f);
    assert_true(convert(DTYPE_F64, &(double){1e300}) == INFINITY);
    assert_true(convert(DTYPE_I64, &(int64_t){INT64_MIN}) == -0x1p63f);
    assert_true(convert(DTYPE_I32, &(int32_t){INT32_MAX}) == 0x1p31f);
    assert_true(convert(DTYPE_I16, &(int16_t){-32768}) == -32768.0f);
    assert_true(convert(DTYPE_I8, &(int8_t){-128}) == -128.0f);
    assert_true(convert(DTYPE_U8, &(uint8_t){255}) == 255.0f);
    assert_true(convert(DTYPE_BOOL, &(uint8_t){0}) == 0.0f);
    assert_true(convert(DTYPE_BOOL, &(uint8_t){3}) == 1.0f);
}

// Every half comes back, and what lies between two goes to the nearer one, or to the even one.
static void test_to_half(void **state) {
    (void)state;
    for (unsigned bits = 0; bits <= 0xffff; bits++) {
        uint16_t half = (uint16_t)bits, back = 1;
        float value = convert_bits(DTYPE_F16, half);
        assert_int_equal(tensor_to_half(&value, 1, &back), isfinite(value));
        if (!isfinite(value))
            continue;
        assert_int_equal(back, half);
        float next = (half & 0x7fff) < 0x7bff ? convert_bits(DTYPE_F16, half + 1) : value;
        float middle = (value + next) / 2; // exact
        assert_true(tensor_to_half(&middle, 1, &back));
        assert_int_equal(back, next == value || half % 2 == 0 ? half : half + 1);
        float below = nextafterf(middle, value), above = nextafterf(middle, next);
        assert_true(tensor_to_half(&below, 1, &back));
        assert_int_equal(back, half);
        assert_true(tensor_to_half(&above, 1, &back));
        assert_int_equal(back, next == value ? half : half + 1);
    }
    assert_false(tensor_to_half(&(float){65505}, 1, &(uint16_t){0}));
    assert_false(tensor_to_half(&(float){-NAN}, 1, &(uint16_t){0}));
}

static void test_dtype_names(void **state) {
    (void)state;
    for (int i = DTYPE_F32; i <= DTYPE_BOOL; i++) {
        enum dtype found = DTYPE_F32;
        assert_true(dtype_find(dtype_name((enum dtype)i), &found));
        assert_int_equal(found, i);
    }
    assert_false(dtype_find("", &(enum dtype){DTYPE_F32}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_by_hand), cmocka_unit_test(test_half_all),
        cmocka_unit_test(test_bfloat),       cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_to_half),      cmocka_unit_test(test_dtype_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
