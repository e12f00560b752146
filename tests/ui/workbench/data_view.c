// Pictures, mistakes, the confusion matrix and the classes, from a session that is a test double.
#include "ui/workbench/data_view.h"
#include "base/xalloc.h"
#include "fake_session.h"
#include "screen.h"
#include "test.h"
#include "toy.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/draw_image.h"

static const struct area whole = {0, 0, 20, 80};

static void order_of_mistakes(void **state) {
    (void)state;
    // Samples 0..4: right, wrong at 0.6, wrong at 0.9, right, wrong at 0.6.
    int label[] = {0, 1, 1, 2, 0}, predicted[] = {0, 0, 2, 2, 1}, sample[] = {0, 1, 2, 3, 4};
    float probability[] = {1, 0, 0, .6f, .4f, 0, 0, .1f, .9f, 0, 0, 1, .4f, .6f, 0};
    struct predictions p = {5, 3, sample, label, predicted, probability};
    int *order;
    assert_int_equal(data_view_order(&p, DATA_SAMPLES, &order), 5);
    free(order);
    assert_int_equal(data_view_order(&p, DATA_MISTAKES, &order), 3);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 4);
    free(order);
}

struct world {
    struct screen screen;
    struct fake fake;
    struct scene scene;
};

static void open_world(struct world *w, struct theme_options theme) {
    *w = (struct world){.screen = screen_open(20, 80, theme)};
    fake_open(&w->fake);
    w->scene.validation = w->fake.validation;
    fake_predictions(&w->fake.session, EVALUATED_VALIDATION, &w->scene.predictions);
    w->scene.figures = figures_of(&w->scene.predictions, w->fake.validation->class_names);
}

static void close_world(struct world *w) {
    predictions_close(&w->scene.predictions);
    figures_close(&w->scene.figures);
    fake_close(&w->fake);
    screen_close(&w->screen);
}

static void draw(struct world *w, const struct data_view *v) {
    draw_clear(whole);
    data_view_draw(whole, &w->scene, v);
}

static void all_pages_are_drawn(void **state) {
    (void)state;
    struct world w;
    struct data_view v = {0};
    open_world(&w, (struct theme_options){.colour = true});
    draw(&w, &v);
    assert_true(screen_find(&w.screen, "right: 0, the model says 0") >= 0);
    assert_true(screen_find(&w.screen, "50 %") >= 0);
    assert_true(screen_find(&w.screen, "▀▀▀▀") >= 0);
    data_view_act(&v, &w.scene, ACTION_NEXT_PANEL, 20);
    assert_int_equal(v.page, DATA_MISTAKES);
    draw(&w, &v);
    assert_true(screen_find(&w.screen, "wrong: ") >= 0);
    data_view_act(&v, &w.scene, ACTION_NEXT_PANEL, 20);
    draw(&w, &v);
    int row = screen_find(&w.screen, "label \\ said");
    assert_true(row >= 0);
    char text[512];
    screen_row(&w.screen, row + 2, text, sizeof text); // class 1 is taken for class 2
    assert_non_null(strstr(text, "     0     0     4     0     0"));
    assert_int_equal(screen_find(&w.screen, "accuracy 20.00 %, balanced accuracy 20.00 %"), 2);
    data_view_act(&v, &w.scene, ACTION_NEXT_PANEL, 20);
    assert_int_equal(v.page, DATA_CLASSES);
    draw(&w, &v);
    row = screen_find(&w.screen, "precision   recall  specificity");
    assert_true(row >= 0);
    screen_row(&w.screen, row + 1, text, sizeof text); // all are taken for class 0, but those of 1
    assert_non_null(strstr(text, "4     16     25.0 %  100.0 %       25.0 %    0.400"));
    screen_row(&w.screen, row + 2, text, sizeof text);
    assert_non_null(strstr(text, "4      0          -    0.0 %      100.0 %    0.000"));
    data_view_act(&v, &w.scene, ACTION_NEXT_PANEL, 20);
    assert_int_equal(v.page, DATA_SAMPLES);
    close_world(&w);
}

