// A schedule followed: taken up again, gone back in and run again by hand, it does the same.
#include "trainer_session.h"
#include "training_steps.h"

// Six epochs of eight steps, and a phase of every kind.
#define PHASES                                                                                     \
    "schedule.phases=[start -> lr x0.5, epoch 1 -> thaw block; lr restart for 2 epochs, "          \
    "plateau loss 2 or epoch 3 -> restore best; thaw all; anneal conv1 until 90%, "                \
    "after 7 steps -> freeze bn1; reset moments; wd 0.01, after 3 steps -> bn reestimate]"

static const char *const phased[] = {"freeze.rules=[thaw head]",
                                     "optim.name=adamw",
                                     "freeze.bn=batch",
                                     "train.epochs=6",
                                     "train.save_every=3",
                                     "freeze.reestimate_bn=true",
                                     PHASES,
                                     NULL};

static void killed_in_any_phase_it_goes_on_the_same(void **state) {
    static const int64_t steps[] = {1, 8, 10, 24, 26, 31, 34, 40};
    char *parts[8], *whole = files_join(*state, "whole");
    for (int i = 0; i < 8; i++) { // children first, before there are threads here
        char *name = xprintf("killed-%d", i);
        parts[i] = files_join(*state, name);
        killed_at(parts[i], phased, steps[i], 200);
        free(name);
    }
    uint64_t expected = straight(whole, phased);
    for (int i = 0; i < 8; i++) {
        resume(parts[i], 1, phased, SESSION_FINISHED);
        assert_true(file_hash(parts[i], "last.safetensors") == expected);
        free(parts[i]);
    }
    free(whole);
}

static int count_scheduled(const char *directory) {
    char *path = files_join(directory, "events.jsonl");
    struct event_list events;
    struct error error;
    int count = 0;
    assert_true(event_read(path, &events, &error));
    for (int i = 0; i < events.count; i++)
        count += strcmp(events.items[i].who, "schedule") == 0;
    event_list_close(&events);
    free(path);
    return count;
}

static void every_change_is_logged_once(void **state) {
    char *whole = files_join(*state, "whole");
    straight(whole, phased);
    assert_int_equal(count_scheduled(whole), 10);
    free(whole);
}

// Back to steps in and between all phases, then on to the end.
static void gone_back_in_it_does_the_same_again(void **state) {
    static const int64_t steps[] = {0, 5, 8, 11, 23, 24, 30, 35, 40};
    char *whole = files_join(*state, "whole");
    uint64_t expected = straight(whole, phased);
    struct tiny t;
    char *back = files_join(*state, "back");
    tiny_open(&t, 2, phased);
    struct trainer_options options = {.interactive = true, .point_bytes = 1 << 14};
    struct session *s = start(&t, back, options);
    wait_step(s, 48);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct snapshot now;
        s->look(s, &now);
        rewind_to(s, steps[i], now.branch);
        wait_step(s, steps[i]);
        send(s, COMMAND_RUN, 0, "");
        wait_step(s, 48);
        wait_until(s, ended);
        assert_true(file_hash(back, "last.safetensors") == expected);
    }
    s->close(s);
    tiny_close(&t);
    free(whole);
    free(back);
}

// What a person does beside the schedule, run again without a screen.
static void by_hand_beside_it_runs_again(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    struct tiny t;
    tiny_open(&t, 2, phased);
    struct session *s = start(&t, hand, at_keyboard);
    steps_to(s, 8);
    send(s, COMMAND_APPLY, 0, "freeze block.conv1");
    steps_to(s, 12);
    send(s, COMMAND_APPLY, 0, "lr restart");
    send(s, COMMAND_APPLY, 0, "undo");
    send(s, COMMAND_APPLY, 0, "reset moments");
    steps_to(s, 30);
    send(s, COMMAND_APPLY, 0, "restore best");
    send(s, COMMAND_RUN, 0, "");
    wait_step(s, 48);
    stop(s, &t);
    tiny_open(&t, 1, phased);
    s = start(&t, again, (struct trainer_options){.script = script_of(hand)});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    assert_true(file_hash(again, "last.safetensors") == file_hash(hand, "last.safetensors"));
    free(hand);
    free(again);
}

static bool finished(const struct snapshot *s) {
    return s->state == SESSION_FINISHED;
}

