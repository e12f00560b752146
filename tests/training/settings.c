#include "training/settings.h"
#include "base/xalloc.h"
#include "residual_model.h"
#include "test.h"
#include "tiny_run.h"
#include <math.h>

struct fixture {
    struct model *model;
    struct experiment experiment;
    struct settings s;
    struct error error;
};

static int setup(void **state) {
    struct fixture *f = xcalloc(1, sizeof *f);
    f->model = residual_model(0);
    tiny_experiment(&f->experiment,
                    (const char *const[]){"freeze.rules=[thaw fc]", "optim.lr_scale=[block 0.5]",
                                          "optim.weight_decay=0.001", NULL});
    if (!settings_open(&f->s, f->model, &f->experiment, &f->error))
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    settings_close(&f->s);
    experiment_close(&f->experiment);
    model_close(f->model);
    free(f);
    return 0;
}

static bool settings_equal(const struct settings *a, const struct settings *b) {
    return a->model == b->model && flags_equal(&a->flags, &b->flags) && a->bn == b->bn &&
           a->peak == b->peak && a->lr_factor == b->lr_factor &&
           memcmp(a->lr_scale, b->lr_scale, (size_t)a->model->param_count * sizeof *a->lr_scale) ==
               0 &&
           a->weight_decay == b->weight_decay && a->epochs == b->epochs;
}

static void apply(struct fixture *f, const char *text) {
    if (!settings_apply(&f->s, text, &f->error))
        fail_msg("%s: %s", text, f->error.text);
}

static bool thawed(const struct settings *s, const char *param) {
    int p = model_param(s->model, param);
    assert_true(p >= 0);
    return s->flags.thawed[p];
}

// Which of these are thawed, as a bit each.
static int thawed_bits(const struct settings *s) {
    static const char *const names[] = {"conv1.weight",
                                        "bn1.weight",
                                        "bn1.running_mean",
                                        "block.conv1.weight",
                                        "block.bn1.bias",
                                        "block.bn1.running_var",
                                        "block.shortcut.0.weight",
                                        "fc.weight"};
    int bits = 0;
    for (int i = 0; i < 8; i++)
        bits |= thawed(s, names[i]) << i;
    return bits;
}

static double scale(const struct settings *s, const char *param) {
    return s->lr_scale[model_param(s->model, param)];
}

static void opens_as_the_experiment_says(void **state) {
    struct fixture *f = *state;
    assert_ptr_equal(f->s.model, f->model);
    assert_int_equal(thawed_bits(&f->s), 0x80);
    assert_int_equal(f->s.bn, BN_FROZEN);
    assert_true(f->s.peak == 0.02 && f->s.lr_factor == 1 && f->s.weight_decay == 0.001);
    assert_int_equal(f->s.epochs, 3);
    assert_true(scale(&f->s, "block.conv1.weight") == 0.5 && scale(&f->s, "fc.weight") == 1);
}

static void expect_open_error(struct fixture *f, const char *set, const char *begins) {
    struct experiment e;
    struct settings s;
    tiny_experiment(&e, (const char *const[]){set, NULL});
    assert_false(settings_open(&s, f->model, &e, &f->error));
    if (strncmp(f->error.text, begins, strlen(begins)) != 0)
        fail_msg("'%s' does not begin with '%s'", f->error.text, begins);
    experiment_close(&e);
}

static void wrong_experiments_are_refused(void **state) {
    struct fixture *f = *state;
    expect_open_error(f, "freeze.rules=[thaw layer9]", "freeze.rules: ");
    expect_open_error(f, "optim.lr_scale=[block]", "optim.lr_scale: 'block' is no multiplier");
    expect_open_error(f, "optim.lr_scale=[layer9 0.1]", "optim.lr_scale: 'layer9'");
}

static void thaw_freeze_and_only_move_flags(void **state) {
    struct fixture *f = *state;
    apply(f, "thaw block");
    assert_int_equal(thawed_bits(&f->s), 0xd8);
    apply(f, "freeze *.bn1");
    assert_int_equal(thawed_bits(&f->s), 0xc8);
    apply(f, "only conv1");
    assert_int_equal(thawed_bits(&f->s), 0x01);
    apply(f, "thaw bn1.statistics");
    assert_int_equal(thawed_bits(&f->s), 0x05);
    apply(f, "only all");
    assert_int_equal(thawed_bits(&f->s), 0xdb);
    apply(f, "freeze all");
    assert_int_equal(thawed_bits(&f->s), 0x00);
    apply(f, "only last-1-blocks");
    assert_int_equal(thawed_bits(&f->s), 0xd8);
}