// The counts of a class are in one column, as wide as there is room for all.
static void the_matrix_has_a_column_for_each_class(void **state) {
    (void)state;
    enum { CLASSES = 14 };
    char letters[CLASSES][3], *names[CLASSES];
    struct world w;
    struct data_view v = {.page = DATA_MATRIX};
    int64_t matrix[CLASSES * CLASSES] = {0};
    open_world(&w, (struct theme_options){0});
    struct figures figures = w.scene.figures;
    struct dataset many = *w.scene.validation;
    for (int i = 0; i < CLASSES; i++) {
        snprintf(letters[i], sizeof letters[i], "%c%c", 'a' + i, 'a' + i);
        names[i] = letters[i];
    }
    many.classes = CLASSES;
    many.class_names = names;
    w.scene.validation = &many;
    w.scene.figures.classes = CLASSES;
    w.scene.figures.matrix = matrix;
    matrix[CLASSES - 1] = 123;
    draw(&w, &v);
    int row = screen_find(&w.screen, "label \\ said aa  bb  cc");
    assert_true(row >= 0);
    char text[512];
    screen_row(&w.screen, row, text, sizeof text);
    assert_non_null(strstr(text, " mm  nn"));
    screen_row(&w.screen, row + 1, text, sizeof text);
    assert_non_null(strstr(text, " 0 123"));
    matrix[CLASSES - 1] = 1234567; // now they do not fit
    draw(&w, &v);
    screen_row(&w.screen, row, text, sizeof text);
    assert_null(strstr(text, "nn"));
    assert_non_null(strstr(text, "…"));
    w.scene.figures = figures;
    close_world(&w);
}

// At every size, nothing is drawn outside.
static void stays_inside(const struct world *w, const struct data_view *v) {
    for (int h = 0; h < 20; h++)
        for (int width = 0; width < 80; width += 3) {
            draw_clear(whole);
            data_view_draw((struct area){0, 0, h, width}, &w->scene, v);
            for (int x = 0; x < 80; x++)
                assert_int_equal(screen_cell(h, x), L' ');
        }
}

static void texts_are_shown_with_their_tokens(void **state) {
    (void)state;
    struct world w;
    struct data_view v = {0};
    open_world(&w, (struct theme_options){.colour = true});
    w.fake.validation->show = toy_show;
    draw(&w, &v);
    assert_int_equal(screen_find(&w.screen, "texts  worst mistakes"), 0);
    assert_true(screen_find(&w.screen, "right: 0, the model says 0") >= 0);
    int row = screen_find(&w.screen, "text 0");
    assert_true(row > 0);
    assert_int_equal(screen_find(&w.screen, "tokens 4"), row + 2);
    assert_int_equal(screen_find(&w.screen, "[CLS] text ##0 [SEP]"), row + 3);
    assert_true(screen_find(&w.screen, "50 %") >= 0);
    stays_inside(&w, &v);
    close_world(&w);
}

static const char *spell_number(const struct dataset *d, int id) {
    static const char *const pieces[] = {"zero", "one", "two", "three"};
    (void)d;
    return pieces[id % 4];
}

// Two tokens of text 0 and one of text 1, the second one right.
static struct predictions token_predictions(void) {
    static const int sample[] = {0, 0, 1}, label[] = {1, 2, 3}, predicted[] = {0, 2, 1},
                     place[] = {1, 2, 1};
    static const float probability[] = {0.25f, 0.75f, 0.5f};
    return (struct predictions){.count = 3,
                                .classes = 1,
                                .sample = xmemdup(sample, sizeof sample),
                                .label = xmemdup(label, sizeof label),
                                .predicted = xmemdup(predicted, sizeof predicted),
                                .probability = xmemdup(probability, sizeof probability),
                                .place = xmemdup(place, sizeof place)};
}

static void a_language_model_says_tokens(void **state) {
    (void)state;
    struct world w;
    struct data_view v = {0};
    open_world(&w, (struct theme_options){.colour = true});
    predictions_close(&w.scene.predictions);
    w.fake.validation->show = toy_show;
    w.fake.validation->spell = spell_number;
    w.scene.predictions = token_predictions();
    draw(&w, &v);
    assert_int_equal(screen_find(&w.screen, "tokens  worst mistakes"), 0);
    assert_int_equal(screen_find(&w.screen, "confusion"), -1);
    assert_true(screen_find(&w.screen, "wrong: one, the model says zero") >= 0);
    assert_true(screen_find(&w.screen, "[CLS] [text] [##0] [SEP]") >= 0);
    int row = screen_find(&w.screen, "token          the model says");
    char text[512];
    screen_row(&w.screen, row + 1, text, sizeof text);
    assert_non_null(strstr(text, "x one            zero"));
    assert_non_null(strstr(text, " 25 %"));
    screen_row(&w.screen, row + 2, text, sizeof text);
    assert_non_null(strstr(text, "= two            two"));
    data_view_act(&v, &w.scene, ACTION_NEXT_PANEL, 20); // the surest mistake is text 1's
    draw(&w, &v);
    assert_true(screen_find(&w.screen, "wrong: three, the model says one") >= 0);
    data_view_act(&v, &w.scene, ACTION_NEXT_PANEL, 20);
    assert_int_equal(v.page, DATA_SAMPLES);
    stays_inside(&w, &v);
    close_world(&w);
}

