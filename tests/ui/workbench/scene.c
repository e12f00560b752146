// Folding a session into the scene: curves by branch, marks, what is wanted and not yet in force.
#include "ui/workbench/scene.h"
#include "fake_session.h"
#include "test.h"
#include <math.h>

struct world {
    struct fake fake;
    struct scene scene;
    int64_t cursor;
};

static int open_world(void **state) {
    struct world *w = calloc(1, sizeof *w);
    fake_open(&w->fake);
    scene_open(&w->scene, &w->fake.experiment, w->fake.model, w->fake.validation, w->fake.pool);
    scene_update(&w->scene, &w->fake.session, &w->cursor);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    scene_close(&w->scene);
    fake_close(&w->fake);
    free(w);
    return 0;
}

static void update(struct world *w) {
    scene_update(&w->scene, &w->fake.session, &w->cursor);
}

static bool send(struct world *w, enum command_kind kind, int64_t count, const char *text) {
    struct command c = {.kind = kind, .count = count};
    snprintf(c.text, sizeof c.text, "%s", text);
    return scene_send(&w->scene, &w->fake.session, &c);
}

static bool thawed(const struct settings *s, const char *param) {
    return s->flags.thawed[model_param(s->model, param)];
}

static void curves_follow_the_steps(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 10; i++)
        fake_step(&w->fake);
    update(w);
    const struct curves *c = scene_branch(&w->scene, 0);
    assert_non_null(c);
    assert_int_equal(c->parent, -1);
    assert_int_equal(c->loss.count, 10);
    assert_int_equal(c->loss.buckets[9].last, 10);
    assert_float_equal(c->loss.buckets[9].mean, 1.0, 1e-6); // 2 / (1 + 0.1 * 10)
    assert_float_equal(c->accuracy.buckets[9].mean, 0.5, 1e-6);
    assert_int_equal(c->validation_loss.count, 1);
    assert_int_equal(c->validation_loss.buckets[0].first, FAKE_EPOCH);
    assert_int_equal(w->scene.predictions.count, 20);
}

static void norms_of_modules_are_those_of_their_parameters(void **state) {
    struct world *w = *state;
    fake_step(&w->fake);
    update(w);
    const struct model *m = w->fake.model;
    int params = 0, block = model_module(m, "block");
    for (int p = 0; p < m->param_count; p++)
        params += m->params[p].module >= block && m->params[p].module < m->modules[block].end;
    assert_float_equal(w->scene.block_gradient[block].buckets[0].mean, 0.5 * sqrt(params), 1e-4);
}

static void what_is_sent_is_wanted_until_it_is_in_force(void **state) {
    struct world *w = *state;
    assert_true(send(w, COMMAND_APPLY, 0, "thaw conv1"));
    assert_true(w->scene.pending);
    assert_true(thawed(&w->scene.wanted, "conv1.weight"));
    assert_false(thawed(&w->scene.settings, "conv1.weight"));
    update(w); // the trainer has not taken it yet
    assert_true(w->scene.pending);
    assert_true(thawed(&w->scene.wanted, "conv1.weight"));
    assert_false(thawed(&w->scene.settings, "conv1.weight"));
    fake_obey(&w->fake);
    update(w);
    assert_false(w->scene.pending);
    assert_true(thawed(&w->scene.settings, "conv1.weight"));
    assert_int_equal(w->scene.mark_count, 1);
    assert_string_equal(w->scene.marks[0].text, "thaw conv1");
    assert_string_equal(w->scene.marks[0].who, "user");
}

static void rates_are_not_multiplied_twice(void **state) {
    struct world *w = *state;
    send(w, COMMAND_APPLY, 0, "lr x0.5");
    send(w, COMMAND_APPLY, 0, "lr x0.5");
    assert_float_equal(w->scene.wanted.lr_factor, 0.25, 1e-12);
    fake_obey(&w->fake);
    update(w);
    assert_float_equal(w->scene.wanted.lr_factor, 0.25, 1e-12);
}

static void wrong_settings_are_said_and_not_sent(void **state) {
    struct world *w = *state;
    assert_false(send(w, COMMAND_APPLY, 0, "thaw nonsense"));
    assert_int_equal(w->fake.sent_count, 0);
    assert_true(w->scene.message_is_error);
    assert_non_null(strstr(w->scene.message, "nonsense"));
    assert_false(w->scene.pending);
}

