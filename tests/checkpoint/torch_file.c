// Tests of src/checkpoint/torch_file.c, torch_tensor.c, torch_zip.c, torch_legacy.c and
// weight_file.c, on files built byte by byte.
// clang-format off
#include "test.h"
// clang-format on
#include "checkpoint/torch_bytes.h"
#include "checkpoint/weight_file.h"
#include <stdio.h>

static const float numbers[6] = {1, 2, 3, 4, 5, 6};

// A file whose object is this pickle, with `numbers` as storage 0; frees the pickle.
static struct bytes make_zip(struct bytes *pickle, bool zip64) {
    struct archive a = {0};
    zip_add(&a, &(struct entry_case){.name = "model/data.pkl", .data = *pickle});
    zip_data(&a, "model/byteorder", "little", 6);
    zip_data(&a, "model/data/0", numbers, sizeof numbers);
    zip_data(&a, "model/version", "3\n", 2);
    free(pickle->data);
    *pickle = (struct bytes){0};
    return zip_end(&a, zip64);
}

static struct bytes make_legacy(struct bytes *pickle) {
    struct bytes b = {0};
    put_legacy_head(&b);
    put_bytes(&b, *pickle);
    put_ops(&b, "](");
    put_text(&b, "0");
    put_ops(&b, "e.");
    put_number(&b, 6, 8);
    put(&b, numbers, sizeof numbers);
    free(pickle->data);
    *pickle = (struct bytes){0};
    return b;
}

static struct weight_file file;

static void expect_open(struct bytes b) {
    struct error error = {0};
    if (!weight_file_parse(&file, b.data, b.size, &error))
        fail_msg("%s", error.text);
}

static void expect_refused(struct bytes b, const char *message) {
    struct error error = {0};
    bool good = weight_file_parse(&file, b.data, b.size, &error);
    if (good || !strstr(error.text, message))
        fail_msg("expected '%s', got '%s'", message, good ? "success" : error.text);
    assert_int_equal(error.kind, ERROR_REQUEST);
    assert_null(strchr(error.text, '\n'));
    assert_false(weight_file_parse(&file, b.data, b.size, NULL));
    free(b.data);
}

static void done(struct bytes b) {
    weight_file_close(&file);
    free(b.data);
}

// Whether entry i has this name and these numbers.
static void check(int i, const char *name, const float *values, size_t count) {
    float out[64];
    assert_true(i < file.count);
    const struct tensor_entry *e = &file.entries[i];
    assert_string_equal(e->name, name);
    assert_int_equal(dims_count(e->dims), count);
    tensor_to_float(e, out);
    assert_memory_equal(out, values, count * sizeof *out);
}

#define CHECK(i, name, ...)                                                                        \
    check(i, name, (const float[]){__VA_ARGS__}, sizeof(float[]){__VA_ARGS__} / sizeof(float))

static const struct tensor_case row = {"Float", "0", 6, 1, 1, {2}, {1}},
                                turned = {"Float", "0", 6, 0, 2, {3, 2}, {1, 3}},
                                scalar = {"Float", "0", 6, 5, 0, {0}, {0}},
                                wide = {"Float", "0", 6, 2, 2, {2, 3}, {0, 1}},
                                empty = {"Float", "0", 6, 0, 2, {0, 4}, {4, 1}},
                                single = {"Float", "0", 6, 3, 2, {1, 2}, {99, 1}};

static void put_item(struct bytes *b, const char *key, const struct tensor_case *t) {
    put_text(b, key);
    put_tensor(b, t);
}

static struct bytes views(void) {
    struct bytes b = {0};
    put_ops(&b, "\x80\2}(");
    put_item(&b, "row", &row);
    put_item(&b, "turned", &turned);
    put_item(&b, "scalar", &scalar);
    put_item(&b, "wide", &wide);
    put_item(&b, "empty", &empty);
    put_item(&b, "single", &single);
    put_ops(&b, "u.");
    return b;
}

