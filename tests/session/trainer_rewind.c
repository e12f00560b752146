// Going back in time: what was, is again, and what follows is a branch of its own.
#include "trainer_session.h"

// Trains on, goes back, trains on differently, goes back again; then each branch's events, run
// headless, give that branch's weights.
static void branches_run_again_give_the_same_bits(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct session *s = start(&t, hand, at_keyboard);
    steps_to(s, 6);
    send(s, COMMAND_APPLY, 0, "thaw block");
    send(s, COMMAND_RUN, 0, "");
    wait_step(s, 48); // branch 0, to the end
    rewind_to(s, 6, 0);
    assert_int_equal(wait_step(s, 6).state, SESSION_PAUSED);
    send(s, COMMAND_APPLY, 0, "lr x0.5");
    assert_int_equal(steps_to(s, 16).branch, 1);
    send(s, COMMAND_APPLY, 0, "undo; thaw all"); // refused: undo stands alone
    send(s, COMMAND_APPLY, 0, "thaw all");
    send(s, COMMAND_APPLY, 0, "undo");
    send(s, COMMAND_APPLY, 0, "bn reestimate");
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_step(s, 48).branch, 1);
    stop(s, &t);
    uint64_t expected = file_hash(hand, "last.safetensors");
    char *path = files_join(hand, "events.jsonl");
    struct event_list events;
    struct error error;
    assert_true(event_read(path, &events, &error));
    assert_true(event_keep_branch(&events, 1, &error));
    event_keep_user(&events, -1);
    assert_int_equal(events.count, 5); // thaw block, lr, thaw all, undo, bn reestimate
    tiny_open(&t, 1, eventful);
    s = start(&t, again, (struct trainer_options){.script = events});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    assert_true(file_hash(again, "last.safetensors") == expected);
    free(path);
    free(hand);
    free(again);
}

// Going back and doing the same again changes nothing.
static void rewinding_is_exact(void **state) {
    char *straight = files_join(*state, "straight"), *back = files_join(*state, "back");
    static const char *const sets[] = {"freeze.bn=batch", "optim.name=adam", NULL};
    for (int i = 0; i < 2; i++) {
        struct tiny t;
        tiny_open(&t, 2, sets);
        struct trainer_options options = {
            .paused = true, .interactive = true, .point_bytes = 1 << 22};
        struct session *s = start(&t, i ? back : straight, options);
        if (i == 1) {
            steps_to(s, 20);
            rewind_to(s, 16, 0);
            wait_step(s, 16);
        }
        send(s, COMMAND_PROBE, 3, "");
        send(s, COMMAND_RUN, 0, "");
        wait_step(s, 24);
        stop(s, &t);
    }
    assert_true(file_hash(straight, "last.safetensors") == file_hash(back, "last.safetensors"));
    free(straight);
    free(back);
}

// Left at a point gone back to: the state is that point's, on a branch of its own.
static void stopped_at_an_old_point_goes_on_from_there(void **state) {
    char *straight = files_join(*state, "straight"), *back = files_join(*state, "back");
    struct trainer_options options = {.interactive = true, .point_bytes = 1 << 22};
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, straight, (struct trainer_options){0});
    assert_int_equal(wait_until(s, ended).state, SESSION_FINISHED);
    s->close(s);
    tiny_close(&t);
    options.paused = true;
    tiny_open(&t, 1, eventful);
    s = start(&t, back, options);
    steps_to(s, 10);
    send(s, COMMAND_APPLY, 0, "thaw block");
    steps_to(s, 20);
    rewind_to(s, 8, 0);
    wait_step(s, 8);
    send(s, COMMAND_STOP, 0, "");
    assert_int_equal(wait_until(s, ended).branch, 1);
    s->close(s);
    tiny_close(&t);
    resume(back, 1, eventful, SESSION_FINISHED);
    assert_true(file_hash(straight, "last.safetensors") == file_hash(back, "last.safetensors"));
    struct event_list events = script_of(back);
    assert_int_equal(events.count, 1); // the log is read, and has nothing new from the user
    event_list_close(&events);
    free(straight);
    free(back);
}

