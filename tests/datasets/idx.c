#include "datasets/idx.h"

#include "base/files.h"
#include "idx_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// Parses a copy that ends where it ends, so that ASan sees a step beyond.
static bool parse(struct idx *out, enum idx_kind kind, const unsigned char *data, size_t size,
                  struct error *e) {
    unsigned char *copy = xmemdup(data, size);
    *e = (struct error){0};
    bool fine = idx_parse(out, kind, copy, size, "f", e);
    free(copy);
    return fine;
}

static void check_content(struct bytes b, int n, struct shape shape) {
    struct error e;
    struct idx x;
    assert_true(parse(&x, IDX_IMAGES, b.data, b.size, &e));
    assert_int_equal(x.count, n);
    assert_true(shape_equal(x.shape, shape));
    for (size_t i = 0; i < (size_t)n * shape_count(shape); i++)
        assert_int_equal(x.data[i], i * 7 % 251);
    idx_free(&x);
}

static void reads_plain_and_packed(void **state) {
    (void)state;
    static const struct {
        uint32_t size[4];
        struct shape shape;
    } cases[] = {
        {{3, 4, 5}, {4, 5, 1}},       {{2, 3, 4, 3}, {3, 4, 3}}, {{1, 1, 1}, {1, 1, 1}},
        {{400, 40, 40}, {40, 40, 1}}, // more than the first room, and no power of two
        {{256, 16, 16}, {16, 16, 1}}, // exactly the first room
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int n = (int)cases[i].size[0];
        struct bytes b = idx_bytes(cases[i].size, (size_t)n * shape_count(cases[i].shape), 251);
        struct bytes z = gzip_bytes(b);
        check_content(b, n, cases[i].shape);
        check_content(z, n, cases[i].shape);
        free(b.data);
        free(z.data);
    }
}

// Every file cut short, and one byte too long, plain and packed.
static void refuses_any_other_length(void **state) {
    (void)state;
    struct bytes plain = idx_bytes((const uint32_t[4]){2, 3, 4}, 24, 251);
    struct bytes both[2] = {plain, gzip_bytes(plain)};
    for (int k = 0; k < 2; k++) {
        struct idx x;
        struct error e;
        for (size_t size = 0; size < both[k].size; size++) {
            assert_false(parse(&x, IDX_IMAGES, both[k].data, size, &e));
            assert_int_equal(e.kind, ERROR_REQUEST);
            assert_non_null(strstr(e.text, "f: "));
            assert_null(x.data);
        }
        unsigned char *longer = xmalloc(both[k].size + 1);
        memcpy(longer, both[k].data, both[k].size);
        longer[both[k].size] = 0;
        assert_false(parse(&x, IDX_IMAGES, longer, both[k].size + 1, &e));
        assert_string_equal(e.text, "f: more bytes follow than the header's sizes say");
        free(longer);
    }
    struct bytes more = idx_bytes((const uint32_t[4]){2, 3, 4}, 25, 251), z = gzip_bytes(more);
    struct idx x;
    struct error e;
    assert_false(parse(&x, IDX_IMAGES, z.data, z.size, &e));
    assert_string_equal(e.text, "f: more bytes follow than the header's sizes say");
    free(more.data);
    free(z.data);
    free(both[1].data);
    free(plain.data);
}