// With a rate of 0 nothing ever gets better.
static void it_ends_early_and_can_be_prolonged(void **state) {
    (void)state;
    static const char *const sets[] = {"optim.lr=0", "train.epochs=6", "freeze.bn=frozen",
                                       "schedule.stop=plateau loss 2", NULL};
    struct tiny t;
    tiny_open(&t, 1, sets);
    struct trainer_options options = {.interactive = true, .point_bytes = 1 << 20};
    struct session *s = start(&t, NULL, options);
    struct snapshot now = wait_until(s, finished);
    assert_true(now.step == 24 && now.total == 24);
    send(s, COMMAND_APPLY, 0, "epochs 5");
    send(s, COMMAND_RUN, 0, "");
    now = wait_step(s, 32); // the plateau still lasts
    assert_int_equal(wait_until(s, finished).step, 32);
    s->close(s);
    tiny_close(&t);
}

static void what_is_all_frozen_waits_for_its_phase(void **state) {
    static const char *const sets[] = {"freeze.rules=[]", "train.epochs=2",
                                       "schedule.phases=[epoch 1 -> thaw head]", NULL};
    char *directory = files_join(*state, "run");
    straight(directory, sets);
    assert_int_equal(count_scheduled(directory), 1);
    free(directory);
}

static void the_rate_begins_anew(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, (const char *const[]){"train.epochs=6", "schedule.name=cosine", NULL});
    struct training *training = t.training;
    run_steps(training, 10);
    assert_true(training_lr(training) == lr_at(&training->lr, 10, 48));
    apply(training, "lr restart for 2 epochs");
    assert_true(training_lr(training) == 0.02);
    run_steps(training, 3);
    assert_true(training_lr(training) == lr_at(&training->lr, 3, 16));
    run_steps(training, 15);
    assert_true(training_lr(training) == lr_at(&training->lr, 15, 16)); // and stays
    apply(training, "lr restart");
    run_steps(training, 4);
    assert_true(training_lr(training) == lr_at(&training->lr, 4, 48 - 28));
    tiny_close(&t);
}

static void an_annealed_rate_falls_to_nothing(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, (const char *const[]){"train.epochs=6", NULL});
    struct training *training = t.training;
    int conv = model_param(t.model, "conv1.weight"), fc = model_param(t.model, "fc.weight");
    apply(training, "anneal conv1 until 50%");
    run_steps(training, 13);
    assert_true(training->step_lr[conv] == 0.02 * lr_annealed(12, 0, 24));
    assert_true(training->step_lr[fc] == lr_at(&training->lr, 12, 48));
    run_steps(training, 12);
    assert_true(training->step_lr[conv] == 0);
    tiny_close(&t);
}

static void the_best_weights_come_back(void **state) {
    (void)state;
    struct tiny t;
    struct error error;
    tiny_open(&t, 1,
              (const char *const[]){"freeze.rules=[thaw fc, thaw conv1]", "optim.name=adam",
                                    "schedule.phases=[epoch 2 -> restore best]", NULL});
    struct training *training = t.training;
    assert_false(training_apply(training, "restore best", &error));
    assert_non_null(strstr(error.text, "no evaluation yet"));
    run_steps(training, 5);
    training_observe(training, &(struct tally){1, 9, 10});
    int conv = model_param(t.model, "conv1.weight"), fc = model_param(t.model, "fc.weight");
    uint64_t conv_then = weights_hash(&training->weights, conv);
    uint64_t fc_then = weights_hash(&training->weights, fc);
    run_steps(training, 3);
    training_observe(training, &(struct tally){1, 5, 10}); // worse
    apply(training, "freeze conv1");
    apply(training, "restore best");
    assert_true(weights_hash(&training->weights, conv) == conv_then);
    assert_true(weights_hash(&training->weights, fc) == fc_then);
    assert_null(training->optim.states[fc].first);
    assert_true(training_verify(training, &error));
    tiny_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(killed_in_any_phase_it_goes_on_the_same), // forks: before any thread
        IN_DIRECTORY(every_change_is_logged_once),
        IN_DIRECTORY(gone_back_in_it_does_the_same_again),
        IN_DIRECTORY(by_hand_beside_it_runs_again),
        cmocka_unit_test(it_ends_early_and_can_be_prolonged),
        IN_DIRECTORY(what_is_all_frozen_waits_for_its_phase),
        cmocka_unit_test(the_rate_begins_anew),
        cmocka_unit_test(an_annealed_rate_falls_to_nothing),
        cmocka_unit_test(the_best_weights_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
