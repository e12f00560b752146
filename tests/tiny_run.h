// A training small enough for tests: the residual model on made-up images.
#ifndef THAW_TESTS_TINY_RUN_H
#define THAW_TESTS_TINY_RUN_H

#include "residual_model.h"
#include "training/training.h"
#include <stdlib.h>
#include <string.h>

enum { TINY_COUNT = 60, TINY_IMAGE = RESIDUAL_SIDE * RESIDUAL_SIDE * 2 };

// Noise around a pattern of the class.
static inline void tiny_read(const struct dataset *d, int index, float *out) {
    struct random_key key = random_key(77, RANDOM_PROBE, 1);
    for (int k = 0; k < TINY_IMAGE; k++)
        out[k] = 0.3f * random_normal(key, (uint32_t)index, 0, (uint64_t)k) +
                 (k % RESIDUAL_CLASSES == d->labels[index] ? 1.0f : 0.0f);
}

static inline struct dataset *tiny_data(int count) {
    struct dataset *d = dataset_new("tiny", (struct shape){RESIDUAL_SIDE, RESIDUAL_SIDE, 2}, count,
                                    RESIDUAL_CLASSES, NULL);
    for (int i = 0; i < count; i++)
        d->labels[i] = i % RESIDUAL_CLASSES;
    d->read = tiny_read;
    return d;
}

// The experiment of a tiny run, with defaults where `sets` (NULL-terminated "key=value") is silent.
static inline void tiny_experiment(struct experiment *e, const char *const *sets) {
    static const char *const basics[] = {"name=tiny",
                                         "model.name=tiny",
                                         "data.name=tiny",
                                         "train.epochs=3",
                                         "train.batch=8",
                                         "optim.lr=0.02",
                                         "model.dropout=0.2",
                                         "data.augment=[flip, crop 1]",
                                         NULL};
    struct error error;
    experiment_defaults(e);
    for (int i = 0; basics[i]; i++)
        if (!experiment_set(e, basics[i], &error))
            fprintf(stderr, "%s\n", error.text), abort();
    for (int i = 0; sets && sets[i]; i++)
        if (!experiment_set(e, sets[i], &error))
            fprintf(stderr, "%s\n", error.text), abort();
}

// Everything that a tiny training needs; close with tiny_close.
struct tiny {
    struct experiment experiment;
    struct model *model;
    struct pool *pool;
    struct training *training; // NULL when handed over
};

// Weights from somewhere else than an initialisation, but for the head.
static inline void tiny_pretrain(struct weights *w) {
    for (int p = 0; p < w->model->param_count; p++)
        for (size_t i = 0; i < w->model->params[p].count; i++)
            if (w->model->params[p].kind == PARAM_WEIGHT &&
                !w->model->modules[w->model->params[p].module].head)
                weights_at(w, p)[i] *= 0.75f;
}

// With model.weights, whatever its value, they are pretrained.
static inline void tiny_open(struct tiny *t, int threads, const char *const *sets) {
    tiny_experiment(&t->experiment, sets);
    t->model = residual_model((float)t->experiment.model.dropout);
    t->pool = pool_open(threads);
    struct weights weights = weights_open(t->model);
    weights_init(&weights, (uint64_t)t->experiment.seed);
    if (t->experiment.model.weights[0])
        tiny_pretrain(&weights);
    struct training_data data = {tiny_data(TINY_COUNT), tiny_data(20), tiny_data(30)};
    struct error error;
    t->training = training_open(&t->experiment, t->model, weights, data, t->pool, &error);
    if (!t->training)
        fprintf(stderr, "%s\n", error.text), abort();
}

static inline void tiny_close(struct tiny *t) {
    training_close(t->training);
    pool_close(t->pool);
    model_close(t->model);
    experiment_close(&t->experiment);
}

#endif
