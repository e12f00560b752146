#include "session/command.h"
#include "test.h"
#include <sched.h>
#include <stdio.h>

static struct command numbered(int64_t number) {
    struct command c = {.kind = COMMAND_STEPS, .count = number, .branch = (int)number % 7};
    snprintf(c.text, sizeof c.text, "command %lld", (long long)number);
    return c;
}

static void check_numbered(const struct command *c, int64_t number) {
    struct command expected = numbered(number);
    assert_int_equal(c->kind, expected.kind);
    assert_int_equal(c->count, number);
    assert_int_equal(c->branch, expected.branch);
    assert_string_equal(c->text, expected.text);
}

static bool push(struct command_queue *q, int64_t number) {
    struct command c = numbered(number);
    return command_push(q, &c);
}

static void an_empty_queue_gives_nothing(void **state) {
    (void)state;
    struct command_queue q;
    struct command c = {.count = 77};
    command_queue_open(&q);
    assert_false(command_pop(&q, &c, false));
    assert_int_equal(c.count, 77);
    command_queue_close(&q);
}

// Several times around the ring, at every fill.
static void commands_leave_in_the_order_of_coming(void **state) {
    (void)state;
    struct command_queue q;
    struct command c;
    int64_t in = 0, out = 0;
    command_queue_open(&q);
    for (int fill = 1; fill <= COMMAND_QUEUE; fill++) {
        while (in - out < fill)
            assert_true(push(&q, in++));
        for (int i = 0; i < fill / 2 + 1; i++) {
            assert_true(command_pop(&q, &c, i % 2));
            check_numbered(&c, out++);
        }
    }
    while (command_pop(&q, &c, false))
        check_numbered(&c, out++);
    assert_int_equal(out, in);
    command_queue_close(&q);
}

static void a_full_queue_refuses_and_keeps_what_it_has(void **state) {
    (void)state;
    struct command_queue q;
    struct command c;
    command_queue_open(&q);
    for (int i = 0; i < COMMAND_QUEUE; i++)
        assert_true(push(&q, i));
    assert_false(push(&q, 1000));
    assert_true(command_pop(&q, &c, false));
    assert_true(push(&q, COMMAND_QUEUE)); // one left: there is room for one
    assert_false(push(&q, 1000));
    for (int i = 1; i <= COMMAND_QUEUE; i++) {
        assert_true(command_pop(&q, &c, false));
        check_numbered(&c, i);
    }
    assert_false(command_pop(&q, &c, false));
    command_queue_close(&q);
}

enum { WRITERS = 4, EACH = 3000 };

struct writer {
    struct command_queue *queue;
    int64_t first;
    pthread_t thread;
};

static void *write_all(void *context) {
    const struct writer *w = context;
    for (int64_t i = 0; i < EACH; i++)
        while (!push(w->queue, w->first + i))
            sched_yield();
    return NULL;
}

// The reader sleeps when there is nothing; each writer's commands come whole and in its order.
static void many_writers_lose_nothing(void **state) {
    (void)state;
    struct command_queue q;
    struct writer writers[WRITERS];
    int64_t next[WRITERS] = {0};
    command_queue_open(&q);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.queue = &q, .first = (int64_t)i * EACH};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS * EACH; i++) {
        struct command c;
        assert_true(command_pop(&q, &c, true));
        int64_t from = c.count / EACH;
        assert_in_range(from, 0, WRITERS - 1);
        check_numbered(&c, from * EACH + next[from]++);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    struct command c;
    assert_false(command_pop(&q, &c, false));
    command_queue_close(&q);
}

static void waiting_ends_with_time_or_a_command(void **state) {
    (void)state;
    struct command_queue q;
    command_queue_open(&q);
    command_wait(&q, 0.001);
    command_wait(&q, 0);
    struct writer w = {.queue = &q};
    assert_int_equal(pthread_create(&w.thread, NULL, write_all, &w), 0);
    struct command c;
    for (int i = 0; i < EACH; i++) {
        while (!command_pop(&q, &c, false))
            command_wait(&q, 1000);
        assert_int_equal(c.count, i);
    }
    pthread_join(w.thread, NULL);
    command_queue_close(&q);
}

static void some_commands_interrupt(void **state) {
    (void)state;
    static const struct {
        enum command_kind kind;
        bool interrupts;
    } kinds[] = {
        {COMMAND_APPLY, false}, {COMMAND_RUN, false},   {COMMAND_STEPS, false},
        {COMMAND_SAVE, false},  {COMMAND_PROBE, false}, {COMMAND_VERIFY, false},
        {COMMAND_PAUSE, true},  {COMMAND_REWIND, true}, {COMMAND_STOP, true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct command_queue q;
        command_queue_open(&q);
        assert_false(command_interrupts(&q));
        command_push(&q, &(struct command){.kind = COMMAND_RUN});
        command_push(&q, &(struct command){.kind = kinds[i].kind});
        assert_int_equal(command_interrupts(&q), kinds[i].interrupts);
        command_queue_close(&q);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_gives_nothing),
        cmocka_unit_test(commands_leave_in_the_order_of_coming),
        cmocka_unit_test(a_full_queue_refuses_and_keeps_what_it_has),
        cmocka_unit_test(many_writers_lose_nothing),
        cmocka_unit_test(waiting_ends_with_time_or_a_command),
        cmocka_unit_test(some_commands_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
