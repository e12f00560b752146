#include "base/hash.h"
#include "base/random.h"
#include "model/model.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct param *owner(const struct weights *w, int param) {
    const struct param *params = w->model->params;
    return &params[params[param].storage];
}

struct weights weights_open(const struct model *model) {
    size_t bytes = model->weight_floats * sizeof(float); // a multiple of 64: see build_finish
    float *data = aligned_alloc(64, bytes);
    if (!data) {
        fprintf(stderr, "thaw: out of memory: %zu bytes for the weights of %s\n", bytes,
                model->arch);
        abort();
    }
    memset(data, 0, bytes);
    return (struct weights){model, data};
}

void weights_close(struct weights *w) {
    free(w->data);
    *w = (struct weights){0};
}

float *weights_at(const struct weights *w, int param) {
    return w->data + owner(w, param)->at;
}

int64_t *weights_counter(const struct weights *w, int param) {
    assert(w->model->params[param].kind == PARAM_COUNTER);
    return (int64_t *)(void *)weights_at(w, param);
}

static void fill_normal(float *to, const struct param *p, float std, uint64_t seed) {
    struct random_key key = random_key(seed, RANDOM_INIT, 0);
    uint32_t name = hash_name(p->name);
    random_normals(key, name, 0, p->count, to);
    for (size_t i = 0; i < p->count; i++)
        to[i] *= std;
}

static void fill_uniform(float *to, const struct param *p, uint64_t seed) {
    struct random_key key = random_key(seed, RANDOM_INIT, 0);
    uint32_t name = hash_name(p->name);
    float bound = 1.0f / sqrtf((float)p->fan);
    for (size_t i = 0; i < p->count; i++)
        to[i] = bound * (2.0f * random_uniform(key, name, 0, i) - 1.0f);
}

void weights_init_param(struct weights *w, int param, uint64_t seed) {
    const struct param *p = owner(w, param);
    float *to = weights_at(w, param);
    switch (p->init) {
    case INIT_ZERO:
        memset(to, 0, param_bytes(p));
        break;
    case INIT_ONE:
        for (size_t i = 0; i < p->count; i++)
            to[i] = 1.0f;
        break;
    case INIT_KAIMING_NORMAL_OUT:
    case INIT_KAIMING_NORMAL_IN:
        fill_normal(to, p, sqrtf(2.0f / (float)p->fan), seed);
        break;
    case INIT_NORMAL:
        fill_normal(to, p, 0.01f, seed);
        break;
    case INIT_NORMAL_TEXT:
        fill_normal(to, p, 0.02f / sqrtf((float)p->fan), seed);
        break;
    case INIT_UNIFORM_FAN_IN:
        fill_uniform(to, p, seed);
        break;
    }
}

void weights_init(struct weights *w, uint64_t seed) {
    for (int i = 0; i < w->model->param_count; i++) {
        if (w->model->params[i].storage == i)
            weights_init_param(w, i, seed);
    }
}

size_t param_bytes(const struct param *p) {
    return p->kind == PARAM_COUNTER ? sizeof(int64_t) : p->count * sizeof(float);
}

uint64_t weights_hash(const struct weights *w, int param) {
    return hash_bytes(weights_at(w, param), param_bytes(owner(w, param)));
}