static void refusals_of_the_trainer_are_said_each_time(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        assert_true(send(w, COMMAND_APPLY, 0, "undo"));
        fake_obey(&w->fake);
        w->scene.message[0] = '\0';
        update(w);
        assert_non_null(strstr(w->scene.message, "nothing to take back"));
        assert_true(w->scene.message_is_error);
    }
    send(w, COMMAND_PROBE, 10, "");
    fake_obey(&w->fake);
    w->scene.message[0] = '\0';
    update(w); // the old error stands in the snapshot still
    assert_string_equal(w->scene.message, "");
}

static void a_rewind_opens_a_branch(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 12; i++)
        fake_step(&w->fake);
    update(w);
    struct command back = {.kind = COMMAND_REWIND, .count = 8, .branch = 0};
    assert_true(scene_send(&w->scene, &w->fake.session, &back));
    fake_obey(&w->fake);
    update(w);
    assert_int_equal(w->scene.now.step, 8);
    send(w, COMMAND_APPLY, 0, "thaw conv1");
    fake_obey(&w->fake);
    update(w);
    assert_int_equal(w->scene.now.branch, 1);
    assert_int_equal(scene_branch(&w->scene, 1)->images.count, 0); // step 8 is the old branch's
    for (int i = 0; i < 3; i++)
        fake_step(&w->fake);
    update(w);
    const struct curves *c = scene_branch(&w->scene, 1), *old = scene_branch(&w->scene, 0);
    assert_non_null(c);
    assert_int_equal(c->parent, 0);
    assert_int_equal(c->forked, 8);
    assert_int_equal(c->loss.buckets[0].first, 9);
    assert_int_equal(old->loss.buckets[old->loss.count - 1].last, 12); // the old curve stays
    assert_true(scene_on_path(&w->scene, 0, 8));
    assert_false(scene_on_path(&w->scene, 0, 9));
    assert_true(scene_on_path(&w->scene, 1, 9));
    const struct series *norm = &w->scene.block_gradient[0];
    assert_int_equal(norm->buckets[norm->count - 1].last, 11);
}

static void branches_stand_before_other_runs(void **state) {
    struct world *w = *state;
    fake_step(&w->fake);
    update(w);
    w->scene.curves = realloc(w->scene.curves, 2 * sizeof *w->scene.curves);
    w->scene.curves[w->scene.curve_count++] =
        (struct curves){.branch = -1, .parent = -1, .name = strdup("runs/other")};
    w->fake.now.branch = 1;
    fake_step(&w->fake);
    update(w);
    assert_int_equal(w->scene.curve_count, 3);
    assert_int_equal(w->scene.curves[1].branch, 1);
    assert_string_equal(w->scene.curves[2].name, "runs/other");
}

static void divergence_offers_the_last_good_point(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 9; i++)
        fake_step(&w->fake);
    w->fake.now.state = SESSION_RUNNING;
    update(w);
    w->fake.now.state = SESSION_PAUSED;
    error_run(&w->fake.now.error, "step 10: the loss is not finite, first in layer1");
    update(w);
    assert_true(w->scene.message_is_error);
    assert_non_null(strstr(w->scene.message, "layer1"));
    assert_non_null(strstr(w->scene.message, "Enter goes back to step 8"));
    assert_int_equal(w->scene.points[w->scene.point].step, 8);
}

static void the_log_is_bounded(void **state) {
    struct world *w = *state;
    for (int i = 0; i < SCENE_LOG + 10; i++)
        scene_log(&w->scene, i, LOG_NOTE, "line %d", i);
    assert_int_equal(w->scene.log_count, SCENE_LOG);
    assert_int_equal(w->scene.log[SCENE_LOG - 1].step, SCENE_LOG + 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
        WORLD(curves_follow_the_steps),
        WORLD(norms_of_modules_are_those_of_their_parameters),
        WORLD(what_is_sent_is_wanted_until_it_is_in_force),
        WORLD(rates_are_not_multiplied_twice),
        WORLD(wrong_settings_are_said_and_not_sent),
        WORLD(refusals_of_the_trainer_are_said_each_time),
        WORLD(a_rewind_opens_a_branch),
        WORLD(branches_stand_before_other_runs),
        WORLD(divergence_offers_the_last_good_point),
        WORLD(the_log_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