// What a script still had to do belongs to the branch that is left.
static void a_script_stays_on_its_branch(void **state) {
    (void)state;
    struct event_list script = {xcalloc(1, sizeof(struct event)), 1};
    script.items[0] = (struct event){.id = 1, .step = 20, .text = xstrdup("thaw all")};
    struct trainer_options options = {
        .paused = true, .interactive = true, .point_bytes = 1 << 20, .script = script};
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, NULL, options);
    send(s, COMMAND_STEPS, 10, "");
    size_t thawed = wait_step(s, 10).thawed;
    rewind_to(s, 8, 0);
    wait_step(s, 8);
    send(s, COMMAND_STEPS, 16, "");
    struct snapshot now = wait_step(s, 24);
    assert_int_equal(now.branch, 1);
    assert_int_equal(now.thawed, thawed);
    s->close(s);
    tiny_close(&t);
}

// Every event but the first has a parent, also on a branch from the very start.
static void branches_from_the_start_have_the_same_root(void **state) {
    char *directory = files_join(*state, "run"), *path = files_join(directory, "events.jsonl");
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, directory, at_keyboard);
    steps_to(s, 3);
    rewind_to(s, 0, 0);
    wait_step(s, 0);
    send(s, COMMAND_APPLY, 0, "lr x0.5");
    wait_commands(s, 3);
    s->close(s);
    tiny_close(&t);
    struct event_list events;
    struct error error;
    assert_true(event_read(path, &events, &error));
    assert_int_equal(events.count, 3); // start, rewind, lr
    for (int i = 1; i < 3; i++)
        assert_int_equal(events.items[i].parent, i);
    event_list_close(&events);
    free(path);
    free(directory);
}

// Where no point is: from the nearest one, by doing the steps between again.
static void any_step_can_be_gone_back_to(void **state) {
    char *straight = files_join(*state, "straight"), *back = files_join(*state, "back");
    for (int i = 0; i < 2; i++) {
        struct tiny t;
        tiny_open(&t, 2, eventful);
        struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 0};
        struct session *s = start(&t, i ? back : straight, options);
        steps_to(s, 5);
        send(s, COMMAND_APPLY, 0, "thaw block");
        steps_to(s, i ? 25 : 11);
        if (i) {
            rewind_to(s, 11, 0);
            wait_step(s, 11);
        }
        send(s, COMMAND_APPLY, 0, "freeze conv1");
        send(s, COMMAND_RUN, 0, "");
        assert_int_equal(wait_step(s, 48).branch, i);
        stop(s, &t);
    }
    assert_true(file_hash(straight, "last.safetensors") == file_hash(back, "last.safetensors"));
    free(straight);
    free(back);
}

// The points of before are gone, the log is not.
static void a_reopened_run_can_go_back_to_before(void **state) {
    char *straight = files_join(*state, "straight"), *back = files_join(*state, "back");
    for (int i = 0; i < 2; i++) {
        struct tiny t;
        tiny_open(&t, 1, eventful);
        struct session *s = start(&t, i ? back : straight, at_keyboard);
        send(s, COMMAND_APPLY, 0, "thaw block");
        steps_to(s, 3);
        send(s, COMMAND_APPLY, 0, "lr x0.5");
        steps_to(s, i ? 12 : 7);
        if (i) {
            rewind_to(s, 2, 0);
            wait_step(s, 2);
            assert_int_equal(steps_to(s, 4).branch, 1);
            stop(s, &t);
            s = reopen(&t, 2, back, eventful, at_keyboard);
            rewind_to(s, 7, 0);
            assert_int_equal(wait_step(s, 7).branch, 0);
        }
        send(s, COMMAND_APPLY, 0, "undo");
        send(s, COMMAND_RUN, 0, "");
        assert_int_equal(wait_step(s, 48).branch, i ? 2 : 0);
        stop(s, &t);
    }
    assert_true(file_hash(straight, "last.safetensors") == file_hash(back, "last.safetensors"));
    free(straight);
    free(back);
}

