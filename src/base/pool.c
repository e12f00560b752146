#include "base/pool.h"

#include "base/clock.h"
#include "base/xalloc.h"
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const double SPIN_SECONDS = 10e-6;

struct worker {
    struct pool *pool;
    int number;
    pthread_t thread;
};

// A job is open while pieces are left. A worker enters (active + 1), and only then looks whether
// the job is open; the caller closes the job, and only then looks whether anybody is active. So
// either the worker stays out or the caller waits for it, and a worker that wakes too late delays
// nobody. The same pattern guards sleep: announce it, then look again. All atomics are in
// sequential order.
struct pool {
    int threads;
    struct worker *workers; // threads - 1, numbered from 1

    pool_work *work; // these three are written while the job is closed and nobody is inside
    void *context;
    int pieces;
    atomic_int next; // the next piece to hand out

    atomic_uint started; // jobs so far; changes when there may be work
    atomic_bool open, closing;
    atomic_int active;   // workers inside the job
    atomic_int sleepers; // workers asleep, or about to be
    atomic_bool caller_sleeps;
    pthread_mutex_t mutex; // for the two conditions only
    pthread_cond_t wake, done;
};

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void take_pieces(struct pool *p, int worker) {
    for (int piece; (piece = atomic_fetch_add(&p->next, 1)) < p->pieces;) {
        p->work(p->context, piece, worker);
    }
}

static bool is_idle(struct pool *p, unsigned seen) {
    return atomic_load(&p->started) == seen && !atomic_load(&p->closing);
}

static void wait_for_job(struct pool *p, unsigned seen) {
    double end = clock_seconds() + SPIN_SECONDS;
    while (is_idle(p, seen) && clock_seconds() < end) {
        relax();
    }
    if (!is_idle(p, seen)) {
        return;
    }
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_add(&p->sleepers, 1);
    while (is_idle(p, seen)) {
        pthread_cond_wait(&p->wake, &p->mutex);
    }
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->mutex);
}

static void leave(struct pool *p) {
    if (atomic_fetch_sub(&p->active, 1) == 1 && atomic_load(&p->caller_sleeps)) {
        pthread_mutex_lock(&p->mutex);
        pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->mutex);
    }
}

static void *serve(void *argument) {
    struct worker *worker = argument;
    struct pool *p = worker->pool;
    unsigned seen = 0;
    for (;;) {
        wait_for_job(p, seen);
        if (atomic_load(&p->closing)) {
            return NULL;
        }
        seen = atomic_load(&p->started);
        atomic_fetch_add(&p->active, 1);
        if (atomic_load(&p->open)) {
            take_pieces(p, worker->number);
        }
        leave(p);
    }
}

static void wake_sleepers(struct pool *p) {
    if (atomic_load(&p->sleepers) > 0) {
        pthread_mutex_lock(&p->mutex);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->mutex);
    }
}

static void wait_for_workers(struct pool *p) {
    double end = clock_seconds() + SPIN_SECONDS;
    while (atomic_load(&p->active) > 0 && clock_seconds() < end) {
        relax();
    }
    if (atomic_load(&p->active) == 0) {
        return;
    }
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->caller_sleeps, true);
    while (atomic_load(&p->active) > 0) {
        pthread_cond_wait(&p->done, &p->mutex);
    }
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->mutex);
}

void pool_run(struct pool *p, int pieces, pool_work *work, void *context) {
    p->work = work;
    p->context = context;
    p->pieces = pieces;
    atomic_store(&p->next, 0);
    if (p->threads == 1 || pieces <= 1) {
        take_pieces(p, 0);
        return;
    }
    atomic_store(&p->open, true);
    atomic_fetch_add(&p->started, 1);
    wake_sleepers(p);
    take_pieces(p, 0);
    atomic_store(&p->open, false);
    wait_for_workers(p);
}

static void start(struct worker *worker) {
    if (pthread_create(&worker->thread, NULL, serve, worker) != 0) {
        fprintf(stderr, "thaw: the system refuses thread %d; fewer threads may work\n",
                worker->number + 1);
        abort();
    }
}

struct pool *pool_open(int threads) {
    assert(threads >= 1);
    struct pool *p = xcalloc(1, sizeof *p);
    p->threads = threads;
    p->workers = xcalloc((size_t)threads, sizeof *p->workers);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    // Workers take no signals: those belong to the threads that know what to do about them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < threads - 1; i++) {
        p->workers[i] = (struct worker){.pool = p, .number = i + 1};
        start(&p->workers[i]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void pool_close(struct pool *p) {
    if (!p) {
        return;
    }
    atomic_store(&p->closing, true);
    wake_sleepers(p);
    for (int i = 0; i < p->threads - 1; i++) {
        pthread_join(p->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    free(p->workers);
    free(p);
}

int pool_threads(const struct pool *p) {
    return p->threads;
}

int pool_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return CPU_COUNT(&set);
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN); // more processors than a cpu_set_t holds
    return online > 0 ? (int)online : 1;
}
