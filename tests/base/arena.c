#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const size_t MIB = 1 << 20;

static size_t resident_bytes(const void *from, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    unsigned char *in_core = test_malloc(bytes / page + 1);
    assert_int_equal(mincore((void *)(uintptr_t)from, bytes, in_core), 0);
    for (size_t i = 0; i < bytes / page; i++) {
        count += in_core[i] & 1;
    }
    test_free(in_core);
    return count * page;
}

static void test_reserve_costs_no_pages(void **state) {
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    assert_true(arena_reserve(&arena, 64 * MIB - 100, &error));
    assert_int_equal((uintptr_t)arena.base % 64, 0);
    assert_true(arena.reserved >= 64 * MIB - 100);
    assert_int_equal(resident_bytes(arena.base, arena.reserved), 0);
    arena.base[0] = 1;
    arena.base[arena.reserved / sizeof(float) - 1] = 2;
    assert_in_range(resident_bytes(arena.base, arena.reserved), 1, 8 * MIB);
    arena_close(&arena);
    assert_null(arena.base);
    assert_int_equal(arena.reserved, 0);
}

static void test_smaller_plan_keeps_the_region(void **state) {
    (void)state;
    struct arena arena = {0};
    assert_true(arena_reserve(&arena, 2 * MIB, NULL));
    arena.base[5] = 7;
    struct arena before = arena;
    assert_true(arena_reserve(&arena, MIB, NULL));
    assert_memory_equal(&arena, &before, sizeof arena);
    assert_true(arena.base[5] == 7);
    assert_true(arena_reserve(&arena, 9 * MIB, NULL));
    assert_true(arena.reserved >= 9 * MIB);
    arena.base[9 * MIB / sizeof(float) - 1] = 1;
    arena_close(&arena);
}

static void test_trim_gives_pages_back(void **state) {
    (void)state;
    struct arena arena = {0};
    assert_true(arena_reserve(&arena, 32 * MIB, NULL));
    memset(arena.base, 1, 32 * MIB);
    assert_int_equal(resident_bytes(arena.base, arena.reserved), arena.reserved);
    size_t used = 10 * MIB + 4;
    arena_trim(&arena, used);
    const unsigned char *bytes = (const unsigned char *)arena.base;
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[used - 1], 1);
    size_t left = resident_bytes(arena.base, arena.reserved);
    assert_in_range(left, used, used + (size_t)sysconf(_SC_PAGESIZE));
    assert_int_equal(bytes[11 * MIB], 0);
    arena_trim(&arena, 64 * MIB);
    assert_int_equal(bytes[0], 1);
    arena_trim(&arena, 0);
    assert_int_equal(bytes[0], 0);
    arena_close(&arena);
}

static void test_too_much_is_refused_by_size(void **state) {
    (void)state;
    if (arena_available() == SIZE_MAX) {
        skip();
    }
    const size_t too_much[] = {arena_available() + 64 * 1024 * MIB, SIZE_MAX / 2, SIZE_MAX};
    struct arena arena = {0};
    assert_true(arena_reserve(&arena, MIB, NULL));
    arena.base[3] = 4;
    struct arena before = arena;
    for (int i = 0; i < 3; i++) {
        struct error error = {0};
        assert_false(arena_reserve(&arena, too_much[i], &error));
        assert_int_equal(error.kind, ERROR_RUN);
        assert_non_null(strstr(error.text, "need "));
        assert_non_null(strstr(error.text, "iB, have "));
        assert_memory_equal(&arena, &before, sizeof arena);
        assert_true(arena.base[3] == 4);
    }
    arena_close(&arena);
}

static void test_available_is_plausible(void **state) {
    (void)state;
    size_t total = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    if (arena_available() == SIZE_MAX) {
        skip();
    }
    assert_in_range(arena_available(), MIB, total);
}

static void test_empty_arena(void **state) {
    (void)state;
    struct arena arena = {0};
    arena_trim(&arena, 0);
    arena_close(&arena);
    assert_null(arena.base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve_costs_no_pages),
        cmocka_unit_test(test_smaller_plan_keeps_the_region),
        cmocka_unit_test(test_trim_gives_pages_back),
        cmocka_unit_test(test_too_much_is_refused_by_size),
        cmocka_unit_test(test_available_is_plausible),
        cmocka_unit_test(test_empty_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
