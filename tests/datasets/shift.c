#include "datasets/shift.h"

#include "toy.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct shift parsed(const char *text) {
    struct shift s;
    struct error e = {0};
    if (!shift_parse(text, &s, &e))
        fail_msg("%s: %s", text, e.text);
    return s;
}

static void assert_refused(const char *text, const char *message) {
    struct shift s;
    struct error e = {0};
    assert_false(shift_parse(text, &s, &e));
    assert_int_equal(e.kind, ERROR_REQUEST);
    if (!strstr(e.text, message))
        fail_msg("\"%s\" lacks \"%s\"", e.text, message);
}

static void parses(void **state) {
    (void)state;
    assert_int_equal(parsed("noise 0.5").kind, SHIFT_NOISE);
    assert_true(parsed("noise 0.5").value == 0.5);
    assert_true(parsed("  blur   5 ").value == 5);
    assert_true(parsed("contrast 0.3").value == 0.3);
    assert_int_equal(parsed("invert").kind, SHIFT_INVERT);
    assert_true(parsed("rotate -90").value == -90);
    assert_int_equal(parsed("relabel 7").seed, 7);
    for (int i = 0; i < 2; i++) {
        struct shift s = parsed(i ? "regroup \"0 2|1023\"" : "regroup 0  2 | 1023");
        assert_int_equal(s.groups, 2);
        assert_int_equal(s.group[0], 1);
        assert_int_equal(s.group[1], 0);
        assert_int_equal(s.group[2], 1);
        assert_int_equal(s.group[1023], 2);
    }
}

static void refuses(void **state) {
    (void)state;
    assert_refused("nosie 1", "there is no shift \"nosie\": did you mean noise");
    assert_refused("", "there is no shift \"\": did you mean ");
    assert_refused("noise",
                   "shift noise: \"\" is wrong: a number SIGMA, from 1e-06 to 100, would be");
    assert_refused("noise -1", "\"-1\" is wrong");
    assert_refused("noise nan", "\"nan\" is wrong");
    assert_refused("noise 1 2", "\"1 2\" is wrong");
    assert_refused("blur 4",
                   "shift blur: \"4\" is wrong: an odd number K, from 3 to 99, would be right");
    assert_refused("blur 5.0", "\"5.0\" is wrong");
    assert_refused("blur 101", "\"101\" is wrong");
    assert_refused("rotate 361", "from -360 to 360");
    assert_refused("relabel -1", "a whole number SEED");
    assert_refused("invert 1", "shift invert takes no argument, but has \"1\"");
    static const char *const groups[] = {
        "",        "\"\"",     "0 1",    "0 |",     "| 0",     "0 || 1",          "0 1 | 1",
        "0 | one", "0 | 1024", "0 | -1", "\"0 | 1", "0 | 1\"", "0 | 99999999999",
    };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        char *text = xprintf("regroup %s", groups[i]);
        assert_refused(text, "is no list of groups: class numbers with |");
        free(text);
    }
}

static void refuses_groups_that_the_data_lacks(void **state) {
    (void)state;
    struct error e = {0};
    struct dataset *d = toy_open((struct shape){1, 1, 1}, 2, 5, NULL);
    struct shift s = parsed("regroup 0 | 5");
    assert_false(shift_check(&s, d, &e));
    assert_string_equal(e.text, "regroup: toy has no class 5: its classes are 0 to 4");
    s = parsed("regroup 3 | 4");
    assert_false(shift_check(&s, d, &e));
    assert_string_equal(e.text, "regroup: toy has no sample of the classes named");
    s = parsed("regroup 0 | 4");
    assert_true(shift_check(&s, d, &e));
    s = parsed("relabel 4");
    assert_true(shift_check(&s, d, &e));
    dataset_close(d);
}

enum { H = 6, W = 7, C = 2, SIZE = H * W * C };

static struct dataset *shifted(const char *text, uint64_t seed, int number) {
    struct shift s = parsed(text);
    return shift_apply(toy_open((struct shape){H, W, C}, 9, 3, NULL), &s, seed, number);
}

// Of sample `index`.
static void read_shifted(const char *text, int index, float *out) {
    struct dataset *d = shifted(text, 5, 0);
    d->read(d, index, out);
    dataset_close(d);
}

static void contrast_and_invert(void **state) {
    (void)state;
    float got[SIZE];
    read_shifted("contrast 0.3", 4, got);
    for (size_t i = 0; i < SIZE; i++)
        assert_true(got[i] == toy_pixel(4, i) * 0.3F);
    read_shifted("invert", 4, got);
    for (size_t i = 0; i < SIZE; i++)
        assert_true(got[i] == 1 - toy_pixel(4, i));
}