static void refuses_wrong_headers(void **state) {
    (void)state;
    static const struct {
        enum idx_kind kind;
        const char *data;
        size_t size;
        const char *text;
    } cases[] = {
        {IDX_IMAGES, "\x89PNG", 4,
         "f: starts with 89 50 4e 47, but an idx file starts with 00 00 08 03"},
        {IDX_IMAGES, "\0\0\x0d\3", 4, "f: starts with 00 00 0d 03"},
        {IDX_IMAGES, "\0\0\x08\1\0\0\0\1\0", 9, "f: starts with 00 00 08 01"},
        {IDX_LABELS, "\0\0\x08\3", 4, "but an idx file starts with 00 00 08 01 for labels"},
        {IDX_LABELS, "", 0, "f: the file ends inside the header"},
        {IDX_LABELS, "\0\0\x08\1\0\0\0\0", 8, "f: the count is 0: 1 to 2147483647 would be right"},
        {IDX_LABELS, "\0\0\x08\1\x80\0\0\0", 8, "f: the count is 2147483648: "},
        {IDX_IMAGES, "\0\0\x08\3\0\0\0\1\0\0\x40\1", 12,
         "f: the height is 16385: 1 to 16384 would"},
        {IDX_IMAGES, "\0\0\x08\4\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\5", 20,
         "f: the number of channels is 5"},
        {IDX_LABELS, "\0\0\x08\1\0\0\0\3\1\2", 10,
         "f: the file ends inside the data that the header"},
        {IDX_LABELS, "\x1f\x8b", 2, "f: the file ends inside the header"},
        {IDX_LABELS, "\x1f\x8b\x08\xff\0\0\0\0\0\0\0\0", 12,
         "f: damaged gzip data (unknown header flags"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idx x;
        struct error e;
        const unsigned char *data = (const unsigned char *)cases[i].data;
        assert_false(parse(&x, cases[i].kind, data, cases[i].size, &e));
        if (!strstr(e.text, cases[i].text))
            fail_msg("\"%s\" lacks \"%s\"", e.text, cases[i].text);
    }
}

static void refuses_a_claim_beyond_memory(void **state) {
    (void)state;
    struct bytes b = idx_bytes((const uint32_t[4]){2147483647, 16384, 16384, 4}, 10, 251);
    struct idx x;
    struct error e;
    assert_false(parse(&x, IDX_IMAGES, b.data, b.size, &e));
    assert_non_null(strstr(e.text, "f: the header says "));
    assert_non_null(strstr(e.text, "of memory are available"));
    free(b.data);
}

// One flipped bit anywhere in a packed file is an error, unless it unpacks to the same bytes.
static void notices_damage(void **state) {
    (void)state;
    struct bytes b = idx_bytes((const uint32_t[4]){200}, 200, 251), z = gzip_bytes(b);
    size_t refused = 0;
    for (size_t bit = 8 * 10; bit < 8 * z.size; bit++) { // after gzip's header, whose time is free
        struct idx x;
        struct error e;
        z.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (parse(&x, IDX_LABELS, z.data, z.size, &e)) {
            assert_int_equal(x.count, 200);
            assert_memory_equal(x.data, b.data + 8, 200);
            idx_free(&x);
        } else {
            refused++;
        }
        z.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_true(refused > 8 * (z.size - 10) - 10);
    free(b.data);
    free(z.data);
}

static void joins_images_and_labels(void **state) {
    (void)state;
    struct bytes images = idx_bytes((const uint32_t[4]){6, 2, 2}, 24, 251);
    struct bytes labels = idx_bytes((const uint32_t[4]){6}, 6, 4);
    struct idx x, y;
    struct error e = {0};
    float pixels[4];
    assert_true(parse(&x, IDX_IMAGES, images.data, images.size, &e));
    assert_true(parse(&y, IDX_LABELS, labels.data, labels.size, &e));
    struct idx_meaning meaning = {.name = "mine", .white = 255};
    struct dataset *d = idx_join(&x, &y, &meaning, "f", &e);
    assert_non_null(d);
    assert_null(x.data);
    assert_null(y.data);
    assert_string_equal(d->name, "mine");
    assert_int_equal(d->classes, 4);
    assert_string_equal(d->class_names[3], "3");
    for (int i = 0; i < 6; i++) {
        assert_int_equal(d->labels[i], i * 7 % 4);
        d->read(d, i, pixels);
        for (int k = 0; k < 4; k++)
            assert_true(pixels[k] == (float)((4 * i + k) * 7 % 251) / 255.0F);
    }
    dataset_close(d);
    free(images.data);
    free(labels.data);
}

static void refuses_what_does_not_fit_together(void **state) {
    (void)state;
    struct error e = {0};
    struct idx x = {.count = 3, .shape = {1, 1, 1}, .data = xcalloc(3, 1)};
    struct idx y = {.count = 2, .shape = {1, 1, 1}, .data = xcalloc(2, 1)};
    struct idx_meaning meaning = {.name = "mine", .classes = 10, .white = 255};
    assert_null(idx_join(&x, &y, &meaning, "labels.gz", &e));
    assert_string_equal(e.text, "labels.gz: 3 images, but 2 labels");
    assert_null(x.data);
    x = (struct idx){.count = 3, .shape = {1, 1, 1}, .data = xcalloc(3, 1)};
    y = (struct idx){.count = 3, .shape = {1, 1, 1}, .data = xcalloc(3, 1)};
    y.data[2] = 10;
    assert_null(idx_join(&x, &y, &meaning, "labels.gz", &e));
    assert_string_equal(e.text, "labels.gz: sample 2 has label 10, but the classes are 0 to 9");
}

static void opens_files(void **state) {
    (void)state;
    char directory[] = "thaw-idx-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char *image_path = files_join(directory, "images"),
         *label_path = files_join(directory, "labels.gz");
    struct bytes images = idx_bytes((const uint32_t[4]){6, 2, 2}, 24, 251);
    struct bytes labels = idx_bytes((const uint32_t[4]){6}, 6, 4), packed = gzip_bytes(labels);
    struct idx_meaning meaning = {.name = "mine", .white = 255};
    struct error e = {0};
    assert_true(files_write(image_path, images.data, images.size, &e));
    assert_null(idx_open(image_path, label_path, &meaning, &e));
    assert_non_null(strstr(e.text, label_path));
    assert_true(files_write(label_path, packed.data, packed.size, &e));
    struct dataset *d = idx_open(image_path, label_path, &meaning, &e);
    assert_non_null(d);
    assert_int_equal(d->count, 6);
    dataset_close(d);
    // Swapped.
    assert_null(idx_open(label_path, image_path, &meaning, &e));
    assert_non_null(strstr(e.text, "labels.gz: starts with 00 00 08 01"));
    files_remove(directory);
    free(image_path);
    free(label_path);
    free(images.data);
    free(labels.data);
    free(packed.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_plain_and_packed),
        cmocka_unit_test(refuses_any_other_length),
        cmocka_unit_test(refuses_wrong_headers),
        cmocka_unit_test(refuses_a_claim_beyond_memory),
        cmocka_unit_test(notices_damage),
        cmocka_unit_test(joins_images_and_labels),
        cmocka_unit_test(refuses_what_does_not_fit_together),
        cmocka_unit_test(opens_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