static void the_cursor_stays_in_the_list(void **state) {
    (void)state;
    struct world w;
    struct data_view v = {0};
    open_world(&w, (struct theme_options){0});
    data_view_act(&v, &w.scene, ACTION_BOTTOM, 10);
    assert_int_equal(v.cursor, 19);
    data_view_act(&v, &w.scene, ACTION_DOWN, 10);
    assert_int_equal(v.cursor, 19);
    assert_true(v.top > 0 && v.top <= 19);
    data_view_act(&v, &w.scene, ACTION_RIGHT, 10);
    data_view_act(&v, &w.scene, ACTION_PAGE_UP, 10);
    assert_int_equal(v.cursor, 12);
    data_view_act(&v, &w.scene, ACTION_TOP, 10);
    assert_int_equal(v.cursor, 0);
    assert_int_equal(v.top, 0);
    assert_int_equal(data_view_row_at(&v, &w.scene, whole, 2, 3), 0);
    assert_int_equal(data_view_row_at(&v, &w.scene, whole, 2, 60), -1);
    close_world(&w);
}

static void without_predictions_it_says_so(void **state) {
    (void)state;
    struct world w;
    struct data_view v = {0};
    open_world(&w, (struct theme_options){0});
    predictions_close(&w.scene.predictions);
    draw(&w, &v);
    assert_true(screen_find(&w.screen, "nothing yet") >= 0);
    w.scene.replay = true; // then they never appear
    draw(&w, &v);
    assert_true(screen_find(&w.screen, "nothing yet") < 0);
    assert_true(screen_find(&w.screen, "no weights") >= 0);
    w.scene.replay = false;
    w.scene.validation = NULL;
    draw(&w, &v);
    assert_true(screen_find(&w.screen, "nothing yet") < 0);
    assert_true(screen_find(&w.screen, "no validation samples") >= 0);
    close_world(&w);
}

// A white left half and a black right one.
static void halves(float rgb[4 * 4 * 3]) {
    for (int i = 0; i < 16; i++)
        for (int c = 0; c < 3; c++)
            rgb[3 * i + c] = i % 4 < 2 ? 1 : 0;
}

static void pictures_fall_back_to_shades(void **state) {
    (void)state;
    float rgb[4 * 4 * 3];
    struct screen screen = screen_open(20, 80, (struct theme_options){.ascii = true});
    halves(rgb);
    struct area taken = draw_image((struct area){0, 0, 4, 8}, &(struct image){rgb, 4, 4}, true);
    assert_int_equal(taken.w, 8);
    assert_int_equal(taken.h, 4);
    for (int column = 0; column < 8; column++)
        assert_int_equal(screen_cell(1, column), column < 4 ? L'@' : L' ');
    screen_close(&screen);
}

static void pictures_keep_their_shape_and_stay_inside(void **state) {
    (void)state;
    float rgb[4 * 4 * 3];
    halves(rgb);
    for (int h = 0; h < 20; h++)
        for (int w = 0; w < 40; w++) {
            struct area a =
                draw_image((struct area){0, 0, h, w}, &(struct image){rgb, 4, 4}, false);
            assert_true(a.h <= h && a.w <= w);
            if (a.w >= 4)
                assert_int_equal(a.w, 2 * a.h);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_mistakes),
        cmocka_unit_test(all_pages_are_drawn),
        cmocka_unit_test(the_matrix_has_a_column_for_each_class),
        cmocka_unit_test(texts_are_shown_with_their_tokens),
        cmocka_unit_test(a_language_model_says_tokens),
        cmocka_unit_test(the_cursor_stays_in_the_list),
        cmocka_unit_test(without_predictions_it_says_so),
        cmocka_unit_test(pictures_fall_back_to_shades),
        cmocka_unit_test(pictures_keep_their_shape_and_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