static float at(int sample, int y, int x, int c) {
    if (y < 0 || y >= H || x < 0 || x >= W)
        return 0;
    return toy_pixel(sample, (size_t)((y * W + x) * C + c));
}

static void blur_equals_a_zero_padded_mean(void **state) {
    (void)state;
    static const int kernels[] = {3, 5, 15};
    for (int k = 0; k < 3; k++) {
        float got[SIZE], *p = got;
        char *text = xprintf("blur %d", kernels[k]);
        int reach = kernels[k] / 2;
        read_shifted(text, 2, got);
        free(text);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < C; c++) {
                    double sum = 0;
                    for (int i = -reach; i <= reach; i++)
                        for (int j = -reach; j <= reach; j++)
                            sum += at(2, y + i, x + j, c);
                    assert_true(fabs(*p++ - sum / (kernels[k] * kernels[k])) < 1e-6);
                }
    }
}

static void rotate_by_right_angles(void **state) {
    (void)state;
    float got[SIZE], *p = got;
    read_shifted("rotate 180", 3, got);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < C; c++)
                assert_true(fabsf(*p++ - at(3, H - 1 - y, W - 1 - x, c)) < 1e-5F);
    // A square, by 90 degrees: what was on the right comes to the top.
    struct shift s = parsed("rotate 90");
    struct dataset *d = shift_apply(toy_open((struct shape){4, 4, 1}, 2, 2, NULL), &s, 0, 0);
    d->read(d, 1, got);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            assert_true(fabsf(got[4 * y + x] - toy_pixel(1, (size_t)(4 * x + 3 - y))) < 1e-5F);
    dataset_close(d);
    float zero[SIZE];
    read_shifted("rotate 0", 3, zero);
    for (size_t i = 0; i < SIZE; i++)
        assert_true(zero[i] == toy_pixel(3, i));
}

// By 45 degrees the middle of a 3 x 3 image stays, and each edge pixel is a known mixture.
static void rotate_is_bilinear(void **state) {
    (void)state;
    struct shift s = parsed("rotate 45");
    struct dataset *d = shift_apply(toy_open((struct shape){3, 3, 1}, 1, 1, NULL), &s, 0, 0);
    float got[9], r = sqrtf(0.5F);
    d->read(d, 0, got);
    // The upper middle pixel comes from (1 - r, 1 + r): up and to the right.
    float expected = r * r * toy_pixel(0, 2) + r * (1 - r) * (toy_pixel(0, 1) + toy_pixel(0, 5)) +
                     (1 - r) * (1 - r) * toy_pixel(0, 4);
    assert_true(fabsf(got[4] - toy_pixel(0, 4)) < 1e-6F);
    assert_true(fabsf(got[1] - expected) < 1e-6F);
    // The upper left corner comes from (1 - 2r, 1): mostly beyond the upper edge.
    float corner = (2 - 2 * r) * toy_pixel(0, 1);
    assert_true(fabsf(got[0] - corner) < 1e-6F);
    dataset_close(d);
}

static void noise_is_normal(void **state) {
    (void)state;
    enum { MANY = 20000 };
    struct shift s = parsed("noise 0.5");
    struct dataset *d = shift_apply(toy_open((struct shape){1, MANY, 1}, 2, 2, NULL), &s, 3, 0);
    float *got = xmalloc(MANY * sizeof *got);
    double sum = 0, square = 0;
    d->read(d, 1, got);
    for (size_t i = 0; i < MANY; i++) {
        double noise = got[i] - toy_pixel(1, i);
        sum += noise;
        square += noise * noise;
    }
    // Five standard deviations of mean and variance.
    assert_true(fabs(sum / MANY) < 5 * 0.5 / sqrt(MANY));
    assert_true(fabs(square / MANY / 0.25 - 1) < 5 * sqrt(2.0 / MANY));
    free(got);
    dataset_close(d);
}

static void noise_is_the_samples_own(void **state) {
    (void)state;
    float first[SIZE], again[SIZE], other[SIZE];
    struct dataset *d = shifted("noise 1", 5, 0);
    d->read(d, 1, first);
    d->read(d, 2, other);
    d->read(d, 1, again);
    assert_memory_equal(first, again, sizeof first);
    assert_false(first[0] - toy_pixel(1, 0) == other[0] - toy_pixel(2, 0));
    dataset_close(d);
    static const struct {
        uint64_t seed;
        int number;
    } different[] = {{6, 0}, {5, 1}, {5, SHIFT_TEST}};
    for (size_t i = 0; i < 3; i++) {
        d = shifted("noise 1", different[i].seed, different[i].number);
        d->read(d, 1, other);
        for (size_t k = 0; k < SIZE; k++)
            assert_true(first[k] != other[k]);
        dataset_close(d);
    }
}

