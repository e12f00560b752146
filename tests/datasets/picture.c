#include "datasets/picture.h"

#include "pictures.h"
#include "test.h"
#include "torch_json.h"

struct file {
    unsigned char *data;
    size_t size;
};

static struct file from_hex(const char *hex) {
    struct file f = {xmalloc(strlen(hex) / 2 + 1), strlen(hex) / 2};
    for (size_t i = 0; i < f.size; i++)
        sscanf(hex + 2 * i, "%2hhx", &f.data[i]);
    return f;
}

static enum picture_colour colour_of(const json_t *c) {
    return json_is_true(json_object_get(c, "grey")) ? PICTURE_GREY : PICTURE_RGB;
}

static void compare(const json_t *c, const struct picture *p) {
    const json_t *out = json_object_get(c, "out");
    int off = (int)torch_real(c, "off", 0);
    assert_int_equal(p->shape.w, torch_real(c, "w", 0));
    assert_int_equal(p->shape.h, torch_real(c, "h", 0));
    assert_int_equal(json_array_size(out), shape_count(p->shape));
    for (size_t i = 0; i < shape_count(p->shape); i++) {
        int right = (int)json_integer_value(json_array_get(out, i));
        if (abs(p->pixels[i] - right) > off)
            fail_msg("%s: byte %zu is %d, PIL has %d", torch_text(c, "name"), i, p->pixels[i],
                     right);
    }
}

static void decodes_as_pil(void **state) {
    (void)state;
    json_t *document = torch_json("pictures.json");
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(document, "decoded"), i, c) {
        struct file f = from_hex(torch_text(c, "file"));
        struct picture p;
        struct error e = {0};
        if (!picture_parse(&p, f.data, f.size, torch_text(c, "name"), colour_of(c), &e))
            fail_msg("%s: %s", torch_text(c, "name"), e.text);
        compare(c, &p);
        picture_close(&p);
        free(f.data);
    }
    assert_true(i > 40);
    json_decref(document);
}

// Files that lack their end are refused, wherever it is. The last bytes of some carry nothing: a
// GIF's end mark, a TGA's footer, the filling of a BMP's last row.
static void refuses_what_ends_early(void **state) {
    (void)state;
    json_t *document = torch_json("pictures.json");
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(document, "decoded"), i, c) {
        const char *name = torch_text(c, "name");
        struct file f = from_hex(torch_text(c, "file"));
        size_t idle = strstr(name, ".tga")                           ? 26
                      : strstr(name, ".gif") || strstr(name, ".bmp") ? 3
                                                                     : 0;
        for (size_t size = 0; size + idle < f.size; size++) {
            unsigned char *exact = xmemdup(f.data, size); // the sanitizer sees the first step out
            struct picture p;
            struct error e = {0};
            if (picture_parse(&p, exact, size, name, PICTURE_RGB, &e))
                fail_msg("%s is read with %zu bytes of %zu", name, size, f.size);
            assert_int_equal(e.kind, ERROR_REQUEST);
            assert_null(p.pixels);
            free(exact);
        }
        free(f.data);
    }
    json_decref(document);
}

static void expect(const void *data, size_t size, const char *name, const char *text) {
    struct picture p;
    struct error e = {0};
    assert_false(picture_parse(&p, data, size, name, PICTURE_RGB, &e));
    if (!strstr(e.text, text))
        fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

#define EXPECT(literal, name, text) expect(literal, sizeof(literal) - 1, name, text)

static void says_what_is_wrong(void **state) {
    (void)state;
    EXPECT("", "a.jpg", "the file is empty");
    EXPECT("<html>", "a.jpg", "no picture by its content; JPEG, PNG");
    EXPECT("RIFF\0\0\0\0WEBPVP8 ", "a.jpg", "a WebP picture; JPEG");
    EXPECT("II*\0", "a.png", "a TIFF picture");
    EXPECT("P5 100000 100000 255\nx", "a", "too many: at most 16384 on a side and 100 million");
    EXPECT("P5 16384 16384 255\nx", "a", "are too many");
    EXPECT("P5 2 2 0\nxxxx", "a", "the PNM header is wrong");
    EXPECT("P5 2 2 65536\nxxxxxxxx", "a", "the PNM header is wrong");
    EXPECT("P5 9999 9999 255\nxxxx", "a", "the PNM ends early");
    EXPECT("P2 2 1 255 1 x", "a", "wrong or missing value (number 2)");
    EXPECT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\0\0\1\b\0\0\0\0xxxx", "a", "65536 x 1 pixels");
    EXPECT("GIF89a\0\0\1\0\0\0\0", "a", "the header says 0 x 1 pixels");
    EXPECT("\xff\xd8\xff\xc9\0\x0b\b\0\1\0\1\1\1\x11\0", "a", "arithmetic JPEG (SOF9)");
    EXPECT("\xff\xd8\xff\xda\0\2", "a", "scan comes before its frame");
}

// 16 counts of 255: stb_image 2.27 would write some 4,000 codes into its table of 257.
static void refuses_overfull_code_tables(void **state) {
    (void)state;
    unsigned char jpeg[8 + 17 + 4080 + 16] = {0xff, 0xd8, 0xff, 0xc4, 0x10, 0x03};
    memset(jpeg + 7, 255, 16);
    expect(jpeg, sizeof jpeg, "a.jpg", "a code table of the JPEG is wrong");
}

static void reads_text_and_deep_pnm(void **state) {
    (void)state;
    static const struct {
        const char *file;
        size_t size;
        unsigned char out[4];
    } cases[] = {
        {"P2\n# grey\n2 2\n# most\n15 0 5\n15 30", 0, {0, 85, 255, 255}},
        {"P1 2 2 10\n0 1", 0, {0, 255, 255, 0}},
        {"P5 2 2 1000\n\0\0\x01\xf4\x03\xe8\xff\xff", 20, {0, 128, 255, 255}},
        {"P5 4 1 65535\n\0\0\x80\0\xff\xff\1\1", 21, {0, 128, 255, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct picture p;
        struct error e = {0};
        size_t size = cases[i].size ? cases[i].size : strlen(cases[i].file);
        if (!picture_parse(&p, cases[i].file, size, "a", PICTURE_GREY, &e))
            fail_msg("%zu: %s", i, e.text);
        assert_memory_equal(p.pixels, cases[i].out, 4);
        picture_close(&p);
    }
}

static void knows_endings(void **state) {
    (void)state;
    assert_true(picture_named("a.jpg") && picture_named("B.JPEG") && picture_named("x.y.PnG"));
    assert_false(picture_named(".jpg") || picture_named("jpg") || picture_named("a.txt"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_as_pil),          cmocka_unit_test(refuses_what_ends_early),
        cmocka_unit_test(says_what_is_wrong),      cmocka_unit_test(refuses_overfull_code_tables),
        cmocka_unit_test(reads_text_and_deep_pnm), cmocka_unit_test(knows_endings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
