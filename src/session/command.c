#include "session/command.h"
#include <math.h>
#include <time.h>

void command_queue_open(struct command_queue *q) {
    *q = (struct command_queue){0};
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void command_queue_close(struct command_queue *q) {
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->filled);
}

bool command_push(struct command_queue *q, const struct command *c) {
    pthread_mutex_lock(&q->lock);
    bool room = q->count < COMMAND_QUEUE;
    if (room)
        q->items[(q->first + q->count++) % COMMAND_QUEUE] = *c;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
    return room;
}

bool command_pop(struct command_queue *q, struct command *c, bool wait) {
    pthread_mutex_lock(&q->lock);
    while (wait && q->count == 0)
        pthread_cond_wait(&q->filled, &q->lock);
    bool found = q->count > 0;
    if (found) {
        *c = q->items[q->first];
        q->first = (q->first + 1) % COMMAND_QUEUE;
        q->count--;
    }
    pthread_mutex_unlock(&q->lock);
    return found;
}

void command_wait(struct command_queue *q, double seconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    double whole = floor(seconds), rest = (seconds - whole) * 1e9 + (double)until.tv_nsec;
    until.tv_sec += (time_t)whole + (rest >= 1e9);
    until.tv_nsec = (long)(rest >= 1e9 ? rest - 1e9 : rest);
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && pthread_cond_timedwait(&q->filled, &q->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&q->lock);
}

bool command_interrupts(struct command_queue *q) {
    bool found = false;
    pthread_mutex_lock(&q->lock);
    for (int i = 0; i < q->count; i++) {
        enum command_kind kind = q->items[(q->first + i) % COMMAND_QUEUE].kind;
        found |= kind == COMMAND_PAUSE || kind == COMMAND_STOP || kind == COMMAND_REWIND;
    }
    pthread_mutex_unlock(&q->lock);
    return found;
}