static void check_views(void) {
    assert_int_equal(file.count, 6);
    CHECK(0, "row", 2, 3);
    CHECK(1, "turned", 1, 4, 2, 5, 3, 6);
    CHECK(2, "scalar", 6);
    CHECK(3, "wide", 3, 4, 5, 3, 4, 5);
    check(4, "empty", NULL, 0);
    CHECK(5, "single", 4, 5);
    assert_true(tensor_in_place(&file.entries[0]) && tensor_in_place(&file.entries[5]));
    assert_false(tensor_in_place(&file.entries[1]) || tensor_in_place(&file.entries[3]));
    assert_true(tensor_equal(&file.entries[1], &file.entries[1]));
    assert_false(tensor_equal(&file.entries[0], &file.entries[5]));
}

static void views_of_one_storage(void **state) {
    (void)state;
    struct bytes pickle = views(), b = make_zip(&pickle, false);
    expect_open(b);
    check_views();
    assert_string_equal(weight_file_format(&file), "torch");
    done(b);
    pickle = views();
    b = make_zip(&pickle, true);
    expect_open(b);
    check_views();
    done(b);
    pickle = views();
    b = make_legacy(&pickle);
    expect_open(b);
    check_views();
    assert_string_equal(weight_file_format(&file), "torch before 1.6");
    done(b);
}

// ---- Big-endian files, and all types.

static void big_endian(void **state) {
    (void)state;
    const unsigned char floats[] = {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0},
                        longs[] = {0, 0, 0, 0, 0, 0, 1, 2};
    const struct tensor_case f = {"Float", "f", 2, 0, 1, {2}, {1}}, l = {"Long", "l", 1, 0, 0};
    struct bytes pickle = {0};
    put_ops(&pickle, "\x80\2}(");
    put_item(&pickle, "f", &f);
    put_item(&pickle, "l", &l);
    put_ops(&pickle, "u.");
    struct archive a = {0};
    zip_add(&a, &(struct entry_case){.name = "m/data.pkl", .data = pickle});
    zip_data(&a, "m/byteorder", "big", 3);
    zip_data(&a, "m/data/f", floats, sizeof floats);
    zip_data(&a, "m/data/l", longs, sizeof longs);
    free(pickle.data);
    struct bytes b = zip_end(&a, false);
    expect_open(b);
    CHECK(0, "f", 1, -2);
    CHECK(1, "l", 258);
    int64_t whole;
    tensor_copy(&file.entries[1], &whole);
    assert_int_equal(whole, 258);
    done(b);
}

static void every_type(void **state) {
    (void)state;
    static const struct {
        const char *storage, *bytes;
        enum dtype dtype;
        float value;
    } types[] = {
        {"Float", "\0\0\x80\x3f", DTYPE_F32, 1},
        {"Half", "\0\x3c", DTYPE_F16, 1},
        {"BFloat16", "\x80\x3f", DTYPE_BF16, 1},
        {"Double", "\0\0\0\0\0\0\xf0\x3f", DTYPE_F64, 1},
        {"Long", "\xfe\xff\xff\xff\xff\xff\xff\xff", DTYPE_I64, -2},
        {"Int", "\xfe\xff\xff\xff", DTYPE_I32, -2},
        {"Short", "\xfe\xff", DTYPE_I16, -2},
        {"Char", "\xfe", DTYPE_I8, -2},
        {"Byte", "\xfe", DTYPE_U8, 254},
        {"Bool", "\1", DTYPE_BOOL, 1},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct tensor_case t = {types[i].storage, "k", 1, 0, 0};
        struct bytes pickle = {0};
        put_tensor(&pickle, &t);
        put_ops(&pickle, ".");
        struct archive a = {0};
        zip_add(&a, &(struct entry_case){.name = "m/data.pkl", .data = pickle});
        zip_data(&a, "m/data/k", types[i].bytes, dtype_size(types[i].dtype));
        free(pickle.data);
        struct bytes b = zip_end(&a, false);
        expect_open(b);
        assert_int_equal(file.entries[0].dtype, types[i].dtype);
        check(0, "tensor", &types[i].value, 1);
        done(b);
    }
}

// ---- Which tensors, under which names.

