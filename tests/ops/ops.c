#include "ops/op.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void names_are_unique(void **state) {
    (void)state;
    for (int i = 0; operations[i]; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(operations[i]->name, operations[j]->name);
}

static void find_gives_the_operation_of_that_name(void **state) {
    (void)state;
    for (int i = 0; operations[i]; i++)
        assert_ptr_equal(operation_find(operations[i]->name), operations[i]);
    assert_ptr_equal(operation_find("relu"), &op_relu);
    assert_null(operation_find("conv3d"));
    assert_null(operation_find(""));
}

static void operations_are_complete(void **state) {
    (void)state;
    for (int i = 0; operations[i]; i++) {
        const struct operation *op = operations[i];
        assert_true(op->inputs >= 1 && op->inputs <= OP_INPUTS);
        assert_non_null(op->infer);
        assert_non_null(op->forward);
        assert_non_null(op->backward);
        assert_non_null(op->flops);
    }
}

// op_run gives every sample to exactly one piece, in ranges of nearly equal size.

enum { SAMPLES = 37 };

static void mark(const struct op_call *call, int piece, int first, int count) {
    assert_true(count == SAMPLES / 5 || count == SAMPLES / 5 + 1);
    for (int i = first; i < first + count; i++)
        call->out[i] += (float)(piece + 1);
}

static void run_covers_the_batch_once(void **state) {
    (void)state;
    float out[SAMPLES] = {0};
    struct pool *pool = pool_open(2);
    struct op_call call = {.n = SAMPLES, .out = out, .pool = pool};
    op_run(&call, 5, mark);
    pool_close(pool);
    assert_true(out[0] == 1 && out[SAMPLES - 1] == 5);
    for (int i = 1; i < SAMPLES; i++)
        assert_true(out[i] == out[i - 1] || out[i] == out[i - 1] + 1);
}

static void pieces_follow_from_sizes(void **state) {
    (void)state;
    struct op_call call = {.n = 8, .in_shape = {{1, 1, 10}}, .out_shape = {1, 1, 10}};
    assert_int_equal(op_pieces(&call), 1);
    call.out_shape = (struct shape){112, 112, 64};
    assert_int_equal(op_pieces(&call), 8);
    call.out_shape = (struct shape){16, 16, 16};
    assert_int_equal(op_pieces(&call), 2);
}

static void give_sets_or_adds_or_skips(void **state) {
    (void)state;
    float to[] = {1, 2, 3, 4};
    const float from[] = {10, 20};
    op_give((struct op_grad){to, false}, 1, 2, from);
    op_give((struct op_grad){to, true}, 2, 2, from);
    op_give((struct op_grad){NULL, false}, 2, 2, from);
    assert_true(to[0] == 1 && to[1] == 10 && to[2] == 30 && to[3] == 24);
}

// Every operation is known; what lies between the members, and behind them, says nothing.
static void numbers_tell_attributes_apart(void **state) {
    (void)state;
    double a[OP_NUMBERS], b[OP_NUMBERS];
    union op_attr attr, dirty;
    for (int i = 0; operations[i]; i++) {
        memset(&attr, 0, sizeof attr);
        assert_true(op_numbers(operations[i], &attr, a));
    }
    memset(&attr, 0, sizeof attr);
    memset(&dirty, 1, sizeof dirty);
    dirty.conv.out = attr.conv.out = 8;
    dirty.conv.kernel_h = attr.conv.kernel_h = 3;
    dirty.conv.kernel_w = attr.conv.kernel_w = 1;
    dirty.conv.stride = dirty.conv.pad = dirty.conv.groups = 0;
    dirty.conv.bias = false;
    op_numbers(&op_conv2d, &attr, a);
    op_numbers(&op_conv2d, &dirty, b);
    assert_memory_equal(a, b, sizeof a);
    dirty.conv.bias = true;
    op_numbers(&op_conv2d, &dirty, b);
    assert_memory_not_equal(a, b, sizeof a);
    struct operation unknown = op_conv2d;
    assert_false(op_numbers(&unknown, &attr, a));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(find_gives_the_operation_of_that_name),
        cmocka_unit_test(operations_are_complete),
        cmocka_unit_test(run_covers_the_batch_once),
        cmocka_unit_test(pieces_follow_from_sizes),
        cmocka_unit_test(give_sets_or_adds_or_skips),
        cmocka_unit_test(numbers_tell_attributes_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
