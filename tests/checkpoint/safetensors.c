// Tests of src/checkpoint/safetensors.c.
#include "checkpoint/safetensors.h"
#include "base/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first.
#include "checkpoint/shared.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

// A file in memory: exactly as large as it is, so that the sanitizer sees a read beyond it.
struct image {
    unsigned char *bytes;
    size_t size;
};

static struct image image_make(const char *header, size_t length, const void *data, size_t size) {
    struct image m = {xmalloc(8 + length + size), 8 + length + size};
    for (int i = 0; i < 8; i++)
        m.bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(m.bytes + 8, header, length);
    if (size > 0)
        memcpy(m.bytes + 8 + length, data, size);
    return m;
}

static void expect_refused(struct image m, const char *message) {
    struct safetensors s;
    struct error error = {0};
    bool parsed = safetensors_parse(&s, m.bytes, m.size, &error);
    if (parsed || !strstr(error.text, message))
        fail_msg("expected '%s', got '%s'", message, parsed ? "success" : error.text);
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_false(safetensors_parse(&s, m.bytes, m.size, NULL));
    free(m.bytes);
}

// ---- Reading a file made by hand.

static void test_by_hand(void **state) {
    (void)state;
    const char *header = "{\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[1,9]},"
                         "\"__metadata__\":{\"made\":\"by\\nhand\"},"
                         "\"a\\u00e9\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[0,1]},"
                         "\"none\":{\"dtype\":\"F64\",\"shape\":[0,7],\"data_offsets\":[9,9]}} ";
    const unsigned char data[9] = {0xfe, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1};
    struct image m = image_make(header, strlen(header), data, sizeof data);
    struct safetensors s;
    struct error error;
    assert_true(safetensors_parse(&s, m.bytes, m.size, &error));
    assert_int_equal(s.count, 3);
    assert_string_equal(s.entries[0].name, "a\xc3\xa9");
    assert_string_equal(s.entries[1].name, "b");
    assert_string_equal(s.entries[2].name, "none");
    assert_int_equal(s.entries[0].dims.rank, 0);
    assert_int_equal(s.entries[1].dims.rank, 2);
    assert_int_equal(s.entries[1].dims.size[0], 2);
    assert_int_equal(s.entries[2].bytes, 0);
    float out[2];
    tensor_to_float(&s.entries[0], out);
    assert_true(out[0] == -2.0f);
    tensor_to_float(&s.entries[1], out);
    assert_true(out[0] == 1.0f && out[1] == -10.0f);
    assert_ptr_equal(safetensors_find(&s, "b"), &s.entries[1]);
    assert_null(safetensors_find(&s, "c"));
    assert_string_equal(safetensors_metadata(&s, "made"), "by\nhand");
    assert_null(safetensors_metadata(&s, "b"));
    safetensors_close(&s);
    free(m.bytes);
}

static void test_empty_object(void **state) {
    (void)state;
    struct image m = image_make("{}", 2, NULL, 0);
    struct safetensors s;
    assert_true(safetensors_parse(&s, m.bytes, m.size, NULL));
    assert_int_equal(s.count, 0);
    assert_null(safetensors_find(&s, ""));
    safetensors_close(&s);
    free(m.bytes);
}

// ---- One bound broken at a time.

#define TENSOR(dtype, shape, offsets)                                                              \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define BYTES(name, offsets)                                                                       \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" offsets "}"