static void expect_names(struct bytes *pickle, const char *part, const char *aside,
                         const char *names) {
    struct bytes b = make_zip(pickle, false);
    char joined[1024] = "";
    expect_open(b);
    for (int i = 0; i < file.count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? " " : "",
                 file.entries[i].name);
    assert_string_equal(joined, names);
    assert_string_equal(file.torch.part ? file.torch.part : "-", part);
    assert_string_equal(file.torch.aside ? file.torch.aside : "-", aside);
    done(b);
}

static void containers(void **state) {
    (void)state;
    struct bytes b = {0};
    put_tensor(&b, &row);
    put_ops(&b, ".");
    expect_names(&b, "-", "-", "tensor");
    put_ops(&b, "(");
    put_tensor(&b, &row);
    put_ops(&b, "NU\4text](K\1");
    put_tensor(&b, &row);
    put_ops(&b, "et.");
    expect_names(&b, "-", "-", "0 3.1");
    put_ops(&b, "}(U\6layer1}(");
    put_item(&b, "weight", &row);
    put_ops(&b, "K\7");
    put_tensor(&b, &row);
    put_ops(&b, "uU\6config}(NK\1uu.");
    expect_names(&b, "-", "-", "layer1.weight layer1.7");
}

static void parts(void **state) {
    (void)state;
    struct bytes b = {0};
    put_ops(&b, "}(U\5epochK\3U\5model}(U\12state_dict}(");
    put_item(&b, "a", &row);
    put_ops(&b, "uU\4nameU\1xuU\11optimizer}(U\5state}(K\1");
    put_tensor(&b, &row);
    put_ops(&b, "uuu.");
    expect_names(&b, "model.state_dict", "epoch, optimizer, name", "a");
    // A dictionary that has tensors itself is the state_dict, whatever else is in it.
    put_ops(&b, "}(");
    put_item(&b, "a", &row);
    put_ops(&b, "U\5model}(");
    put_item(&b, "b", &row);
    put_ops(&b, "uu.");
    expect_names(&b, "-", "-", "a model.b");
    // A usual name without tensors is no part.
    put_ops(&b, "}(U\5model}(U\4nameU\1xuU\5other}(");
    put_item(&b, "a", &row);
    put_ops(&b, "uu.");
    expect_names(&b, "-", "-", "other.a");
}

static void old_parts_of_storages(void **state) {
    (void)state;
    struct bytes b = {0};
    put_ops(&b, "ctorch._utils\n_rebuild_tensor\n(");
    put_storage(&b, &row);
    put_ops(&b, "(U\1vK\2K\3ttQK\1K\2\x85K\1\x85tR.");
    struct bytes wrong = {xmemdup(b.data, b.size), b.size};
    struct bytes whole = make_legacy(&b);
    expect_open(whole);
    CHECK(0, "tensor", 4, 5); // storage elements 2 to 4 are the part, of it the tensor is 1 and 2
    done(whole);
    unsigned char *count = memmem(wrong.data, wrong.size, "vK\2K\3", 5);
    assert_non_null(count);
    count[4] = 5;
    expect_refused(make_legacy(&wrong), "reaches beyond");
}

// ---- Tensors that are refused.

static void refuse_tensor(struct tensor_case t, const char *message) {
    struct bytes pickle = {0};
    put_ops(&pickle, "}");
    put_item(&pickle, "w", &t);
    put_ops(&pickle, "s.");
    expect_refused(make_zip(&pickle, false), message);
}

