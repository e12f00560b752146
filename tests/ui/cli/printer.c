// What the headless printer says of a session, by a session that is only told.
#include "ui/cli/printer.h"
#include "base/xalloc.h"
#include "session/publish.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

// Records without a trainer: a publisher behind the doors that the printer uses.
struct told {
    struct session session; // first
    struct publisher publisher;
};

static void told_look(struct session *s, struct snapshot *out) {
    (void)s;
    *out = (struct snapshot){.state = SESSION_FINISHED, .epochs = 3};
}

static int told_read(struct session *s, int64_t *cursor, struct record *out, int most) {
    return publish_read(&((struct told *)s)->publisher, cursor, out, most);
}

static bool told_predictions(struct session *s, enum evaluated on, struct predictions *out) {
    return publish_look_predictions(&((struct told *)s)->publisher, on, out);
}

static void told_open(struct told *t) {
    *t = (struct told){
        .session = {.look = told_look, .read = told_read, .predictions = told_predictions}};
    pthread_mutex_init(&t->publisher.lock, NULL);
    pthread_cond_init(&t->publisher.changed, NULL);
    t->publisher.ring = calloc(PUBLISH_RECORDS, sizeof *t->publisher.ring);
}

static void told_close(struct told *t) {
    pthread_mutex_destroy(&t->publisher.lock);
    pthread_cond_destroy(&t->publisher.changed);
    free(t->publisher.ring);
    for (int i = 0; i < EVALUATED; i++)
        predictions_close(&t->publisher.predictions[i]);
}

// Steps first .. last.
static void tell_steps(struct told *t, int64_t first, int64_t last) {
    for (int64_t step = first; step <= last; step++)
        publish_record(&t->publisher, &(struct record){.kind = RECORD_STEP, .step = step});
}

static int lines_of(const char *text) {
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

// What the printer wrote in this style; the caller frees.
static char *printed(struct told *t, struct printer *p, enum printer_style style) {
    char *text = NULL;
    size_t size;
    p->style = style;
    p->out = open_memstream(&text, &size);
    printer_update(p, &t->session);
    fclose(p->out);
    return text;
}

static void records_that_were_missed_are_told(void **state) {
    (void)state;
    struct told t;
    struct printer p = {0}, person = {0};
    told_open(&t);
    tell_steps(&t, 1, 10);
    free(printed(&t, &person, PRINT_LINES));
    char *text = printed(&t, &p, PRINT_JSON);
    assert_int_equal(lines_of(text), 10);
    assert_null(strstr(text, "note"));
    free(text);
    tell_steps(&t, 11, 10 + PUBLISH_RECORDS + 7);
    text = printed(&t, &p, PRINT_JSON);
    assert_int_equal(lines_of(text), 1 + PUBLISH_RECORDS);
    assert_memory_equal(text, "{\"kind\":\"note\"", 14);
    assert_non_null(strstr(text, "\"step\":18"));
    assert_non_null(strstr(text, "7 records are missing here"));
    free(text);
    text = printed(&t, &person, PRINT_LINES);
    assert_int_equal(lines_of(text), 1);
    assert_memory_equal(text, "note     7 records", 18);
    free(text);
    told_close(&t);
}

static char cat[] = "cat", dog[] = "dog", *const names[] = {cat, dog};

// Of 3 cats one is taken for a dog, of 2 dogs none for a cat.
static void tell_predictions(struct told *t, enum evaluated on) {
    static const int label[] = {0, 0, 0, 1, 1}, predicted[] = {0, 1, 0, 1, 1};
    static const float probability[] = {.9f, .1f, .4f, .6f, .8f, .2f, .1f, .9f, .4f, .6f};
    struct predictions p = {.count = 5, .classes = 2};
    p.sample = xcalloc(5, sizeof(int));
    p.label = xmemdup(label, sizeof label);
    p.predicted = xmemdup(predicted, sizeof predicted);
    p.probability = xmemdup(probability, sizeof probability);
    publish_predictions(&t->publisher, on, &p);
}

static const char scores[] = "balanced accuracy 83.33 %, macro-F1 0.8000, AUROC 0.9167\n";
static const char table[] =
    "class  samples  said  precision   recall  specificity     F1   AUROC\n"
    "cat          3     2    100.0 %   66.7 %      100.0 %  0.800  0.9167\n"
    "dog          2     3     66.7 %  100.0 %       66.7 %  0.800  0.9167\n";

static void a_test_is_told_by_classes(void **state) {
    (void)state;
    struct told t;
    struct printer p = {.class_names = names}, person = p;
    told_open(&t);
    tell_predictions(&t, EVALUATED_TEST);
    publish_record(&t.publisher, &(struct record){.kind = RECORD_TEST, .test = {1, 4, 5}});
    char *text = printed(&t, &person, PRINT_LINES);
    assert_non_null(strstr(text, "accuracy 80.00 % of 5 samples\n"));
    assert_non_null(strstr(text, scores));
    assert_non_null(strstr(text, table));
    free(text);
    text = printed(&t, &p, PRINT_JSON);
    assert_int_equal(lines_of(text), 1);
    assert_non_null(strstr(text, "\"class\":[\"cat\",\"dog\"]"));
    assert_non_null(strstr(text, "\"matrix\":[[2,1],[0,2]]"));
    free(text);
    told_close(&t);
}

// Without test samples the last validation ends a run.
static void without_a_test_the_validation_is_told(void **state) {
    (void)state;
    struct told t;
    char *text = NULL;
    size_t size;
    struct printer p = {.class_names = names, .out = open_memstream(&text, &size)};
    told_open(&t);
    tell_predictions(&t, EVALUATED_VALIDATION);
    printer_end(&p, &t.session, NULL, 1);
    fclose(p.out);
    assert_non_null(strstr(text, "validation: accuracy 80.00 % of 5 samples\n"));
    assert_non_null(strstr(text, scores));
    assert_non_null(strstr(text, table));
    free(text);
    told_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_that_were_missed_are_told),
        cmocka_unit_test(a_test_is_told_by_classes),
        cmocka_unit_test(without_a_test_the_validation_is_told),
    };
    return cmocka_run_group_tests_name("ui/cli/printer", tests, NULL, NULL);
}
