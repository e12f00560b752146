#include "session/publish.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

void publish_open(struct publisher *p, const struct settings *settings) {
    *p = (struct publisher){.layers = layers_open(settings->model),
                            .settings = settings_copy(settings)};
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
    free(p->points);
    layers_close(&p->layers);
    settings_close(&p->settings);
    for (int i = 0; i < EVALUATED; i++)
        predictions_close(&p->predictions[i]);
    suggestion_close(&p->suggestion);
    lr_find_close(&p->lr_find);
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
    int64_t oldest = p->records > PUBLISH_RECORDS ? p->records - PUBLISH_RECORDS : 0;
    if (*cursor < oldest)
        *cursor = oldest;
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

static void copy_layers(struct layers_snapshot *to, const struct layers_snapshot *from) {
    to->step = from->step;
    memcpy(to->params, from->params, (size_t)from->param_count * sizeof *from->params);
    memcpy(to->seconds, from->seconds, (size_t)from->module_count * sizeof *from->seconds);
}

void publish_layers(struct publisher *p, const struct layers_snapshot *l) {
    pthread_mutex_lock(&p->lock);
    copy_layers(&p->layers, l);
    pthread_mutex_unlock(&p->lock);
}

void publish_look_layers(struct publisher *p, struct layers_snapshot *out) {
    pthread_mutex_lock(&p->lock);
    copy_layers(out, &p->layers);
    pthread_mutex_unlock(&p->lock);
}

void publish_settings(struct publisher *p, const struct settings *s) {
    struct settings copy = settings_copy(s);
    pthread_mutex_lock(&p->lock);
    struct settings old = p->settings;
    p->settings = copy;
    tell(p);
    pthread_mutex_unlock(&p->lock);
    settings_close(&old);
}

void publish_look_settings(struct publisher *p, struct settings *out) {
    pthread_mutex_lock(&p->lock);
    *out = settings_copy(&p->settings);
    pthread_mutex_unlock(&p->lock);
}

void publish_points(struct publisher *p, const struct point_view *views, int count) {
    size_t bytes = (size_t)count * sizeof *views;
    pthread_mutex_lock(&p->lock);
    p->points = xrealloc(p->points, bytes + 1);
    memcpy(p->points, views, bytes);
    p->point_count = count;
    tell(p);
    pthread_mutex_unlock(&p->lock);
}

int publish_look_points(struct publisher *p, struct point_view *out, int most) {
    pthread_mutex_lock(&p->lock);
    int skip = p->point_count > most ? p->point_count - most : 0;
    int count = p->point_count - skip;
    if (count > 0)
        memcpy(out, p->points + skip, (size_t)count * sizeof *out);
    pthread_mutex_unlock(&p->lock);
    return count;
}

void publish_predictions(struct publisher *p, enum evaluated on, struct predictions *taken) {
    pthread_mutex_lock(&p->lock);
    struct predictions old = p->predictions[on];
    p->predictions[on] = *taken;
    tell(p);
    pthread_mutex_unlock(&p->lock);
    predictions_close(&old);
    *taken = (struct predictions){0};
}

bool publish_look_predictions(struct publisher *p, enum evaluated on, struct predictions *out) {
    pthread_mutex_lock(&p->lock);
    const struct predictions *from = &p->predictions[on];
    size_t n = (size_t)from->count;
    *out = *from;
    if (n > 0) {
        out->sample = xmemdup(from->sample, n * sizeof *from->sample);
        out->label = xmemdup(from->label, n * sizeof *from->label);
        out->predicted = xmemdup(from->predicted, n * sizeof *from->predicted);
        out->probability =
            xmemdup(from->probability, n * (size_t)from->classes * sizeof *from->probability);
        out->place = from->place ? xmemdup(from->place, n * sizeof *from->place) : NULL;
    }
    pthread_mutex_unlock(&p->lock);
    return n > 0;
}

void publish_suggestion(struct publisher *p, struct suggestion *taken) {
    pthread_mutex_lock(&p->lock);
    struct suggestion old = p->suggestion;
    p->suggestion = *taken;
    tell(p);
    pthread_mutex_unlock(&p->lock);
    suggestion_close(&old);
    *taken = (struct suggestion){0};
}

bool publish_look_suggestion(struct publisher *p, struct suggestion *out) {
    pthread_mutex_lock(&p->lock);
    bool any = p->suggestion.rows != NULL;
    if (any)
        *out = suggestion_copy(&p->suggestion);
    pthread_mutex_unlock(&p->lock);
    return any;
}

void publish_lr_find(struct publisher *p, struct lr_find *taken) {
    pthread_mutex_lock(&p->lock);
    struct lr_find old = p->lr_find;
    p->lr_find = *taken;
    tell(p);
    pthread_mutex_unlock(&p->lock);
    lr_find_close(&old);
    *taken = (struct lr_find){0};
}

bool publish_look_lr_find(struct publisher *p, struct lr_find *out) {
    pthread_mutex_lock(&p->lock);
    bool any = p->lr_find.lr != NULL;
    if (any)
        *out = lr_find_copy(&p->lr_find);
    pthread_mutex_unlock(&p->lock);
    return any;
}
