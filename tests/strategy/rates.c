// Auto-RGN: rates in proportion to relative gradient norms, found anew every epoch.
#include "strategy/rates.h"
#include "strategy/suggest.h"
#include "trainer_session.h"
#include "training_copy.h"
#include <math.h>

static const char *const automatic[] = {"optim.rates=auto-rgn", "freeze.bn=batch", "train.epochs=6",
                                        "train.save_every=5", NULL};

// Against the numbers of a suggestion, which looks at the same batches.
static void rates_are_shares_of_the_largest(void **state) {
    (void)state;
    const char *const sets[] = {"optim.rates=auto-rgn", NULL};
    struct tiny t;
    struct error error;
    struct suggestion s;
    struct text text = {0};
    tiny_open(&t, 2, sets);
    struct training_copy copy = training_copy(t.training);
    assert_true(rates_due(t.training));
    assert_true(rates_find(t.training, &text, &error));
    training_copy_equal(&copy, t.training);
    struct suggest_options options = {.batches = RATES_BATCHES};
    assert_true(suggest(t.training, &options, &s, &error));
    double largest = fmax(fmax(s.rows[0].relative, s.rows[1].relative), s.rows[2].relative);
    assert_true(training_apply(t.training, text.data, &error));
    for (int p = 0; p < t.model->param_count; p++) {
        double wanted = s.rows[parts_find(&s.parts, t.model, p)].relative / largest;
        double is = training_settings(t.training)->lr_scale[p];
        assert_true(fabs(is - wanted) <= 0.005 * wanted); // three figures
    }
    assert_false(rates_due(t.training)); // done
    suggestion_close(&s);
    training_copy_close(&copy);
    text_free(&text);
    tiny_close(&t);
}

// What is frozen does not hold the others back.
static void the_largest_is_of_what_is_thawed(void **state) {
    (void)state;
    static const char *const rules[] = {"[thaw conv1, thaw bn1]", "[thaw block]", "[thaw head]"};
    for (int i = 0; i < 3; i++) {
        char set[64];
        snprintf(set, sizeof set, "freeze.rules=%s", rules[i]);
        const char *const sets[] = {set, NULL};
        struct tiny t;
        struct text text = {0};
        struct error error;
        double rate[3];
        tiny_open(&t, 1, sets);
        assert_false(rates_due(t.training));
        assert_true(rates_find(t.training, &text, &error));
        assert_int_equal(sscanf(text.data, "rates %lf %lf %lf", &rate[0], &rate[1], &rate[2]), 3);
        assert_true(rate[i] == 1);
        assert_true(rate[0] <= 1 && rate[1] <= 1 && rate[2] <= 1);
        text_free(&text);
        tiny_close(&t);
    }
}

static void a_loss_that_is_not_finite_finds_none(void **state) {
    (void)state;
    struct tiny t;
    struct text text = {0};
    struct error error;
    tiny_open(&t, 1, automatic);
    weights_at(&t.training->weights, model_param(t.model, "fc.bias"))[0] = NAN;
    assert_true(rates_find(t.training, &text, &error));
    assert_null(text.data);
    tiny_close(&t);
}

static void whole_run(const char *directory, int threads) {
    struct tiny t;
    tiny_open(&t, threads, automatic);
    struct session *s = start(&t, directory, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
}

static struct event_list events_of(const char *directory) {
    char *path = files_join(directory, "events.jsonl");
    struct event_list events;
    struct error error;
    if (!event_read(path, &events, &error))
        fail_msg("%s", error.text);
    free(path);
    return events;
}

static void every_epoch_has_its_event(void **state) {
    char *directory = files_join(*state, "run");
    whole_run(directory, 2);
    struct event_list events = events_of(directory);
    assert_int_equal(events.count, 1 + 6);
    for (int i = 1; i < events.count; i++) {
        assert_string_equal(events.items[i].who, "strategy");
        assert_memory_equal(events.items[i].text, "rates ", 6);
        assert_int_equal(events.items[i].step, 8 * (i - 1));
    }
    event_list_close(&events);
    free(directory);
}

// Interrupted in the middle of an epoch and right at its end, and run on by other threads.
static void taken_up_it_has_the_same_bits(void **state) {
    static const int64_t stops[] = {11, 16};
    char *whole = files_join(*state, "whole");
    whole_run(whole, 1);
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "parts-%d", i);
        char *parts = files_join(*state, name);
        struct tiny t;
        tiny_open(&t, 3, automatic);
        struct session *s = start(&t, parts, (struct trainer_options){.paused = true});
        send(s, COMMAND_STEPS, stops[i], "");
        wait_step(s, stops[i]);
        stop(s, &t);
        resume(parts, 2, automatic, SESSION_FINISHED);
        assert_true(file_hash(whole, "last.safetensors") == file_hash(parts, "last.safetensors"));
        struct event_list events = events_of(parts);
        assert_int_equal(events.count, 1 + 6);
        event_list_close(&events);
        free(parts);
    }
    free(whole);
}

// Back to before the rates of an epoch, and to the middle of one, from few points.
static void gone_back_in_it_does_the_same_again(void **state) {
    static const int64_t back[] = {0, 8, 13};
    char *whole = files_join(*state, "whole");
    whole_run(whole, 2);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "back-%d", i);
        char *directory = files_join(*state, name);
        struct tiny t;
        tiny_open(&t, 2, automatic);
        struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1};
        struct session *s = start(&t, directory, options);
        send(s, COMMAND_STEPS, 21, "");
        wait_step(s, 21);
        rewind_to(s, back[i], 0);
        wait_step(s, back[i]);
        send(s, COMMAND_RUN, 0, "");
        wait_step(s, 48);
        stop(s, &t);
        assert_true(file_hash(whole, "last.safetensors") ==
                    file_hash(directory, "last.safetensors"));
        free(directory);
    }
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_shares_of_the_largest),
        cmocka_unit_test(the_largest_is_of_what_is_thawed),
        cmocka_unit_test(a_loss_that_is_not_finite_finds_none),
        cmocka_unit_test_setup_teardown(every_epoch_has_its_event, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(taken_up_it_has_the_same_bits, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(gone_back_in_it_does_the_same_again, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
