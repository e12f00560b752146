// Tests of src/checkpoint/layout.c against the index formulas, element by element.
#include "checkpoint/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first.
#include <cmocka.h>

enum { ROOM = 256 };

static float torch[ROOM], ours[ROOM], back[ROOM]; // torch holds 0, 1, 2, ...

static int start(void **state) {
    (void)state;
    for (int i = 0; i < ROOM; i++)
        torch[i] = (float)i;
    return 0;
}

static void check_back(const struct param *p) {
    layout_to_torch(p, ours, back);
    assert_memory_equal(back, torch, p->count * sizeof *back);
}

static void check_conv(int filters, int channels, int rows, int columns) {
    struct param p = {.dims = {4, {filters, channels, rows, columns}}, .layout = LAYOUT_CONV};
    p.count = dims_count(p.dims);
    layout_from_torch(&p, torch, ours);
    const float *next = torch;
    for (int k = 0; k < filters; k++)
        for (int c = 0; c < channels; c++)
            for (int r = 0; r < rows; r++)
                for (int s = 0; s < columns; s++)
                    assert_true(ours[((r * columns + s) * channels + c) * filters + k] == *next++);
    check_back(&p);
}

static void test_conv(void **state) {
    (void)state;
    check_conv(4, 3, 2, 5);
    check_conv(1, 1, 1, 1);
    check_conv(16, 1, 3, 3); // a depthwise one: its second dimension is channels / groups
    check_conv(3, 7, 1, 1);
}

static void check_flatten(int outputs, struct shape flat) {
    struct param p = {.dims = {2, {outputs, flat.h * flat.w * flat.c}}, .layout = LAYOUT_FLATTEN};
    p.flat = flat;
    p.count = dims_count(p.dims);
    layout_from_torch(&p, torch, ours);
    const float *next = torch;
    int columns = flat.h * flat.w * flat.c;
    for (int row = 0; row < outputs; row++)
        for (int c = 0; c < flat.c; c++)
            for (int h = 0; h < flat.h; h++)
                for (int w = 0; w < flat.w; w++)
                    assert_true(ours[row * columns + (h * flat.w + w) * flat.c + c] == *next++);
    check_back(&p);
}

static void test_flatten(void **state) {
    (void)state;
    check_flatten(6, (struct shape){2, 3, 4});
    check_flatten(1, (struct shape){1, 5, 2});
    check_flatten(10, (struct shape){1, 1, 7});
}

static void test_plain(void **state) {
    (void)state;
    struct param p = {.dims = {4, {2, 3, 4, 5}}, .count = 120, .layout = LAYOUT_PLAIN};
    layout_from_torch(&p, torch, ours);
    assert_memory_equal(ours, torch, p.count * sizeof *ours);
    check_back(&p);
}

static void test_transposed(void **state) {
    (void)state;
    struct param p = {.dims = {2, {5, 3}}, .count = 15, .layout = LAYOUT_TRANSPOSED};
    layout_from_torch(&p, torch, ours);
    for (int in = 0; in < 5; in++)
        for (int out = 0; out < 3; out++)
            assert_true(ours[out * 5 + in] == torch[in * 3 + out]);
    check_back(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_flatten),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_transposed),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