static void bn_moves_statistics(void **state) {
    struct fixture *f = *state;
    apply(f, "thaw block");
    apply(f, "bn batch");
    assert_int_equal(f->s.bn, BN_BATCH);
    assert_int_equal(thawed_bits(&f->s), 0xf8);
    apply(f, "thaw bn1"); // follows the policy from now on
    assert_int_equal(thawed_bits(&f->s), 0xfe);
    apply(f, "bn torch; freeze all");
    assert_int_equal(thawed_bits(&f->s), 0x24);
    apply(f, "bn frozen");
    assert_int_equal(thawed_bits(&f->s), 0x00);
}

static void lr_sets_and_multiplies(void **state) {
    struct fixture *f = *state;
    apply(f, "lr x0.5");
    apply(f, "lr x0.5");
    assert_true(f->s.lr_factor == 0.25);
    apply(f, "lr 0.01");
    assert_true(f->s.lr_factor == 0.01 / 0.02 && f->s.peak == 0.02);
    apply(f, "lr block x0.1");
    assert_true(scale(&f->s, "block.conv1.weight") == 0.5 * 0.1 && scale(&f->s, "fc.weight") == 1);
    apply(f, "lr *.bn1 x2");
    assert_true(scale(&f->s, "block.bn1.weight") == 0.5 * 0.1 * 2);
    assert_true(scale(&f->s, "bn1.weight") == 1); // "*.bn1" wants a dot
    apply(f, "lr head 3");                        // the x may be left out
    assert_true(scale(&f->s, "fc.bias") == 3 && f->s.lr_factor == 0.01 / 0.02);
    apply(f, "lr 0");
    assert_true(f->s.lr_factor == 0);
}

static void the_other_numbers_are_set(void **state) {
    struct fixture *f = *state;
    apply(f, "wd 5e-4");
    assert_true(f->s.weight_decay == 5e-4);
    apply(f, "wd 0");
    assert_true(f->s.weight_decay == 0);
    apply(f, "epochs 20");
    assert_int_equal(f->s.epochs, 20);
    apply(f, "epochs 100000");
    assert_int_equal(f->s.epochs, 100000);
}

// Each says what would be right, and changes nothing.
static void expect_error(struct fixture *f, const char *text, const char *says) {
    struct settings before = settings_copy(&f->s);
    f->error = (struct error){0};
    if (settings_apply(&f->s, text, &f->error))
        fail_msg("'%s' was taken", text);
    assert_int_equal(f->error.kind, ERROR_REQUEST);
    if (!strstr(f->error.text, says))
        fail_msg("'%s': '%s' is not in '%s'", text, says, f->error.text);
    assert_true(settings_equal(&before, &f->s));
    settings_close(&before);
}

static void wrong_texts_are_refused(void **state) {
    struct fixture *f = *state;
    expect_error(f, "thaw layer9", "layer9");
    expect_error(f, "thaw", "has no pattern");
    expect_error(f, "thaw a b", "more than one pattern");
    expect_error(f, "only layer9", "layer9");
    expect_error(f, "only", "'only' is no setting");
    expect_error(f, "", "is no setting");
    expect_error(f, "melt fc", "'melt fc' is no setting; did you mean ");
    expect_error(f, "thow fc", "did you mean thaw");
    expect_error(f, "bn slow", "'bn frozen', 'bn batch', 'bn torch' or 'bn reestimate'");
    expect_error(f, "lr fast", "'lr 0.003', 'lr x0.5' or 'lr layer3 x0.1'");
    expect_error(f, "lr -1", "'lr 0.003'");
    expect_error(f, "lr x-1", "'lr 0.003'");
    expect_error(f, "lr 1001", "'lr 0.003'");
    expect_error(f, "lr nan", "'lr 0.003'");
    expect_error(f, "lr block fast", "'layer3 0.1'");
    expect_error(f, "lr block x-1", "'layer3 0.1'");
    expect_error(f, "lr layer9 x2", "layer9");
    expect_error(f, "wd much", "'wd 1e-4'");
    expect_error(f, "wd -1", "'wd 1e-4'");
    expect_error(f, "epochs 0", "from 1 to 100000");
    expect_error(f, "epochs 1.5", "from 1 to 100000");
    expect_error(f, "epochs 1000001", "from 1 to 100000");
    expect_error(f, "undo", "is no setting"); // a history's, not a settings'
}

