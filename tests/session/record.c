// Lines of metrics.jsonl: what evaluations say of classes.
#include "session/record.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Of cat 3 samples, one said to be dog; of dog none.
static struct figures two_classes(void) {
    static char cat[] = "cat", dog[] = "dog", *const names[] = {cat, dog};
    int label[] = {0, 0, 0}, predicted[] = {0, 1, 0};
    float probability[] = {1, 0, 0, 1, 1, 0};
    struct predictions p = {.count = 3,
                            .classes = 2,
                            .label = label,
                            .predicted = predicted,
                            .probability = probability};
    return figures_of(&p, names);
}

static void says(const struct record *r, const struct figures *figures, const char *text) {
    char *line = record_line(r, figures);
    if (!strstr(line, text))
        fail_msg("'%s' is not in: %s", text, line);
    free(line);
}

static void an_evaluation_has_scores_and_classes(void **state) {
    (void)state;
    struct figures figures = two_classes();
    struct tally tally = {3, 2, 3, {0.625, 0.5, NAN}};
    struct record epoch = {.kind = RECORD_EPOCH, .step = 8, .epoch = 1, .validation = tally};
    struct record test = {.kind = RECORD_TEST, .step = 8, .epoch = 1, .test = tally};
    static const char scores[] = "\"samples\":3,\"balanced_accuracy\":0.625,\"macro_f1\":0.5,"
                                 "\"auroc\":null";
    says(&epoch, &figures, scores);
    says(&epoch, &figures, "\"matrix\":[[2,1],[0,0]]");
    says(&test, &figures, scores);
    says(&test, &figures,
         "\"per_class\":{\"class\":[\"cat\",\"dog\"],\"support\":[3,0],"
         "\"precision\":[1.0,0.0],\"recall\":[0.666666667,null],"
         "\"specificity\":[null,0.666666667],\"f1\":[0.8,0.0],\"auroc\":[null,null]},"
         "\"matrix\":[[2,1],[0,0]]}");
    says(&test, NULL, "\"auroc\":null}}"); // the scores alone
    epoch.validation = (struct tally){0};  // none was due
    char *line = record_line(&epoch, &figures);
    assert_null(strstr(line, "validation"));
    free(line);
    figures_close(&figures);
}

// Of a language model, tokens: a perplexity, and nothing about classes.
static void an_evaluation_of_tokens_has_a_perplexity(void **state) {
    (void)state;
    struct tally tally = {4 * log(8), 1, 4, {NAN, NAN, NAN}, 4};
    struct record epoch = {.kind = RECORD_EPOCH, .step = 8, .epoch = 1, .validation = tally};
    struct figures none = {0};
    says(&epoch, &none, "\"samples\":4,\"perplexity\":8.0}");
}

// A line must stay short, however many classes there are.
static void many_classes_are_left_out_of_lines(void **state) {
    (void)state;
    static const struct {
        enum record_kind kind;
        int classes;
        bool listed;
    } cases[] = {
        {RECORD_EPOCH, RECORD_EPOCH_CLASSES, true},
        {RECORD_EPOCH, RECORD_EPOCH_CLASSES + 1, false},
        {RECORD_TEST, RECORD_TEST_CLASSES, true},
        {RECORD_TEST, RECORD_TEST_CLASSES + 1, false},
    };
    char *names[RECORD_TEST_CLASSES + 1];
    for (int i = 0; i <= RECORD_TEST_CLASSES; i++)
        names[i] = (char *)(uintptr_t) "a name of some length";
    for (int i = 0; i < 4; i++) {
        struct predictions none = {.classes = cases[i].classes};
        struct figures figures = figures_of(&none, names);
        struct record r = {.kind = cases[i].kind, .validation = {1, 1, 2}, .test = {1, 1, 2}};
        char *line = record_line(&r, &figures);
        assert_int_equal(strstr(line, "matrix") != NULL, cases[i].listed);
        assert_non_null(strstr(line, "balanced_accuracy"));
        assert_true(strlen(line) < 1 << 16);
        free(line);
        figures_close(&figures);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluation_has_scores_and_classes),
        cmocka_unit_test(an_evaluation_of_tokens_has_a_perplexity),
        cmocka_unit_test(many_classes_are_left_out_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
