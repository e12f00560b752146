#include "training/schedule.h"
#include "base/xalloc.h"
#include "test.h"
#include "tiny_run.h"
#include <math.h>

enum { EPOCH = 10, EPOCHS = 10 };

struct fixture {
    struct model *model;
    struct experiment experiment;
    struct settings settings;
    struct schedule schedule;
    struct schedule_state state;
    struct schedule_length length;
    struct error error;
};

static int setup(void **state) {
    struct fixture *f = xcalloc(1, sizeof *f);
    f->model = residual_model(0);
    tiny_experiment(&f->experiment, (const char *const[]){"freeze.rules=[thaw fc]", NULL});
    f->length = (struct schedule_length){EPOCH, EPOCH * EPOCHS, 1, true};
    if (!settings_open(&f->settings, f->model, &f->experiment, &f->error))
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    schedule_close(&f->schedule);
    settings_close(&f->settings);
    experiment_close(&f->experiment);
    model_close(f->model);
    free(f);
    return 0;
}

static bool open(struct fixture *f, const char *phases) {
    char *set = xprintf("schedule.phases=%s", phases);
    assert_true(experiment_set(&f->experiment, set, &f->error));
    free(set);
    schedule_close(&f->schedule);
    f->state = (struct schedule_state){0};
    return schedule_open(&f->schedule, &f->experiment, &f->error) &&
           schedule_check(&f->schedule, &f->experiment, &f->settings, &f->length, &f->error);
}

static void must_open(struct fixture *f, const char *phases) {
    if (!open(f, phases))
        fail_msg("%s", f->error.text);
}

static void expect_error(struct fixture *f, const char *phases, const char *contains) {
    if (open(f, phases))
        fail_msg("%s was taken", phases);
    if (!strstr(f->error.text, contains))
        fail_msg("'%s' does not contain '%s'", f->error.text, contains);
}

static bool due(struct fixture *f, int64_t step, const char *action) {
    const struct phase *phase = schedule_due(&f->schedule, &f->state, step, EPOCH, EPOCH * EPOCHS);
    if (phase)
        assert_string_equal(phase->actions.item[0], action);
    return phase != NULL;
}

static void observe(struct fixture *f, double loss, double accuracy) {
    schedule_observe(&f->schedule, &f->state,
                     &(struct schedule_figures){{accuracy, -loss, NAN, 0.5, NAN}});
}

static void phases_begin_in_order_and_once(void **state) {
    struct fixture *f = *state;
    must_open(f, "[start -> lr x0.5, epoch 2 -> thaw block; lr x2, step 25 -> wd 0, "
                 "after 2 epochs -> thaw bn1, 60% -> thaw all]");
    assert_int_equal(f->schedule.count, 5);
    assert_int_equal(f->schedule.phases[1].actions.count, 2);
    assert_string_equal(f->schedule.phases[1].actions.item[1], "lr x2");
    assert_true(due(f, 0, "lr x0.5"));
    assert_false(due(f, 0, ""));
    assert_false(due(f, 19, ""));
    assert_true(due(f, 20, "thaw block"));
    assert_false(due(f, 20, ""));
    assert_true(due(f, 25, "wd 0"));
    assert_false(due(f, 44, ""));
    assert_true(due(f, 45, "thaw bn1"));
    assert_false(due(f, 59, ""));
    assert_true(due(f, 60, "thaw all"));
    assert_false(due(f, 100, ""));
}

static void a_plateau_counts_evaluations_since_the_phase_before(void **state) {
    struct fixture *f = *state;
    must_open(f, "[plateau loss 2 0.1 -> thaw block, plateau accuracy 1 -> thaw all]");
    assert_true(schedule_watches(&f->schedule, &f->state));
    observe(f, 2, 0);
    observe(f, 1.95, 0); // better, but not by enough
    assert_false(due(f, 20, ""));
    observe(f, 1.8, 0);
    observe(f, 1.75, 0);
    assert_false(due(f, 40, ""));
    observe(f, NAN, 0);
    assert_true(due(f, 50, "thaw block"));
    observe(f, 9, 0.5); // the first of this phase
    assert_false(due(f, 60, ""));
    observe(f, 1, 0.5);
    assert_true(due(f, 70, "thaw all"));
    assert_false(schedule_watches(&f->schedule, &f->state));
}

static void any_figure_can_be_watched(void **state) {
    struct fixture *f = *state;
    must_open(f, "[plateau macro_f1 1 -> thaw block, plateau auroc 2 -> thaw all]");
    observe(f, 1, 0);
    assert_false(due(f, 10, ""));
    observe(f, 0.5, 1);
    assert_true(due(f, 20, "thaw block"));
    observe(f, 0.5, 1); // never defined: never better
    observe(f, 0.4, 1);
    observe(f, 0.3, 1);
    assert_true(due(f, 50, "thaw all"));
    assert_string_equal(experiment_key_find("train.best")->choices,
                        "accuracy loss balanced_accuracy macro_f1 auroc");
    for (int i = 0; i < SCHEDULE_FIGURES; i++)
        assert_non_null(
            strstr("accuracy loss balanced_accuracy macro_f1 auroc", schedule_figure_names[i]));
}