static void texts_take_shifts_of_labels_alone(void **state) {
    (void)state;
    struct dataset *d = toy_open((struct shape){4, 1, 1}, 6, 2, NULL);
    struct sample_text shown;
    struct error e = {0};
    d->vocabulary = 9;
    d->show = toy_show;
    d->spell = toy_spell;
    struct shift s = parsed("noise 0.5");
    assert_false(shift_check(&s, d, &e));
    assert_non_null(strstr(e.text, "shift noise changes pictures, but toy has texts"));
    s = parsed("relabel 1");
    assert_true(shift_check(&s, d, &e));
    d = shift_apply(d, &s, 0, 0);
    assert_int_equal(d->vocabulary, 9);
    d->show(d, 3, &shown);
    assert_string_equal(shown.text, "text 3");
    sample_text_close(&shown);
    assert_non_null(d->spell);
    assert_string_equal(d->spell(d, 0), "[CLS]");
    dataset_close(d);
}

static void relabel_leaves_no_class_in_place(void **state) {
    (void)state;
    for (int classes = 1; classes <= 12; classes++)
        for (int seed = 0; seed < 20; seed++) {
            int released = 0;
            char *text = xprintf("relabel %d", seed);
            struct shift s = parsed(text);
            // Every class twice; the noise's seed and number must not matter.
            struct shape shape = {1, 1, 1};
            struct dataset *a =
                shift_apply(toy_open(shape, 2 * classes, classes, &released), &s, 1, 0);
            struct dataset *b = shift_apply(toy_open(shape, 2 * classes, classes, NULL), &s, 2, 9);
            bool seen[12] = {false};
            for (int i = 0; i < classes; i++) {
                char name[16];
                snprintf(name, sizeof name, "%d", i);
                int to = a->labels[i];
                assert_true(classes == 1 || to != i);
                assert_in_range(to, 0, classes - 1);
                assert_false(seen[to]);
                seen[to] = true;
                assert_string_equal(a->class_names[to], name);
                assert_int_equal(a->labels[i + classes], to);
                assert_int_equal(b->labels[i], to);
            }
            float pixel;
            a->read(a, 1, &pixel);
            assert_true(pixel == toy_pixel(1, 0));
            dataset_close(a);
            dataset_close(b);
            assert_int_equal(released, 1);
            free(text);
        }
}

static void regroup_makes_new_classes(void **state) {
    (void)state;
    int released = 0;
    struct shift s = parsed("regroup \"4 0 | 2\"");
    struct dataset *d = shift_apply(toy_open((struct shape){1, 1, 1}, 12, 5, &released), &s, 0, 0);
    static const int from[] = {0, 2, 4, 5, 7, 9, 10}; // the samples of classes 0, 2 and 4
    assert_int_equal(d->count, 7);
    assert_int_equal(d->classes, 2);
    assert_string_equal(d->class_names[0], "0+4");
    assert_string_equal(d->class_names[1], "2");
    for (int i = 0; i < 7; i++) {
        float pixel;
        d->read(d, i, &pixel);
        assert_true(pixel == toy_pixel(from[i], 0));
        assert_int_equal(d->labels[i], from[i] % 5 == 2);
    }
    // And relabelled on top: two classes can only change places.
    s = parsed("relabel 1");
    d = shift_apply(d, &s, 0, 1);
    assert_string_equal(d->class_names[1], "0+4");
    assert_int_equal(d->labels[0], 1);
    dataset_close(d);
    assert_int_equal(released, 1);
}

static void help_names_every_shift(void **state) {
    (void)state;
    static const char *const names[] = {"noise SIGMA", "blur K",       "contrast F", "invert",
                                        "rotate DEG",  "relabel SEED", "regroup \""};
    struct text t = {0};
    shift_help(&t);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(t.data, names[i]));
    text_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_groups_that_the_data_lacks),
        cmocka_unit_test(contrast_and_invert),
        cmocka_unit_test(blur_equals_a_zero_padded_mean),
        cmocka_unit_test(rotate_by_right_angles),
        cmocka_unit_test(rotate_is_bilinear),
        cmocka_unit_test(noise_is_normal),
        cmocka_unit_test(noise_is_the_samples_own),
        cmocka_unit_test(texts_take_shifts_of_labels_alone),
        cmocka_unit_test(relabel_leaves_no_class_in_place),
        cmocka_unit_test(regroup_makes_new_classes),
        cmocka_unit_test(help_names_every_shift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
