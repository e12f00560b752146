#include "data/resample.h"

#include "data/crop.h"
#include "pictures.h"
#include "test.h"
#include "torch_json.h"

static int number(const json_t *object, const char *key) {
    return (int)json_integer_value(json_object_get(object, key));
}

// PIL's very bytes; floats within half a level and what rounding twice may add.
static void compare(const json_t *c, struct shape shape, struct box source, int h, int w,
                    struct box window) {
    const json_t *expected = json_object_get(c, "out");
    size_t count = (size_t)window.h * (size_t)window.w * (size_t)shape.c;
    assert_int_equal(json_array_size(expected), count);
    unsigned char *image = formula_picture(shape), *out = xmalloc(count);
    float *floats = xmalloc(shape_count(shape) * sizeof *floats),
          *got = xmalloc(count * sizeof *got);
    for (size_t i = 0; i < shape_count(shape); i++)
        floats[i] = image[i];
    resample_bytes(image, shape, source, h, w, window, out);
    resample_floats(floats, shape, source, h, w, window, got);
    for (size_t i = 0; i < count; i++) {
        int right = (int)json_integer_value(json_array_get(expected, i));
        assert_int_equal(out[i], right);
        assert_true(got[i] > (float)right - 1.01F && got[i] < (float)right + 1.01F);
    }
    free(image);
    free(out);
    free(floats);
    free(got);
}

static void resizes_as_pil(void **state) {
    (void)state;
    json_t *document = torch_json("pictures.json");
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(document, "resized"), i, c) {
        struct shape shape = {number(c, "h"), number(c, "w"), number(c, "channels")};
        int h, w;
        struct box window =
            crop_fit(shape.h, shape.w, number(c, "shorter"), number(c, "size"), &h, &w);
        compare(c, shape, (struct box){0, 0, shape.h, shape.w}, h, w, window);
    }
    assert_true(i >= 10);
    json_decref(document);
}

static void crops_as_torchvision(void **state) {
    (void)state;
    json_t *document = torch_json("pictures.json");
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(document, "cropped"), i, c) {
        int b[4], size = number(c, "size");
        for (size_t k = 0; k < 4; k++)
            b[k] = (int)json_integer_value(json_array_get(json_object_get(c, "box"), k));
        compare(c, (struct shape){number(c, "h"), number(c, "w"), 3},
                (struct box){b[0], b[1], b[2], b[3]}, size, size, (struct box){0, 0, size, size});
    }
    json_decref(document);
}

static void leaves_the_right_size_alone(void **state) {
    (void)state;
    struct shape s = {5, 9, 3};
    unsigned char *image = formula_picture(s), out[135];
    resample_bytes(image, s, (struct box){0, 0, 5, 9}, 5, 9, (struct box){0, 0, 5, 9}, out);
    assert_memory_equal(image, out, sizeof out);
    free(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizes_as_pil),
        cmocka_unit_test(crops_as_torchvision),
        cmocka_unit_test(leaves_the_right_size_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