static void several_changes_are_one(void **state) {
    struct fixture *f = *state;
    apply(f, "thaw conv1;lr x0.5 ;  wd 0.1 ; epochs 7");
    assert_int_equal(thawed_bits(&f->s), 0x81);
    assert_true(f->s.lr_factor == 0.5 && f->s.weight_decay == 0.1 && f->s.epochs == 7);
    apply(f, "thaw all; freeze block; thaw block.conv1"); // in order
    assert_int_equal(thawed_bits(&f->s), 0x8b);
    expect_error(f, "freeze all; bn batch; lr x2; wd 0.5; epochs 9; thaw layer9", "layer9");
    expect_error(f, "lr x2; lr block x2; wd ten", "wd ten");
    expect_error(f, "thaw all;", "is no setting");
}

// The words that the help shows are the words that are taken: each line with its arguments filled
// in is applied.
static void help_shows_what_is_taken(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *line, *text;
    } lines[] = {
        {"thaw PATTERN", "thaw block"},
        {"freeze PATTERN", "freeze block"},
        {"only PATTERN", "only block"},
        {"bn frozen|batch|torch", "bn batch"},
        {"bn reestimate", "bn reestimate"},
        {"lr RATE", "lr 0.003"},
        {"lr [PATTERN] xFACTOR", "lr block x0.5"},
        {"rates FACTOR...", "rates 0.5 1 0.25"},
        {"lr restart [for N epochs]", "lr restart for 2 epochs"},
        {"anneal PATTERN until N%", "anneal block until 40%"},
        {"wd DECAY", "wd 0.01"},
        {"epochs N", "epochs 4"},
        {"reset moments", "reset moments"},
        {"restore best", "restore best"},
    };
    int count = 0;
    for (; settings_help[count][0]; count++) {
        assert_true(count < 14);
        assert_string_equal(settings_help[count][0], lines[count].line);
        assert_true(strlen(settings_help[count][1]) > 0);
        apply(f, lines[count].text);
    }
    assert_int_equal(count, 14);
}

static void copies_are_apart(void **state) {
    struct fixture *f = *state;
    struct settings copy = settings_copy(&f->s);
    assert_true(settings_equal(&copy, &f->s));
    apply(f, "thaw all; lr block x2");
    assert_false(settings_equal(&copy, &f->s));
    assert_int_equal(thawed_bits(&copy), 0x80);
    assert_true(scale(&copy, "block.conv1.weight") == 0.5);
    settings_close(&copy);
    settings_close(&copy); // once more is harmless
}

// Histories

static void put(struct settings_history *h, const char *text) {
    struct error error;
    if (!settings_history_apply(h, text, &error))
        fail_msg("%s: %s", text, error.text);
}

static void expect_refused(struct settings_history *h, const char *text, const char *says) {
    struct error error = {0};
    struct settings before = settings_copy(settings_now(h));
    int texts = h->text_count;
    assert_false(settings_history_apply(h, text, &error));
    assert_non_null(strstr(error.text, says));
    assert_int_equal(h->text_count, texts);
    assert_true(settings_equal(&before, settings_now(h)));
    settings_close(&before);
}

static void undo_takes_back_any_setting(void **state) {
    struct fixture *f = *state;
    struct settings_history h;
    settings_history_open(&h, settings_copy(&f->s));
    expect_refused(&h, "undo", "nothing to take back");
    expect_refused(&h, "redo", "nothing to bring again");
    put(&h, "thaw conv1");
    put(&h, "lr x0.5; wd 0.2");
    put(&h, "bn batch");
    struct settings last = settings_copy(settings_now(&h));
    expect_refused(&h, "epochs none", "from 1 to");
    put(&h, "undo");
    assert_int_equal(settings_now(&h)->bn, BN_FROZEN);
    assert_true(settings_now(&h)->lr_factor == 0.5);
    put(&h, "undo"); // both changes of the text at once
    assert_true(settings_now(&h)->lr_factor == 1 && settings_now(&h)->weight_decay == 0.001);
    put(&h, "undo");
    assert_true(settings_equal(settings_now(&h), &f->s));
    expect_refused(&h, "undo", "nothing to take back");
    put(&h, "redo");
    put(&h, "redo");
    put(&h, "redo");
    assert_true(settings_equal(settings_now(&h), &last));
    expect_refused(&h, "redo", "nothing to bring again");
    settings_close(&last);
    settings_history_close(&h);
}

