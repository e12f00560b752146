#include "session/points.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

struct blob {
    int owners;
    size_t bytes;
    unsigned char data[];
};

void points_open(struct points *p, size_t budget) {
    *p = (struct points){.budget = budget};
}

static void release(struct points *p, struct blob *b) {
    if (!b || --b->owners > 0)
        return;
    p->bytes -= b->bytes;
    free(b);
}

static void drop(struct points *p, int index) {
    struct point *point = &p->items[index];
    int params = point->history.items[0].model->param_count;
    for (int i = 0; i < 3 * params; i++)
        release(p, point->blobs[i]);
    release(p, point->best_weights);
    free(point->blobs);
    free(point->optim_steps);
    free(point->frozen);
    settings_history_close(&point->history);
    memmove(point, point + 1, (size_t)(--p->count - index) * sizeof *point);
}

void points_close(struct points *p) {
    while (p->count > 0)
        drop(p, p->count - 1);
    free(p->items);
    *p = (struct points){0};
}

// Shares the last point's bytes when they are the same.
static struct blob *keep(struct points *p, struct blob *last, const void *data, size_t bytes) {
    if (!data)
        return NULL;
    if (last && last->bytes == bytes && memcmp(last->data, data, bytes) == 0) {
        last->owners++;
        return last;
    }
    struct blob *b = xmalloc(sizeof *b + bytes);
    b->owners = 1;
    b->bytes = bytes;
    memcpy(b->data, data, bytes);
    p->bytes += bytes;
    return b;
}

static void keep_tensors(struct points *p, struct point *point, const struct training *t) {
    const struct blob *const *last = NULL;
    if (p->count > 0)
        last = (const struct blob *const *)p->items[p->count - 1].blobs;
    for (int i = 0; i < t->model->param_count; i++) {
        const struct param *param = &t->model->params[i];
        const struct optim_state *state = &t->optim.states[i];
        const void *values[3] = {param->storage == i ? weights_at(&t->weights, i) : NULL,
                                 state->first, state->second};
        for (int k = 0; k < 3; k++) {
            size_t bytes = k == 0 ? param_bytes(param) : param->count * sizeof(float);
            struct blob *before = last ? (struct blob *)(uintptr_t)last[3 * i + k] : NULL;
            point->blobs[3 * i + k] = keep(p, before, values[k], bytes);
        }
        point->optim_steps[i] = state->steps;
    }
}

// The point that is missed least: close neighbours, and old. The newest is never thinned out.
static int least_missed(const struct points *p) {
    int best = -1;
    double least = 0;
    int64_t now = p->count ? p->items[p->count - 1].view.step : 0;
    for (int i = 1; i < p->count - 1; i++) {
        if (p->items[i].view.kept)
            continue;
        // Distances: after a rewind steps start again from an earlier one.
        int64_t gap = llabs(p->items[i + 1].view.step - p->items[i - 1].view.step);
        int64_t age = llabs(now - p->items[i].view.step);
        double missed = (double)gap / (double)(age + 1);
        if (best < 0 || missed < least)
            best = i, least = missed;
    }
    return best;
}

void points_keep(struct points *p, const struct training *t, const struct point_view *view,
                 int64_t last_event) {
    size_t params = (size_t)t->model->param_count + 1;
    struct point point = {
        .view = *view,
        .blobs = xcalloc(3 * params, sizeof *point.blobs),
        .optim_steps = xcalloc(params, sizeof *point.optim_steps),
        .frozen = xmemdup(t->frozen, params * sizeof *t->frozen),
        .history = settings_history_prefix(&t->history, t->history.text_count),
        .epoch = t->epoch,
        .scheduled = t->scheduled,
        .best = t->best,
        .last_event = last_event,
    };
    keep_tensors(p, &point, t);
    point.best_weights = keep(p, p->count ? p->items[p->count - 1].best_weights : NULL,
                              t->best_weights, t->model->weight_floats * sizeof(float));
    if (p->count == p->room) {
        p->room = 2 * p->room + 16;
        p->items = xrealloc(p->items, (size_t)p->room * sizeof *p->items);
    }
    p->items[p->count++] = point;
    for (int i; p->bytes > p->budget && (i = least_missed(p)) >= 0;)
        drop(p, i);
}

static void restore_floats(float **to, const struct blob *b) {
    free(*to);
    *to = b ? xmemdup(b->data, b->bytes) : NULL;
}

bool points_restore(const struct point *point, struct training *t, struct error *error) {
    struct settings_history history =
        settings_history_prefix(&point->history, point->history.text_count);
    if (!training_restore(t, history, error))
        return false;
    for (int i = 0; i < t->model->param_count; i++) {
        struct optim_state *state = &t->optim.states[i];
        const struct blob *value = point->blobs[3 * i];
        if (value)
            memcpy(weights_at(&t->weights, i), value->data, value->bytes);
        restore_floats(&state->first, point->blobs[3 * i + 1]);
        restore_floats(&state->second, point->blobs[3 * i + 2]);
        state->steps = point->optim_steps[i];
        t->frozen[i] = point->frozen[i];
    }
    restore_floats(&t->best_weights, point->best_weights);
    t->best = point->best;
    t->scheduled = point->scheduled;
    t->epoch = point->epoch;
    t->step = point->view.step;
    return true;
}
