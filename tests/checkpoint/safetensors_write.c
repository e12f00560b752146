// Tests of src/checkpoint/safetensors_write.c.
#include "checkpoint/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first.
#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char directory[] = "thaw-write-XXXXXX";

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
    (void)state;
    files_remove(directory);
    return 0;
}

static void test_write_bytes(void **state) {
    (void)state;
    const struct tensor_out tensors[] = {
        {"a", DTYPE_F32, {1, {1}}, &(float){1.0f}},
        {"n", DTYPE_I64, {0, {0}}, &(int64_t){3}},
    };
    const char *const metadata[] = {"format", "pt"};
    char *path = files_join(directory, "bytes.safetensors");
    assert_true(safetensors_write(path, tensors, 2, metadata, 1, NULL));
    const char expected[] = "\x90\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"pt\"},"
                            "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                            "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}      "
                            "\3\0\0\0\0\0\0\0\0\0\x80\x3f";
    struct mapping file;
    assert_true(mapping_open(&file, path, NULL));
    assert_int_equal(file.size, sizeof expected - 1);
    assert_memory_equal(file.data, expected, file.size);
    mapping_close(&file);
    free(path);
}

static void check_same(const struct safetensors *s, const struct tensor_out *t) {
    const struct tensor_entry *e = safetensors_find(s, t->name);
    assert_non_null(e);
    assert_int_equal(e->dtype, t->dtype);
    assert_true(dims_equal(e->dims, t->dims));
    assert_int_equal(e->bytes, dims_count(t->dims) * dtype_size(t->dtype));
    assert_memory_equal(e->data, t->data, e->bytes);
    assert_int_equal((size_t)(e->data - s->file.data) % dtype_size(t->dtype), 0);
}

static void test_round_trip(void **state) {
    (void)state;
    float f[3] = {1.5f, -0.0f, NAN};
    int64_t n[2] = {INT64_MIN, 7};
    uint16_t h[3] = {1, 2, 3};
    const struct tensor_out tensors[] = {
        {"odd", DTYPE_U8, {1, {3}}, "abc"},
        {"quote\"\\\xe2\x82\xac", DTYPE_F16, {1, {3}}, h},
        {"layer.weight", DTYPE_F32, {2, {3, 1}}, f},
        {"none", DTYPE_F32, {2, {0, 5}}, f},
        {"scalar", DTYPE_I64, {0, {0}}, n},
        {"vector", DTYPE_I64, {4, {1, 1, 2, 1}}, n},
    };
    int count = sizeof tensors / sizeof *tensors;
    const char *const metadata[] = {"a", "line\nline", "", "\x1b"};
    char *path = files_join(directory, "trip.safetensors");
    assert_true(safetensors_write(path, tensors, count, metadata, 2, NULL));
    struct safetensors s;
    assert_true(safetensors_open(&s, path, NULL));
    assert_int_equal(s.count, count);
    for (int i = 0; i < count; i++)
        check_same(&s, &tensors[i]);
    assert_string_equal(safetensors_metadata(&s, "a"), "line\nline");
    assert_string_equal(safetensors_metadata(&s, ""), "\x1b");
    assert_int_equal(s.metadata_count, 2);
    safetensors_close(&s);
    free(path);
}

static int files_in(const char *path) {
    DIR *d = opendir(path);
    int count = 0;
    for (struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static void test_write_errors(void **state) {
    (void)state;
    const struct tensor_out bad = {"a\xff", DTYPE_U8, {0, {0}}, "x"},
                            good = {"a", DTYPE_U8, {0}, "x"};
    const char *const metadata[] = {"key", "\xc3("};
    char *path = files_join(directory, "error.safetensors");
    char *nowhere = files_join(directory, "missing/error.safetensors");
    int before = files_in(directory);
    struct error error = {0};
    assert_false(safetensors_write(path, &bad, 1, NULL, 0, &error));
    assert_non_null(strstr(error.text, "not UTF-8"));
    assert_false(safetensors_write(path, &good, 1, metadata, 1, &error));
    assert_non_null(strstr(error.text, "not UTF-8"));
    assert_false(safetensors_write(nowhere, &good, 1, NULL, 0, &error));
    assert_non_null(strstr(error.text, nowhere));
    assert_int_equal(files_in(directory), before);
    free(path);
    free(nowhere);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_bytes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_write_errors),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
