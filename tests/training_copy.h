// A whole copy of a training's state, to compare with later. Its model must outlive it.
#ifndef THAW_TESTS_TRAINING_COPY_H
#define THAW_TESTS_TRAINING_COPY_H

#include "base/xalloc.h"
#include "test.h"
#include "training/training.h"
#include <stdlib.h>
#include <string.h>

struct training_copy {
    const struct model *model;
    float *weights;
    float **moment; // [2 * param_count]; NULL: none
    int64_t *steps;
    uint64_t *frozen;
    struct settings settings;
    char **texts;
    int text_count, undo; // how many there are to take back
    struct tally epoch;
    int64_t step, total;
    double lr;
};

static inline struct training_copy training_copy(const struct training *t) {
    int count = t->model->param_count;
    struct training_copy c = {
        .model = t->model,
        .weights = xmemdup(t->weights.data, t->model->weight_floats * sizeof(float)),
        .moment = xcalloc(2 * (size_t)count, sizeof *c.moment),
        .steps = xcalloc((size_t)count, sizeof *c.steps),
        .frozen = xmemdup(t->frozen, (size_t)count * sizeof *c.frozen),
        .settings = settings_copy(training_settings(t)),
        .texts = xcalloc((size_t)t->history.text_count + 1, sizeof *c.texts),
        .text_count = t->history.text_count,
        .undo = t->history.at,
        .epoch = t->epoch,
        .step = t->step,
        .total = t->total,
        .lr = training_lr(t),
    };
    for (int i = 0; i < c.text_count; i++)
        c.texts[i] = xstrdup(t->history.texts[i]);
    for (int p = 0; p < count; p++) {
        const struct optim_state *s = &t->optim.states[p];
        size_t bytes = t->model->params[p].count * sizeof(float);
        c.moment[2 * p] = s->first ? xmemdup(s->first, bytes) : NULL;
        c.moment[2 * p + 1] = s->second ? xmemdup(s->second, bytes) : NULL;
        c.steps[p] = s->steps;
    }
    return c;
}

static inline void training_copy_close(struct training_copy *c) {
    for (int i = 0; i < 2 * c->model->param_count; i++)
        free(c->moment[i]);
    for (int i = 0; i < c->text_count; i++)
        free(c->texts[i]);
    free(c->weights);
    free(c->moment);
    free(c->steps);
    free(c->frozen);
    free(c->texts);
    settings_close(&c->settings);
}

static inline void training_copy_equal_settings(const struct training_copy *c,
                                                const struct training *t) {
    const struct settings *is = training_settings(t), *was = &c->settings;
    assert_memory_equal(is->flags.thawed, was->flags.thawed, (size_t)c->model->param_count);
    assert_memory_equal(is->lr_scale, was->lr_scale,
                        (size_t)c->model->param_count * sizeof *is->lr_scale);
    assert_true(is->bn == was->bn && is->peak == was->peak && is->lr_factor == was->lr_factor);
    assert_true(is->weight_decay == was->weight_decay && is->epochs == was->epochs);
    assert_true(t->optim.settings.weight_decay == was->weight_decay);
    assert_true(t->total == c->total && training_lr(t) == c->lr && t->history.at == c->undo);
    assert_int_equal(t->history.text_count, c->text_count);
    for (int i = 0; i < c->text_count; i++)
        assert_string_equal(t->history.texts[i], c->texts[i]);
}

// Fails unless the training is as it was; only a thawed tensor's hash, which says nothing, may
// differ.
static inline void training_copy_equal(const struct training_copy *c, const struct training *t) {
    assert_memory_equal(t->weights.data, c->weights, c->model->weight_floats * sizeof(float));
    for (int p = 0; p < c->model->param_count; p++) {
        const float *const moments[2] = {t->optim.states[p].first, t->optim.states[p].second};
        for (int k = 0; k < 2; k++) {
            assert_true(!moments[k] == !c->moment[2 * p + k]);
            if (moments[k])
                assert_memory_equal(moments[k], c->moment[2 * p + k],
                                    c->model->params[p].count * sizeof(float));
        }
        assert_int_equal(t->optim.states[p].steps, c->steps[p]);
        if (!c->settings.flags.thawed[p])
            assert_true(t->frozen[p] == c->frozen[p]);
    }
    training_copy_equal_settings(c, t);
    assert_memory_equal(&t->epoch, &c->epoch, sizeof t->epoch);
    assert_int_equal(t->step, c->step);
    struct error error;
    assert_true(training_verify(t, &error));
}

#endif
