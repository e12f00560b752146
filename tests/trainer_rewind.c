// Going back in time: what was, is again, and what follows is a branch of its own.
#include "trainer_session.h"

// Trains on, goes back, trains on differently, goes back again; then each branch's events, run
// headless, give that branch's weights.
static void branches_run_again_give_the_same_bits(void **state) {
    char *hand = files_join(*state, "hand"), *again = files_join(*state, "again");
    struct tiny t;
    tiny_open(&t, 2, eventful);
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    struct session *s = start(&t, hand, options);
    send(s, COMMAND_STEPS, 6, "");
    wait_step(s, 6);
    send(s, COMMAND_APPLY, 0, "thaw block");
    send(s, COMMAND_RUN, 0, "");
    wait_step(s, 48); // branch 0, to the end
    rewind_to(s, 6, 0);
    assert_int_equal(wait_step(s, 6).state, SESSION_PAUSED);
    send(s, COMMAND_APPLY, 0, "lr x0.5");
    send(s, COMMAND_STEPS, 10, "");
    assert_int_equal(wait_step(s, 16).branch, 1);
    send(s, COMMAND_APPLY, 0, "undo; thaw all"); // refused: undo stands alone
    send(s, COMMAND_APPLY, 0, "thaw all");
    send(s, COMMAND_APPLY, 0, "undo");
    send(s, COMMAND_RUN, 0, "");
    assert_int_equal(wait_step(s, 48).branch, 1);
    send(s, COMMAND_STOP, 0, "");
    wait_until(s, ended);
    s->close(s);
    tiny_close(&t);
    uint64_t expected = file_hash(hand, "last.safetensors");
    char *path = files_join(hand, "events.jsonl");
    struct event_list events;
    struct error error;
    assert_true(event_read(path, &events, &error));
    assert_true(event_keep_branch(&events, 1, &error));
    event_keep_user(&events, -1);
    assert_int_equal(events.count, 4); // thaw block, lr, thaw all, undo
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
            send(s, COMMAND_STEPS, 20, "");
            wait_step(s, 20);
            rewind_to(s, 16, 0);
            wait_step(s, 16);
        }
        send(s, COMMAND_PROBE, 3, "");
        send(s, COMMAND_RUN, 0, "");
        wait_step(s, 24);
        send(s, COMMAND_STOP, 0, "");
        wait_until(s, ended);
        s->close(s);
        tiny_close(&t);
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
    send(s, COMMAND_STEPS, 10, "");
    wait_step(s, 10);
    send(s, COMMAND_APPLY, 0, "thaw block");
    send(s, COMMAND_STEPS, 10, "");
    wait_step(s, 20);
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
    struct trainer_options options = {.paused = true, .interactive = true, .point_bytes = 1 << 20};
    struct tiny t;
    tiny_open(&t, 1, eventful);
    struct session *s = start(&t, directory, options);
    send(s, COMMAND_STEPS, 3, "");
    wait_step(s, 3);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(branches_run_again_give_the_same_bits),
        IN_DIRECTORY(rewinding_is_exact),
        IN_DIRECTORY(stopped_at_an_old_point_goes_on_from_there),
        cmocka_unit_test(a_script_stays_on_its_branch),
        IN_DIRECTORY(branches_from_the_start_have_the_same_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
