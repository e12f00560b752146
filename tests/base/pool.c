#include "base/pool.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// The state letter of a thread: R runs, S sleeps.
static char thread_state(const char *id) {
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", id);
    FILE *file = fopen(path, "r");
    if (!file) {
        return '?';
    }
    const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return name_end ? name_end[2] : '?';
}

// Counts the threads of this process that are in one of these states; "" counts all.
static int count_threads(const char *states) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));) {
        if (entry->d_name[0] != '.') {
            count += !*states || strchr(states, thread_state(entry->d_name)) != NULL;
        }
    }
    closedir(tasks);
    return count;
}

static int own_threads; // before any pool

static void *tell_id(void *id) {
    snprintf(id, 24, "%d", (int)gettid());
    return NULL;
}

// Counts only after a first thread has come and gone: a sanitizer may add one of its own then.
static int count_own_threads(void **state) {
    (void)state;
    pthread_t thread;
    char id[24];
    if (pthread_create(&thread, NULL, tell_id, id) != 0) {
        return -1;
    }
    pthread_join(thread, NULL);
    while (thread_state(id) != '?') {
        sched_yield();
    }
    own_threads = count_threads("");
    return 0;
}

// A joined thread's entry in /proc may outlive the join a little.
static void wait_for_gone_threads(void) {
    while (count_threads("") != own_threads) {
        sched_yield();
    }
}

enum { PIECES_MAX = 1000 };

struct record {
    int threads;
    atomic_int done[PIECES_MAX];
    atomic_bool worker_wrong, order_wrong;
    int last[16]; // by worker: its latest piece; written by that worker alone
};

static void record_piece(void *context, int piece, int worker) {
    struct record *r = context;
    atomic_fetch_add(&r->done[piece], 1);
    if (worker < 0 || worker >= r->threads) {
        r->worker_wrong = true;
        return;
    }
    if (piece <= r->last[worker]) {
        r->order_wrong = true;
    }
    r->last[worker] = piece;
}

static void check_run(struct pool *pool, int pieces) {
    struct record *r = test_calloc(1, sizeof *r);
    r->threads = pool_threads(pool);
    memset(r->last, -1, sizeof r->last);
    pool_run(pool, pieces, record_piece, r);
    for (int i = 0; i < PIECES_MAX; i++) {
        assert_int_equal(r->done[i], i < pieces);
    }
    assert_false(r->worker_wrong);
    assert_false(r->order_wrong);
    test_free(r);
}

static void test_each_piece_once(void **state) {
    (void)state;
    const int sizes[] = {0, 1, 2, 3, 7, 8, 9, 100, PIECES_MAX};
    for (int threads = 1; threads <= 8; threads++) {
        struct pool *pool = pool_open(threads);
        assert_int_equal(pool_threads(pool), threads);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            check_run(pool, sizes[i]);
        }
        pool_close(pool);
    }
}

struct sequence {
    int count, order[PIECES_MAX];
};

static void append_piece(void *context, int piece, int worker) {
    struct sequence *s = context;
    assert_int_equal(worker, 0);
    s->order[s->count++] = piece;
}

static void test_one_thread_starts_none(void **state) {
    (void)state;
    wait_for_gone_threads();
    struct pool *pool = pool_open(1);
    assert_int_equal(count_threads(""), own_threads);
    struct sequence s = {0};
    pool_run(pool, 100, append_piece, &s);
    assert_int_equal(count_threads(""), own_threads);
    assert_int_equal(s.count, 100);
    for (int i = 0; i < s.count; i++) {
        assert_int_equal(s.order[i], i);
    }
    pool_close(pool);
}

static void test_threads_come_and_go(void **state) {
    (void)state;
    wait_for_gone_threads();
    struct pool *pool = pool_open(4);
    assert_int_equal(count_threads(""), own_threads + 3);
    pool_close(pool);
    wait_for_gone_threads();
    pool_close(NULL);
}

struct sum {
    const int *values;
    long long partial[64];
};

static void add_up(void *context, int piece, int worker) {
    (void)worker;
    struct sum *s = context;
    s->partial[piece] = 0;
    for (int i = 0; i < 16; i++) {
        s->partial[piece] += s->values[piece * 16 + i];
    }
}

// Plain memory, written before a job, read in it, and back: what a race would spoil or TSan would
// see.
static void test_many_small_jobs(void **state) {
    (void)state;
    struct pool *pool = pool_open(3);
    int values[64 * 16];
    for (int job = 0; job < 5000; job++) {
        int pieces = job % 65;
        struct sum s = {.values = values};
        for (int i = 0; i < pieces * 16; i++) {
            values[i] = job + i;
        }
        pool_run(pool, pieces, add_up, &s);
        long long total = 0, n = pieces * 16;
        for (int i = 0; i < pieces; i++) {
            total += s.partial[i];
        }
        assert_int_equal(total, n * job + n * (n - 1) / 2);
    }
    pool_close(pool);
}

static void test_wakes_sleeping_workers(void **state) {
    (void)state;
    struct pool *pool = pool_open(4);
    for (int job = 0; job < 50; job++) {
        while (count_threads("S") < 3) {
            sched_yield();
        }
        check_run(pool, 100);
    }
    pool_close(pool);
}

struct meeting {
    char caller[24]; // its thread's id
    atomic_int arrived;
    atomic_bool signals_open, caller_slept;
};

// Two pieces that need two threads at once; the worker's one ends only when the caller sleeps.
static void meet(void *context, int piece, int worker) {
    (void)piece;
    struct meeting *m = context;
    m->arrived++;
    while (m->arrived < 2) {
        sched_yield();
    }
    if (worker > 0) {
        sigset_t blocked;
        pthread_sigmask(SIG_BLOCK, NULL, &blocked);
        m->signals_open = !sigismember(&blocked, SIGINT) || !sigismember(&blocked, SIGTERM);
        while (thread_state(m->caller) != 'S') {
            sched_yield();
        }
        m->caller_slept = true;
    }
}

static void test_caller_waits_for_a_slow_worker(void **state) {
    (void)state;
    struct pool *pool = pool_open(2);
    for (int job = 0; job < 50; job++) {
        struct meeting m = {0};
        snprintf(m.caller, sizeof m.caller, "%d", (int)gettid());
        pool_run(pool, 2, meet, &m);
        assert_true(m.caller_slept);
        assert_false(m.signals_open);
    }
    pool_close(pool);
}

static void test_callers_signals_stay_open(void **state) {
    (void)state;
    sigset_t before, after;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    pool_close(pool_open(3));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    for (int i = 1; i < NSIG; i++) {
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    }
}

static void test_processors(void **state) {
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_int_equal(pool_processors(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    int processors = pool_processors();
    sched_setaffinity(0, sizeof all, &all);
    assert_int_equal(processors, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_piece_once),
        cmocka_unit_test(test_one_thread_starts_none),
        cmocka_unit_test(test_threads_come_and_go),
        cmocka_unit_test(test_many_small_jobs),
        cmocka_unit_test(test_wakes_sleeping_workers),
        cmocka_unit_test(test_caller_waits_for_a_slow_worker),
        cmocka_unit_test(test_callers_signals_stay_open),
        cmocka_unit_test(test_processors),
    };
    return cmocka_run_group_tests(tests, count_own_threads, NULL);
}
