// What a weight file says of its network's classes.
#include "model/card.h"

#include "base/xalloc.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

static bool read_card(struct card *card, const char *classes, const char *input, struct error *e) {
    char *keys[] = {xstrdup(CARD_CLASSES), xstrdup(CARD_INPUT)};
    char *values[] = {xstrdup(classes), xstrdup(input)};
    struct weight_file file = {
        .safetensors = {.metadata_count = 2, .metadata_keys = keys, .metadata_values = values}};
    *e = (struct error){0};
    bool good = card_read(card, &file, e);
    for (int i = 0; i < 2; i++) {
        free(keys[i]);
        free(values[i]);
    }
    return good;
}

static void round_trip(void **state) {
    (void)state;
    static const char *const names[] = {"T-shirt/top", "Hüte", "\"x\", y"};
    struct dataset *d = dataset_new("hats", (struct shape){28, 27, 3}, 0, 3, names);
    char *classes = card_classes(d), *input = card_input(d);
    struct card card;
    struct error e;
    assert_true(read_card(&card, classes, input, &e));
    assert_int_equal(card.classes, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(card.class_names[i], names[i]);
    assert_true(shape_equal(card.input, d->shape));
    card_close(&card);
    free(classes);
    free(input);
    dataset_close(d);
}

static void damaged(void **state) {
    (void)state;
    static const struct {
        const char *classes, *input, *error;
    } cases[] = {
        {"[\"a\"]", "28 28", "input is damaged"},
        {"[\"a\"]", "28 28 1 1", "input is damaged"},
        {"[\"a\"]", "0 28 1", "input is damaged"},
        {"[\"a\"]", "-1 28 1", "input is damaged"},
        {"[\"a\"]", "100000 1 1", "input is damaged"},
        {"", "1 1 1", "classes is damaged"},
        {"[]", "1 1 1", "classes is damaged"},
        {"{\"a\": 1}", "1 1 1", "classes is damaged"},
        {"[\"a\", 1]", "1 1 1", "classes is damaged"},
        {"[\"a\"", "1 1 1", "classes is damaged"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct card card;
        struct error e;
        assert_false(read_card(&card, cases[i].classes, cases[i].input, &e));
        assert_non_null(strstr(e.text, cases[i].error));
        card_close(&card);
    }
}

static void none(void **state) {
    (void)state;
    struct weight_file file = {0};
    struct card card;
    assert_true(card_read(&card, &file, NULL));
    assert_int_equal(card.classes, 0);
    card_close(&card);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(damaged),
        cmocka_unit_test(none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
