#include "data/augment.h"

#include "pictures.h"
#include "test.h"
#include "torch_json.h"
#include <math.h>

static int number(const json_t *object, const char *key) {
    return (int)json_integer_value(json_object_get(object, key));
}

static int item(const json_t *list, size_t i) {
    return (int)json_integer_value(json_array_get(list, i));
}

static void check_box(const json_t *c) {
    int h = number(c, "h"), w = number(c, "w");
    const json_t *centre = json_object_get(c, "centre"), *draws = json_object_get(c, "draws");
    if (centre) {
        struct box box = crop_centre(h, w);
        assert_int_equal(box.top, item(centre, 0));
        assert_int_equal(box.left, item(centre, 1));
        assert_int_equal(box.h, item(centre, 2));
        assert_int_equal(box.w, item(centre, 3));
        return;
    }
    struct box box = {0};
    bool fits = crop_try((float)torch_real(c, "least", 0),
                         (float)json_number_value(json_array_get(draws, 0)),
                         (float)json_number_value(json_array_get(draws, 1)), h, w, &box);
    assert_int_equal(fits, json_is_true(json_object_get(c, "fits")));
    if (fits) {
        assert_int_equal(box.h, item(json_object_get(c, "box"), 0));
        assert_int_equal(box.w, item(json_object_get(c, "box"), 1));
    }
}

static void boxes_are_torchvisions(void **state) {
    (void)state;
    json_t *document = torch_json("pictures.json");
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(document, "boxes"), i, c) check_box(c);
    assert_true(i > 100);
    json_decref(document);
}

// Boxes lie within the image, vary with sample and view, and are the same for the same draw.
static void boxes_vary(void **state) {
    (void)state;
    struct crop crop = {random_key(3, RANDOM_AUGMENT, 0), 0, 0, 0.2F};
    int different = 0;
    struct box before = {0};
    for (crop.sample = 0; crop.sample < 50; crop.sample++)
        for (crop.view = 0; crop.view < 20; crop.view++) {
            struct box b = crop_box(&crop, 33, 57), again = crop_box(&crop, 33, 57);
            assert_memory_equal(&b, &again, sizeof b);
            assert_true(b.top >= 0 && b.left >= 0 && b.h > 0 && b.w > 0);
            assert_true(b.top + b.h <= 33 && b.left + b.w <= 57);
            different += memcmp(&b, &before, sizeof b) != 0;
            before = b;
        }
    assert_true(different > 990);
}

static void jitters_as_torchvision(void **state) {
    (void)state;
    json_t *document = torch_json("pictures.json");
    struct shape s = {5, 6, 3};
    unsigned char *bytes = formula_picture(s);
    const json_t *c;
    size_t k;
    json_array_foreach(json_object_get(document, "jittered"), k, c) {
        float image[90];
        for (int i = 0; i < 90; i++)
            image[i] = (float)bytes[i] / 255;
        augment_jitter(number(c, "which"), (float)torch_real(c, "factor", 0), s, image);
        for (size_t i = 0; i < 90; i++) {
            double right = json_number_value(json_array_get(json_object_get(c, "out"), i));
            assert_true(fabs((double)image[i] - right) < 2e-6);
        }
    }
    assert_int_equal(k, 16);
    free(bytes);
    json_decref(document);
}

static void grey_has_no_saturation(void **state) {
    (void)state;
    float image[6] = {0, 0.25F, 0.5F, 0.5F, 0.75F, 1}, before[6];
    memcpy(before, image, sizeof before);
    augment_jitter(2, 0.3F, (struct shape){2, 3, 1}, image);
    augment_jitter(3, 0.3F, (struct shape){2, 3, 1}, image);
    assert_memory_equal(image, before, sizeof before);
    augment_jitter(0, 1.5F, (struct shape){2, 3, 1}, image);
    assert_true(image[1] == 0.375F && image[5] == 1);
}

static float brightest(const float *rgb) {
    return fmaxf(fmaxf(rgb[0], rgb[1]), rgb[2]);
}

// Hue alone: every picture turns by an angle of its own, and no colour gets brighter or darker.
static void hues_are_drawn(void **state) {
    (void)state;
    struct augment a = {0};
    struct random_key key = random_key(3, RANDOM_AUGMENT, 0);
    float before = 0;
    assert_true(augment_parse(&a, "jitter 0 0 0 0.5", NULL));
    for (uint32_t sample = 0; sample < 100; sample++) {
        float image[6] = {0.9F, 0.2F, 0.4F, 0.3F, 0.3F, 0.3F};
        augment_colour(&a, key, sample, 0, (struct shape){1, 2, 3}, image);
        assert_true(fabsf(brightest(image) - 0.9F) < 1e-6F);
        assert_true(image[3] == 0.3F && image[4] == 0.3F && image[5] == 0.3F);
        assert_true(image[0] + 2 * image[1] + 4 * image[2] != before);
        before = image[0] + 2 * image[1] + 4 * image[2];
    }
}

static void reads_words(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "flip 1",
        "crop",
        "crop 0",
        "crop 65",
        "random_resized_crop 0",
        "mirror",
        "jitter",
        "jitter 1 2 3 4",
        "jitter 1 2 3 0.6",
        "jitter 0 0 0 0 0",
        "jitter 0.1 x",
        "random_resized_crop 1.5",
        "",
        "crop 2 2",
        "jitter -1",
    };
    struct augment a = {0};
    struct error e = {0};
    assert_true(augment_parse(&a, "flip", &e) && a.flip);
    assert_true(augment_parse(&a, "crop 2", &e) && a.crop == 2);
    assert_true(augment_parse(&a, "random_resized_crop", &e) && a.resized_crop == 0.08F);
    assert_true(augment_parse(&a, "random_resized_crop 0.35", &e) && a.resized_crop == 0.35F);
    assert_true(augment_parse(&a, "jitter 0.2 0.1", &e));
    assert_true(a.jitter[0] == 0.2F && a.jitter[1] == 0.1F && a.jitter[2] == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(augment_parse(&a, wrong[i], &e));
        assert_int_equal(e.kind, ERROR_REQUEST);
        assert_non_null(strstr(e.text, "is not known; write 'flip', 'crop N'"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_are_torchvisions), cmocka_unit_test(boxes_vary),
        cmocka_unit_test(jitters_as_torchvision), cmocka_unit_test(grey_has_no_saturation),
        cmocka_unit_test(hues_are_drawn),         cmocka_unit_test(reads_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