static void bad_tensors(void **state) {
    (void)state;
    const int64_t huge = INT64_MAX;
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 1, {7}, {1}},
                  "tensor 'w': shape [7] from element 0 on reaches beyond its storage of 6");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 5, 1, {2}, {1}},
                  "from element 5 on reaches");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 6, 0, {0}, {0}}, "reaches beyond");
    refuse_tensor((struct tensor_case){"Float", "0", 6, huge, 1, {2}, {huge}}, "reaches beyond");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 2, {2, 2}, {huge, huge}},
                  "reaches beyond");
    refuse_tensor((struct tensor_case){"Float", "0", 6, -1, 1, {2}, {1}},
                  "its offset must be >= 0");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 1, {-1}, {1}}, "size 0 must be a whole");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 1, {2}, {-1}},
                  "stride 0 must be a whole");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 5, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
                  "the shape has 5 dimensions");
    refuse_tensor((struct tensor_case){"Float", "0", 7, 0, 1, {2}, {1}}, "too few for 7 elements");
    refuse_tensor((struct tensor_case){"Double", "0", 6, 0, 1, {2}, {1}}, "too few for 6 elements");
    refuse_tensor((struct tensor_case){"Float", "1", 6, 0, 1, {2}, {1}}, "its storage 1 is not in");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 2, {huge, huge}, {0, 0}},
                  "is too large");
    // 1 MiB is allowed to views that repeat their elements; more than 8 times the file is not.
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 2, {1 << 10, 1 << 9}, {0, 0}},
                  ".clone()");
    refuse_tensor((struct tensor_case){"Float", "0", 6, 0, 1, {1ll << 40}, {0}}, ".clone()");
}

static void a_repeated_view_within_bounds(void **state) {
    (void)state;
    const struct tensor_case t = {"Float", "0", 6, 0, 2, {1 << 9, 1 << 9}, {0, 0}};
    struct bytes pickle = {0};
    put_tensor(&pickle, &t);
    put_ops(&pickle, ".");
    struct bytes b = make_zip(&pickle, false);
    expect_open(b);
    assert_int_equal(file.entries[0].bytes, 1 << 20);
    done(b);
}

static void refuse_pickle(struct bytes pickle, const char *message) {
    expect_refused(make_zip(&pickle, false), message);
}

static void bad_containers(void **state) {
    (void)state;
    struct bytes b = {0};
    put_ops(&b, "}.");
    refuse_pickle(b, "there is no tensor in it");
    b = (struct bytes){0};
    put_ops(&b, "U\5hello.");
    refuse_pickle(b, "there is no tensor in it");
    b = (struct bytes){0};
    put_ops(&b, "}(N");
    put_tensor(&b, &row);
    put_ops(&b, "u.");
    refuse_pickle(b, "neither text nor a whole number");
    b = (struct bytes){0};
    put_ops(&b, "}(");
    put_item(&b, "a", &row);
    put_item(&b, "a", &row);
    put_ops(&b, "u.");
    refuse_pickle(b, "two tensors are called 'a'");
    b = (struct bytes){0};
    put_ops(&b, "}(");
    put_item(&b, "a\33[2J", &row);
    put_ops(&b, "u.");
    refuse_pickle(b, "control character");
    b = (struct bytes){0};
    put_ops(&b, "}(");
    put_item(&b, "a\xff", &row);
    put_ops(&b, "u.");
    refuse_pickle(b, "is not UTF-8");
    b = (struct bytes){0};
    put(&b, "}(X\3\0\0\0", 7);
    put(&b, "a\0b", 3);
    put_tensor(&b, &row);
    put_ops(&b, "u.");
    refuse_pickle(b, "that is no name");
}

// A list in itself, and 2^60 ways to one tensor: both end.
static void containers_in_themselves(void **state) {
    (void)state;
    struct bytes b = {0};
    put_ops(&b, "]q\1(");
    put_tensor(&b, &row);
    put_ops(&b, "h\1e.");
    refuse_pickle(b, "more than 32 deep");
    b = (struct bytes){0};
    put_ops(&b, "N");
    for (int i = 0; i < 30; i++)
        put_ops(&b, "\x32\x86");
    put_tensor(&b, &row);
    put_ops(&b, "\x86.");
    refuse_pickle(b, "stand in one another too often");
    b = (struct bytes){0};
    put_tensor(&b, &scalar);
    for (int i = 0; i < 30; i++)
        put_ops(&b, "\x32\x86");
    put_ops(&b, ".");
    refuse_pickle(b, "");
}

// ---- Archives that are refused.

static struct bytes archive_of(const struct entry_case *entries, int count) {
    struct archive a = {0};
    for (int i = 0; i < count; i++)
        zip_add(&a, &entries[i]);
    return zip_end(&a, false);
}

