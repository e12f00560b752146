#include "experiment/experiment.h"

#include "base/xalloc.h"
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse_good(struct experiment *e, const char *text) {
    struct error error = {0};
    if (!experiment_parse(e, text, strlen(text), "good.yaml", &error))
        fail_msg("%s", error.text);
}

// Round trips of random experiments.

static uint64_t random_state = 20260101;

static uint64_t draw(uint64_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % below;
}

static char *draw_text(void) {
    static const char *const pieces[] = {
        "a",
        "B",
        "head",
        " ",
        "  ",
        "*",
        "\"",
        "\\",
        "'",
        "#",
        ": ",
        ":",
        "- ",
        "-",
        "[",
        "]",
        ", ",
        "{",
        "}",
        "&",
        "!",
        "%",
        "@",
        "`",
        "|",
        ">",
        "?",
        "\xc3\xa9",
        "\xe2\x82\xac",
        "true",
        "~",
        "1.5",
        "null",
        "=",
        "---",
        "...",
        "/",
        "_",
        ".",
        "0x1",
        "\xf0\x9f\x98\x80",
        "e5",
    };
    struct text t = {0};
    text_add(&t, "%s", "");
    for (uint64_t left = draw(8) + 1; left > 0; left--)
        text_add(&t, "%s", pieces[draw(sizeof(pieces) / sizeof(*pieces))]);
    return t.data;
}

// Any bit pattern of a double is as likely as another: many need all 17 digits.
static double draw_real(const struct experiment_key *key) {
    for (;;) {
        uint64_t bits = draw(UINT64_MAX) << 11 ^ draw(UINT64_MAX);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (draw(3) == 0)
            value = (double)draw(1000) / 1000;
        if (draw(10) == 0)
            value = draw(2) ? key->min : key->max;
        if ((isnormal(value) || value == 0) && value >= key->min && value <= key->max)
            return value;
    }
}

static char *draw_choice(const struct experiment_key *key) {
    char *choices = xstrdup(key->choices), *rest = choices, *words[32];
    uint64_t count = 0;
    for (char *word; (word = strsep(&rest, " "));)
        words[count++] = word;
    char *chosen = xstrdup(words[draw(count)]);
    free(choices);
    return chosen;
}

static void draw_value(const struct experiment_key *key, void *at) {
    struct text_list *texts = at;
    struct real_list *reals = at;
    switch (key->type) {
    case KEY_TEXT:
        free(*(char **)at);
        *(char **)at = draw_text();
        break;
    case KEY_CHOICE:
        free(*(char **)at);
        *(char **)at = draw_choice(key);
        break;
    case KEY_INT:
        *(int64_t *)at = (int64_t)key->min + (int64_t)draw((uint64_t)(key->max - key->min) + 1);
        break;
    case KEY_REAL:
        *(double *)at = draw_real(key);
        break;
    case KEY_BOOL:
        *(bool *)at = draw(2);
        break;
    case KEY_TEXTS:
        while (texts->count > 0)
            free(texts->item[--texts->count]);
        for (int left = (int)draw((uint64_t)key->most + 1); left > 0; left--)
            texts->item[texts->count++] = draw_text();
        break;
    case KEY_REALS:
        reals->count = (int)draw((uint64_t)key->most) + 1;
        for (int i = 0; i < reals->count; i++)
            reals->item[i] = draw_real(key);
        break;
    }
}

static void draw_experiment(struct experiment *e) {
    experiment_defaults(e);
    for (int i = 0; i < experiment_key_count; i++)
        draw_value(&experiment_keys[i], (char *)e + experiment_keys[i].at);
    // What experiment_check asks for.
    if (e->data.validation >= 1)
        e->data.validation = floor(e->data.validation);
    e->data.std.count = e->data.mean.count;
    for (int i = 0; i < e->data.std.count; i++)
        e->data.std.item[i] = 1 + fabs(e->data.mean.item[i]) / 2;
    if (e->data.resize < e->data.size)
        e->data.resize = 0;
    for (int i = 0; i < e->schedule.milestones.count; i++)
        e->schedule.milestones.item[i] = (i + 0.1 + (double)draw(1000) / 7919) / 9;
    if (strcmp(e->schedule.name, "one-cycle") == 0)
        e->schedule.warmup = 0;
    if (e->optim.lr_scale.count > 0 || e->optim.layer_decay != 1) {
        free(e->optim.rates);
        e->optim.rates = xstrdup("given");
    }
}

static void assert_reals_equal(const double *a, const double *b, int count) {
    for (int i = 0; i < count; i++)
        assert_true(a[i] == b[i]);
}

static void assert_value_equal(const struct experiment_key *key, const void *a, const void *b) {
    const struct text_list *texts = a, *other_texts = b;
    const struct real_list *reals = a, *other_reals = b;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_CHOICE:
        assert_string_equal(*(char *const *)a, *(char *const *)b);
        break;
    case KEY_INT:
        assert_true(*(const int64_t *)a == *(const int64_t *)b);
        break;
    case KEY_REAL:
        assert_reals_equal(a, b, 1);
        break;
    case KEY_BOOL:
        assert_int_equal(*(const bool *)a, *(const bool *)b);
        break;
    case KEY_TEXTS:
        assert_int_equal(texts->count, other_texts->count);
        for (int i = 0; i < texts->count; i++)
            assert_string_equal(texts->item[i], other_texts->item[i]);
        break;
    case KEY_REALS:
        assert_int_equal(reals->count, other_reals->count);
        assert_reals_equal(reals->item, other_reals->item, reals->count);
        break;
    }
}

static void round_trips(int count) {
    for (; count > 0; count--) {
        struct experiment drawn, back;
        draw_experiment(&drawn);
        char *text = experiment_text(&drawn);
        parse_good(&back, text);
        for (int i = 0; i < experiment_key_count; i++)
            assert_value_equal(&experiment_keys[i], (const char *)&drawn + experiment_keys[i].at,
                               (const char *)&back + experiment_keys[i].at);
        free(text);
        experiment_close(&drawn);
        experiment_close(&back);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    round_trips(200);
}

static void test_comma_locale(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        skip(); // no locale with a decimal comma on this machine
    char comma[8];
    snprintf(comma, sizeof(comma), "%.1f", 0.5);
    assert_string_equal(comma, "0,5");
    round_trips(20);
    setlocale(LC_ALL, "C");
}

static void test_text_digits(void **state) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {0.05, "0.05"},
                 {1e-8, "1e-08"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.0001, "0.0001"},
                 {1000, "1000"}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct experiment e = {.optim.lr = cases[i].value};
        struct text t = {0};
        experiment_text_value(&t, &e, experiment_key_find("optim.lr"));
        assert_string_equal(t.data, cases[i].text);
        text_free(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_comma_locale),
        cmocka_unit_test(test_text_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
