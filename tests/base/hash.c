#include "base/hash.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

// XXH3's own values for nothing and for "a": initial weights are drawn by the hashes of names, so
// another hash would be other weights.
static void test_is_xxh3(void **state) {
    (void)state;
    assert_true(hash_bytes("", 0) == 0x2d06800538d394c2);
    assert_true(hash_bytes("a", 1) == 0xe6c632b61e964e1f);
    assert_int_equal(hash_name("a"), 0x1e964e1f);
    const struct hash128 none = hash128_bytes("", 0);
    assert_true(none.high == 0x99aa06d3014798d8 && none.low == 0x6001c324468d497f);
}

static void test_more(void **state) {
    (void)state;
    const struct hash128 a = hash128_bytes("a", 1), b = hash128_bytes("b", 1);
    assert_true(hash128_equal(hash128_more(a, "b", 1), hash128_more(a, "b", 1)));
    assert_false(hash128_equal(hash128_more(a, "b", 1), hash128_more(b, "a", 1)));
    assert_false(hash128_equal(hash128_more(a, "", 0), a));
    assert_false(hash128_equal(a, (struct hash128){a.low, ~a.high}));
    assert_false(hash128_equal(a, (struct hash128){~a.low, a.high}));
}

// A file is read in blocks: its length is none of theirs.
static void test_file(void **state) {
    (void)state;
    enum { SIZE = 200001 };
    char directory[] = "thaw-hash-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char *path = files_join(directory, "data"), *data = xcalloc(SIZE, 1);
    memset(data + SIZE / 2, 7, SIZE / 2);
    assert_true(files_write(path, data, SIZE, NULL));
    struct hash128 hash;
    assert_true(hash128_file(path, &hash));
    assert_true(hash128_equal(hash, hash128_bytes(data, SIZE)));
    assert_false(hash128_file(directory, &hash));
    files_remove(directory);
    assert_false(hash128_file(path, &hash));
    free(path);
    free(data);
}

static void test_program(void **state) {
    (void)state;
    struct hash128 program, file;
    assert_true(hash128_program(&program));
    assert_true(hash128_file("/proc/self/exe", &file));
    assert_true(hash128_equal(program, file));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_xxh3),
        cmocka_unit_test(test_more),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
