// What linear makes of its sizes. Its values and bits are tested with all operations'
// (gradients.c).
#include "ops/op.h"
#include "test.h"
#include <string.h>

static void test_infer(void **state) {
    (void)state;
    const struct shape in = {2, 3, 4};
    union op_attr attr = {.linear = {.out = 5, .bias = true}};
    struct shape out;
    assert_true(op_linear.infer(&attr, &in, &out, NULL));
    assert_true(shape_equal(out, (struct shape){1, 1, 5}));
    const struct op_flops flops = op_linear.flops(&attr, &in, out);
    assert_true(flops.forward == 245 && flops.data == 240 && flops.weight == 245);
    attr.linear.out = 0;
    struct error error = {0};
    assert_false(op_linear.infer(&attr, &in, &out, &error));
    assert_non_null(strstr(error.text, "linear: 0 outputs"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_infer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