static const struct {
    const char *header; // in front of 8 bytes of data
    const char *message;
} broken[] = {
    {"", "does not begin with '{'"},
    {"[]", "does not begin with '{'"},
    {" {}", "does not begin with '{'"},
    {"{", "the header is not valid JSON"},
    {"{\"t\":nan}", "the header is not valid JSON"},
    {"{} x", "the header is not valid JSON"},
    {"{\"a\":{},\"a\":{}}", "the header is not valid JSON: duplicate"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\"}}", "the header is not valid JSON: duplicate"},
    {"{\"a\\u0000b\":{}}", "the header is not valid JSON"},
    {"{\"a\xff\":{}}", "the header is not valid JSON"},
    {"{\"t\":1}", "tensor 't': must be an object"},
    {"{\"t\":{}}", "tensor 't': dtype must be a string"},
    {TENSOR("3", "[2]", "[0,8]"), "tensor 't': dtype must be a string"},
    {TENSOR("\"F8_E4M3\"", "[8]", "[0,8]"), "tensor 't': dtype 'F8_E4M3' is not known"},
    {TENSOR("\"f32\"", "[2]", "[0,8]"), "tensor 't': dtype 'f32' is not known"},
    {TENSOR("\"F32\"", "2", "[0,8]"), "tensor 't': shape must be a list"},
    {TENSOR("\"F32\"", "{}", "[0,8]"), "tensor 't': shape must be a list"},
    {TENSOR("\"F32\"", "[2,1,1,1,1]", "[0,8]"), "tensor 't': the shape has 5 dimensions"},
    {TENSOR("\"F32\"", "[-2]", "[0,8]"), "tensor 't': dimension 0 of the shape must be"},
    {TENSOR("\"F32\"", "[1,2.0]", "[0,8]"), "tensor 't': dimension 1 of the shape must be"},
    {TENSOR("\"F32\"", "[2e0]", "[0,8]"), "tensor 't': dimension 0 of the shape must be"},
    {TENSOR("\"F32\"", "[\"2\"]", "[0,8]"), "tensor 't': dimension 0 of the shape must be"},
    {TENSOR("\"F32\"", "[9223372036854775808]", "[0,8]"), "the header is not valid JSON"},
    {TENSOR("\"F32\"", "[4294967296,4294967296,2]", "[0,8]"), "tensor 't': shape [4294967296, 4"},
    {TENSOR("\"F32\"", "[4611686018427387904]", "[0,8]"), "is too large"},
    {TENSOR("\"U8\"", "[4294967296,4294967296,0]", "[0,0]"), "is too large"},
    {TENSOR("\"F32\"", "[2]", "8"), "tensor 't': data_offsets must be two"},
    {TENSOR("\"F32\"", "[2]", "[8]"), "tensor 't': data_offsets must be two"},
    {TENSOR("\"F32\"", "[2]", "[0,8,8]"), "tensor 't': data_offsets must be two"},
    {TENSOR("\"F32\"", "[2]", "[0,8.0]"), "tensor 't': data_offsets must be two"},
    {TENSOR("\"F32\"", "[2]", "[null,8]"), "tensor 't': data_offsets must be two"},
    {TENSOR("\"F32\"", "[2]", "[-1,7]"), "tensor 't': data_offsets [-1, 7] must be"},
    {TENSOR("\"F32\"", "[2]", "[8,0]"), "tensor 't': data_offsets [8, 0] must be"},
    {TENSOR("\"F32\"", "[2]", "[1,9]"), "[1, 9] reach beyond the file's 8 bytes of data"},
    {TENSOR("\"F32\"", "[2]", "[0,9223372036854775807]"), "reach beyond the file's 8 bytes"},
    {TENSOR("\"F32\"", "[1]", "[0,8]"), "shape [1] of F32 needs 4 bytes, data_offsets give 8"},
    {TENSOR("\"F32\"", "[3]", "[0,8]"), "shape [3] of F32 needs 12 bytes, data_offsets give 8"},
    {TENSOR("\"F32\"", "[]", "[0,8]"), "shape [] of F32 needs 4 bytes, data_offsets give 8"},
    {TENSOR("\"U8\"", "[7]", "[0,7]"), "the last 1 of 8 bytes of data are no tensor's"},
    {TENSOR("\"U8\"", "[7]", "[1,8]"), "bytes 0 to 1 of the data, before 't', are no tensor's"},
    {"{}", "the last 8 of 8 bytes of data are no tensor's"},
    {"{" BYTES("x", "[0,4]") "," BYTES("y", "[3,7]") "}", "tensors 'x' and 'y' overlap"},
    {"{" BYTES("x", "[0,4]") "," BYTES("y", "[0,4]") "}", "tensors 'x' and 'y' overlap"},
    {"{\"__metadata__\":[]}", "__metadata__ must be an object"},
    {"{\"__metadata__\":null}", "__metadata__ must be an object"},
    {"{\"__metadata__\":{\"a\":\"b\",\"c\":1}}", "__metadata__: the value of 'c' must be a string"},
    {"{" BYTES("x\\u001b[2J", "[0,4]") "}", "tensor 'x?[2J' has a control character"},
    {"{" BYTES("x\\u009b", "[0,4]") "}", "tensor 'x?' has a control character"},
    {"{" BYTES("x\\u007f", "[0,4]") "}", "has a control character"},
};

static void test_broken(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        const char *header = broken[i].header;
        expect_refused(image_make(header, strlen(header), "\0\0\0\0\0\0\0", 8), broken[i].message);
    }
}