static void the_first_of_several_triggers_counts(void **state) {
    struct fixture *f = *state;
    must_open(f, "[plateau loss 2 or epoch 4 or 90% -> thaw block]");
    observe(f, 3, 0);
    observe(f, 2, 0);
    observe(f, 1, 0);
    assert_false(due(f, 39, ""));
    assert_true(due(f, 40, "thaw block"));
    must_open(f, "[plateau loss 2 or epoch 4 -> thaw block]");
    observe(f, 1, 0);
    observe(f, 1, 0);
    observe(f, 1, 0);
    assert_true(due(f, 30, "thaw block"));
}

static void the_end_has_a_count_of_its_own(void **state) {
    struct fixture *f = *state;
    assert_true(experiment_set(&f->experiment, "schedule.stop=plateau loss 3", &f->error));
    must_open(f, "[epoch 1 -> thaw block]");
    for (int i = 1; i <= 4; i++) {
        assert_false(schedule_ends(&f->schedule, &f->state, i * EPOCH, EPOCH, EPOCH * EPOCHS));
        observe(f, 1, 0);
        due(f, i * EPOCH, "thaw block");
    }
    assert_true(schedule_ends(&f->schedule, &f->state, 4 * EPOCH, EPOCH, EPOCH * EPOCHS));
    assert_true(experiment_set(&f->experiment, "schedule.stop=soon", &f->error));
    expect_error(f, "[]", "schedule.stop: 'soon' does not say when");
}

static void wrong_words_are_refused(void **state) {
    struct fixture *f = *state;
    expect_error(f, "[thaw block]", "has no '->'; write WHEN -> WHAT");
    expect_error(f, "[soon -> thaw block]", "'soon' does not say when; write 'start', 'epoch 3'");
    expect_error(f, "[\"-> thaw block\"]", "'' does not say when");
    expect_error(f, "[epoch 1 or -> thaw block]", "does not say when");
    expect_error(f, "[plateau speed 3 -> thaw block]", "does not say when");
    expect_error(f, "[plateau loss 0 -> thaw block]", "does not say when");
    expect_error(f, "[plateau loss 1 2 3 -> thaw block]", "does not say when");
    expect_error(f, "[plateau loss 1 or plateau accuracy 1 -> thaw block]", "two plateaus");
    expect_error(f, "[epoch 1 ->]", "nothing stands after '->'");
    expect_error(f, "[epoch 1 -> thaw block;]", "nothing stands after ';'");
    expect_error(f, "[epoch 1 -> melt block]", "schedule.phases: 'melt block' is no setting");
    expect_error(f, "[epoch 1 -> thaw block, epoch 2 -> thaw layer9]",
                 "item 2: rule 'thaw layer9'");
    expect_error(f, "[epoch 1 or epoch 2 or epoch 3 or epoch 4 or epoch 5 -> thaw block]",
                 "more than 4 triggers");
}

static void what_can_never_come_is_refused(void **state) {
    struct fixture *f = *state;
    expect_error(f, "[epoch 10 -> thaw block]",
                 "it begins at step 100 at the earliest, but the run "
                 "ends after 100 steps (10 epochs of 10)");
    expect_error(f, "[epoch 5 -> thaw block, epoch 3 -> thaw all]",
                 "item 2: it comes at step 30, but the phase before it begins at step 50");
    expect_error(f, "[epoch 6 -> thaw block, after 5 epochs -> thaw all]", "at step 110");
    expect_error(f, "[plateau loss 9 -> thaw block]", "at step 100 at the earliest");
    must_open(f, "[plateau loss 9 or epoch 9 -> thaw block]");
    f->length.validated = false;
    expect_error(f, "[plateau loss 1 -> thaw block]", "no validation samples to see a plateau by");
    expect_error(f, "[epoch 1 -> restore best]", "no validation samples to tell what is best");
}

static void what_changes_nothing_is_refused(void **state) {
    struct fixture *f = *state;
    expect_error(f, "[epoch 1 -> thaw fc]", "freezes and thaws nothing that is not so already");
    expect_error(f, "[epoch 1 -> thaw block; freeze block]", "nothing that is not so already");
    expect_error(f, "[epoch 1 -> freeze all]", "nothing is thawed in the end");
    must_open(f, "[epoch 1 -> freeze all, epoch 2 -> thaw all]");
}

static void errors_name_file_and_line(void **state) {
    static const char text[] = "model: {name: tiny}\ndata: {name: tiny}\nschedule:\n  phases:\n"
                               "    - epoch 1 -> thaw block\n    - soon -> thaw all\n";
    struct fixture *f = *state;
    struct experiment e;
    struct schedule s;
    assert_true(experiment_parse(&e, text, strlen(text), "exp.yaml", &f->error));
    assert_false(schedule_open(&s, &e, &f->error));
    assert_non_null(strstr(f->error.text, "exp.yaml:6: schedule.phases: 'soon'"));
    experiment_close(&e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(phases_begin_in_order_and_once),
        TEST(a_plateau_counts_evaluations_since_the_phase_before),
        TEST(any_figure_can_be_watched),
        TEST(the_first_of_several_triggers_counts),
        TEST(the_end_has_a_count_of_its_own),
        TEST(wrong_words_are_refused),
        TEST(what_can_never_come_is_refused),
        TEST(what_changes_nothing_is_refused),
        TEST(errors_name_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