static void a_new_setting_ends_what_could_be_brought_again(void **state) {
    struct fixture *f = *state;
    struct settings_history h;
    settings_history_open(&h, settings_copy(&f->s));
    put(&h, "epochs 4");
    put(&h, "epochs 5");
    put(&h, "undo");
    put(&h, "undo");
    put(&h, "epochs 6");
    expect_refused(&h, "redo", "nothing to bring again");
    assert_int_equal(settings_now(&h)->epochs, 6);
    put(&h, "undo");
    assert_int_equal(settings_now(&h)->epochs, 3);
    assert_int_equal(h.text_count, 6); // undo is a text as well
    assert_string_equal(h.texts[3], "undo");
    settings_history_close(&h);
}

static void trying_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct settings_history h;
    struct settings tried;
    settings_history_open(&h, settings_copy(&f->s));
    put(&h, "epochs 4");
    assert_true(settings_history_try(&h, "epochs 9", &tried, &f->error));
    assert_int_equal(tried.epochs, 9);
    settings_close(&tried);
    assert_true(settings_history_try(&h, "undo", &tried, &f->error));
    assert_int_equal(tried.epochs, 3);
    settings_close(&tried);
    assert_false(settings_history_try(&h, "redo", &tried, &f->error));
    assert_false(settings_history_try(&h, "thaw layer9", &tried, &f->error));
    assert_int_equal(settings_now(&h)->epochs, 4);
    assert_int_equal(h.text_count, 1);
    settings_history_close(&h);
}

// What the texts alone say is all there is: a history built from the first n of them is the one
// that was there after n.
static void texts_say_it_all(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {
        "thaw block", "lr x0.5", "undo",   "bn batch", "only conv1; thaw fc",
        "undo",       "redo",    "wd 0.3", "undo",     "lr block.* x0.1",
        "epochs 12",  "undo",    "undo",   "bn torch", "freeze all",
        "undo",       "redo",
    };
    enum { COUNT = sizeof texts / sizeof *texts };
    struct settings then[COUNT + 1];
    struct settings_history h;
    settings_history_open(&h, settings_copy(&f->s));
    then[0] = settings_copy(settings_now(&h));
    for (int i = 0; i < COUNT; i++) {
        put(&h, texts[i]);
        then[i + 1] = settings_copy(settings_now(&h));
    }
    for (int n = 0; n <= COUNT; n++) {
        struct settings_history prefix = settings_history_prefix(&h, n);
        assert_int_equal(prefix.text_count, n);
        assert_true(settings_equal(settings_now(&prefix), &then[n]));
        for (int i = n; i < COUNT; i++) // and goes on like the first one
            put(&prefix, texts[i]);
        assert_true(settings_equal(settings_now(&prefix), &then[COUNT]));
        assert_int_equal(prefix.count, h.count);
        assert_int_equal(prefix.at, h.at);
        for (int i = 0; i < h.count; i++)
            assert_true(settings_equal(&prefix.items[i], &h.items[i]));
        settings_history_close(&prefix);
        settings_close(&then[n]);
    }
    settings_history_close(&h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(opens_as_the_experiment_says),    TEST(wrong_experiments_are_refused),
        TEST(thaw_freeze_and_only_move_flags), TEST(bn_moves_statistics),
        TEST(lr_sets_and_multiplies),          TEST(the_other_numbers_are_set),
        TEST(wrong_texts_are_refused),         TEST(several_changes_are_one),
        TEST(help_shows_what_is_taken),        TEST(copies_are_apart),
        TEST(undo_takes_back_any_setting),     TEST(a_new_setting_ends_what_could_be_brought_again),
        TEST(trying_changes_nothing),          TEST(texts_say_it_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