static struct snapshot refused(struct session *s, int64_t step, int branch, int64_t commands) {
    rewind_to(s, step, branch);
    struct snapshot now = wait_commands(s, commands);
    assert_int_equal(now.error.kind, ERROR_REQUEST);
    return now;
}

static void what_was_never_done_is_no_place(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, NULL, at_keyboard);
    steps_to(s, 3);
    assert_non_null(strstr(refused(s, 4, 0, 2).error.text, "it went to step 3"));
    assert_non_null(strstr(refused(s, -1, 0, 3).error.text, "no step -1"));
    assert_non_null(strstr(refused(s, 0, 1, 4).error.text, "the branches are 0 to 0"));
    assert_int_equal(refused(s, 0, -1, 5).step, 3);
    s->close(s);
    tiny_close(&t);
}

// There and back again, and nothing is a branch: nothing happened in the past.
static void coming_back_to_the_end_goes_on_there(void **state) {
    (void)state;
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, NULL, at_keyboard);
    steps_to(s, 10);
    rewind_to(s, 4, 0);
    wait_step(s, 4);
    rewind_to(s, 10, 0);
    wait_step(s, 10);
    assert_int_equal(steps_to(s, 11).branch, 0);
    rewind_to(s, 4, 0);
    wait_step(s, 4);
    assert_int_equal(steps_to(s, 5).branch, 1);
    rewind_to(s, 3, 1); // before branch 1 began: that is branch 0
    assert_int_equal(wait_step(s, 3).branch, 0);
    s->close(s);
    tiny_close(&t);
}

static void apply(struct session *s, const char *text) {
    struct snapshot now;
    s->look(s, &now);
    send(s, COMMAND_APPLY, 0, text);
    wait_commands(s, now.commands + 1);
}

// Saved at the end of an old branch, a run forgets nothing of the newer one, and does again what
// came later on its own branch alone.
static void the_end_of_an_old_branch_is_taken_up(void **state) {
    char *directory = files_join(*state, "run");
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, directory, at_keyboard);
    steps_to(s, 3);
    apply(s, "thaw block"); // event 2
    rewind_to(s, 2, 0);
    wait_step(s, 2);
    apply(s, "lr x0.5"); // events 3 (rewind) and 4, on branch 1
    rewind_to(s, 3, 0);
    wait_step(s, 3);
    send(s, COMMAND_SAVE, 0, "");
    apply(s, "lr x2");
    rewind_to(s, 2, 1);
    wait_step(s, 2);
    apply(s, "wd 0");
    s->close(s);
    tiny_close(&t);
    tiny_open(&t, 1, eventful);
    struct run run;
    struct event_list later;
    struct error error = {0};
    if (!run_resume(&run, directory, t.training, &later, &error))
        fail_msg("%s", error.text);
    assert_true(run.branch == 0 && run.last_event == 2 && run.next_event == 5);
    assert_int_equal(later.count, 1);
    assert_string_equal(later.items[0].text, "lr x2");
    event_list_close(&later);
    run_close(&run);
    tiny_close(&t);
    free(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(branches_run_again_give_the_same_bits),
        IN_DIRECTORY(rewinding_is_exact),
        IN_DIRECTORY(stopped_at_an_old_point_goes_on_from_there),
        cmocka_unit_test(a_script_stays_on_its_branch),
        IN_DIRECTORY(branches_from_the_start_have_the_same_root),
        IN_DIRECTORY(any_step_can_be_gone_back_to),
        IN_DIRECTORY(a_reopened_run_can_go_back_to_before),
        cmocka_unit_test(what_was_never_done_is_no_place),
        cmocka_unit_test(coming_back_to_the_end_goes_on_there),
        IN_DIRECTORY(the_end_of_an_old_branch_is_taken_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
