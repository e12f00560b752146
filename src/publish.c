#include "publish.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <time.h>

void publish_open(struct publisher *p) {
    *p = (struct publisher){0};
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    p->ring = xcalloc(PUBLISH_RECORDS, sizeof *p->ring);
}

void publish_close(struct publisher *p) {
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p->ring);
}

static void tell(struct publisher *p) {
    p->version++;
    pthread_cond_broadcast(&p->changed);
}

void publish_snapshot(struct publisher *p, const struct snapshot *s) {
    pthread_mutex_lock(&p->lock);
    p->snapshot = *s;
    tell(p);
    pthread_mutex_unlock(&p->lock);
}

void publish_record(struct publisher *p, const struct record *r) {
    pthread_mutex_lock(&p->lock);
    p->ring[p->records++ % PUBLISH_RECORDS] = *r;
    tell(p);
    pthread_mutex_unlock(&p->lock);
}

void publish_look(struct publisher *p, struct snapshot *out) {
    pthread_mutex_lock(&p->lock);
    *out = p->snapshot;
    pthread_mutex_unlock(&p->lock);
}

int publish_read(struct publisher *p, int64_t *cursor, struct record *out, int most) {
    pthread_mutex_lock(&p->lock);
    if (*cursor < p->records - PUBLISH_RECORDS)
        *cursor = p->records - PUBLISH_RECORDS;
    int count = 0;
    while (count < most && *cursor < p->records)
        out[count++] = p->ring[(*cursor)++ % PUBLISH_RECORDS];
    pthread_mutex_unlock(&p->lock);
    return count;
}

void publish_wait(struct publisher *p, int64_t *version, int milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&p->lock);
    while (p->version == *version && pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0)
        continue;
    *version = p->version;
    pthread_mutex_unlock(&p->lock);
}