static void test_long_name(void **state) {
    (void)state;
    for (int length = TENSOR_NAME_MAX; length <= TENSOR_NAME_MAX + 1; length++) {
        char *header = xprintf("{\"%0*d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                               length, 7);
        struct image m = image_make(header, strlen(header), NULL, 0);
        struct safetensors s;
        if (length == TENSOR_NAME_MAX) {
            assert_true(safetensors_parse(&s, m.bytes, m.size, NULL));
            safetensors_close(&s);
            free(m.bytes);
        } else {
            expect_refused(m, "has 256 bytes, more than 255");
        }
        free(header);
    }
}

static void test_depth(void **state) {
    (void)state;
    enum { DEPTH = 1000000 };
    char *header = xmalloc(DEPTH);
    memset(header, '[', DEPTH);
    memcpy(header, "{\"a\":", 5);
    expect_refused(image_make(header, DEPTH, NULL, 0), "the header is not valid JSON");
    free(header);
}

static void test_header_length(void **state) {
    (void)state;
    struct image m = image_make("{}", 2, NULL, 0);
    m.bytes[0] = 3;
    expect_refused(m, "the header should have 3 bytes, but only 2 follow");
    m = image_make("{}", 2, NULL, 0);
    memset(m.bytes, 0xff, 8);
    expect_refused(m, "its header would have 18446744073709551615 bytes, more than 100000000");
    m = image_make("{}", 2, NULL, 0);
    memcpy(m.bytes, "\1\xe1\xf5\5", 4);
    expect_refused(m, "its header would have 100000001 bytes");
    m = image_make("", 0, NULL, 0);
    m.size = 7;
    expect_refused(m, "not a safetensors file: 7 bytes are too few");
}

// ---- Damage at every byte.

static const char sample_header[] =
    "{\"__metadata__\":{\"k\":\"v\"},"
    "\"x\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[0,4]},"
    "\"y\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[4,5]}}";

static void test_truncation(void **state) {
    (void)state;
    struct image m = image_make(sample_header, sizeof sample_header - 1, "\0\x3c\0\x3c\1", 5);
    for (size_t size = 0; size < m.size; size++) {
        struct image part = {xmemdup(m.bytes, size), size};
        expect_refused(part, "");
    }
    free(m.bytes);
}

static void read_all(const struct safetensors *s) {
    float out[16];
    for (int i = 0; i < s->count; i++) {
        assert_true(dims_count(s->entries[i].dims) <= 16);
        tensor_to_float(&s->entries[i], out);
    }
}

static void test_changed_bytes(void **state) {
    (void)state;
    struct image m = image_make(sample_header, sizeof sample_header - 1, "\0\x3c\0\x3c\1", 5);
    for (size_t i = 0; i < m.size; i++) {
        unsigned char before = m.bytes[i];
        for (int value = 0; value < 256; value++) {
            struct safetensors s;
            struct error error;
            m.bytes[i] = (unsigned char)value;
            if (safetensors_parse(&s, m.bytes, m.size, &error)) {
                read_all(&s);
                safetensors_close(&s);
            } else {
                assert_null(strchr(error.text, '\n'));
            }
        }
        m.bytes[i] = before;
    }
    free(m.bytes);
}

// ---- Opening.

static char directory[] = "thaw-safetensors-XXXXXX";

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
    (void)state;
    files_remove(directory);
    return 0;
}

static void test_open_errors(void **state) {
    (void)state;
    char *path = files_join(directory, "short.safetensors");
    struct safetensors s;
    struct error error = {0};
    assert_false(safetensors_open(&s, path, &error));
    assert_non_null(strstr(error.text, path));
    assert_true(files_write(path, "", 0, NULL));
    assert_false(safetensors_open(&s, path, &error));
    char *expected = xprintf("%s: not a safetensors file: 0 bytes are too few", path);
    assert_string_equal(error.text, expected);
    free(expected);
    free(path);
}

// ---- A file that another program wrote; the values were read with numpy.

static void check_first(const struct safetensors *s, const char *name, float first, float last) {
    const struct tensor_entry *e = safetensors_find(s, name);
    assert_non_null(e);
    size_t count = dims_count(e->dims);
    float *out = xmalloc(count * sizeof *out);
    tensor_to_float(e, out);
    assert_float_equal(out[0], first, 1e-7);
    assert_float_equal(out[count - 1], last, 1e-7);
    free(out);
}

static void test_foreign_file(void **state) {
    (void)state;
    char *path = shared_path(
        "data/torch/burn_fixtures/safetensors-tests_multi_layer_multi_layer.safetensors");
    if (!files_exist(path)) {
        free(path);
        skip();
    }
    struct safetensors s;
    assert_true(safetensors_open(&s, path, NULL));
    free(path);
    assert_int_equal(s.count, 9);
    assert_int_equal(s.metadata_count, 0);
    assert_string_equal(s.entries[0].name, "norm1.num_batches_tracked");
    check_first(&s, "norm1.num_batches_tracked", 1, 1);
    check_first(&s, "conv1.bias", 0.13191646f, 0.14375225f);
    check_first(&s, "conv1.weight", 0.09916245f, 0.010049121f);
    check_first(&s, "fc1.weight", 0.05926342f, -0.039569013f);
    check_first(&s, "norm1.running_var", 0.90088123f, 0.90318274f);
    safetensors_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),     cmocka_unit_test(test_empty_object),
        cmocka_unit_test(test_broken),      cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_depth),       cmocka_unit_test(test_header_length),
        cmocka_unit_test(test_truncation),  cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_open_errors), cmocka_unit_test(test_foreign_file),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