static void bad_archives(void **state) {
    (void)state;
    struct bytes p = {0}, data = {xmemdup(numbers, sizeof numbers), sizeof numbers};
    struct bytes medium = {(unsigned char *)(char[]){"middle"}, 6};
    put_tensor(&p, &row);
    put_ops(&p, ".");
    const struct entry_case pickle = {.name = "m/data.pkl", .data = p};
    const struct entry_case storage = {.name = "m/data/0", .data = data};
    struct entry_case cases[3] = {pickle, storage};
    cases[2] = (struct entry_case){.name = "m/constants.pkl", .data = p};
    expect_refused(archive_of(cases, 3), "TorchScript");
    cases[2] = (struct entry_case){.name = "m/byteorder", .data = medium};
    expect_refused(archive_of(cases, 3), "neither little nor big");
    cases[2] = storage;
    expect_refused(archive_of(cases, 3), "two of its storages have the same key");
    expect_refused(archive_of(&storage, 1), "without the data.pkl");
    expect_refused(archive_of(cases, 0), "no file of weights"); // an archive without entries
    cases[0].method = 8;
    expect_refused(archive_of(cases, 2), "entry m/data.pkl of its zip archive is compressed");
    cases[0] = pickle;
    cases[0].crc = 1;
    expect_refused(archive_of(cases, 2), "entry m/data.pkl of its zip archive is damaged");
    cases[0] = pickle;
    cases[1].crc = 1;
    expect_refused(archive_of(cases, 2), "entry m/data/0 of its zip archive is damaged");
    cases[1] = storage;
    cases[1].size = 1000;
    expect_refused(archive_of(cases, 2), "entry 1 of the directory fits no data");
    cases[1] = storage;
    cases[1].crc = (uint32_t)crc32_z(0, data.data, data.size); // 0: none was computed
    struct bytes b = archive_of(cases, 2);
    expect_open(b);
    CHECK(0, "tensor", 2, 3);
    done(b);
    free(p.data);
    free(data.data);
}

static void other_files(void **state) {
    (void)state;
    struct bytes b = {0};
    expect_refused(b, "no file of weights");
    put_ops(&b, "\x80\2}.");
    expect_refused(b, "not one that torch.save wrote");
    b = (struct bytes){0};
    b.data = xcalloc(1024, 1);
    b.size = 1024;
    memcpy(b.data + 257, "ustar", 5);
    expect_refused(b, "first format");
    b = (struct bytes){0};
    put_ops(&b, "PK\3\4 and no more");
    expect_refused(b, "is the file cut short?");
    b = (struct bytes){0};
    put(&b, legacy_magic, sizeof legacy_magic - 1);
    put_ops(&b, "K\5.");
    expect_refused(b, "has only protocol 1001");
}

static void bad_legacy_storages(void **state) {
    (void)state;
    struct bytes pickle = {0}, b;
    put_tensor(&pickle, &row);
    put_ops(&pickle, ".");
    b = make_legacy(&pickle);
    b.size -= 1;
    expect_refused(b, "reaches beyond the end; is the file cut short?");
    put_tensor(&pickle, &row);
    put_ops(&pickle, ".");
    b = make_legacy(&pickle);
    memset(b.data + b.size - sizeof numbers - 8, 0xff, 8);
    expect_refused(b, "a storage of 18446744073709551615 elements reaches beyond");
    put_ops(&pickle, "}.");
    expect_refused(make_legacy(&pickle), "names one that no tensor has");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_of_one_storage),
        cmocka_unit_test(big_endian),
        cmocka_unit_test(every_type),
        cmocka_unit_test(containers),
        cmocka_unit_test(parts),
        cmocka_unit_test(old_parts_of_storages),
        cmocka_unit_test(bad_tensors),
        cmocka_unit_test(a_repeated_view_within_bounds),
        cmocka_unit_test(bad_containers),
        cmocka_unit_test(containers_in_themselves),
        cmocka_unit_test(bad_archives),
        cmocka_unit_test(other_files),
        cmocka_unit_test(bad_legacy_storages),
    };
    return cmocka_run_group_tests_name("checkpoint/torch_file", tests, NULL, NULL);
}
