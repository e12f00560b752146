// A scene of a model that is built in, with made-up values as if it had trained for a while.
#ifndef THAW_TESTS_MODEL_SCENE_H
#define THAW_TESTS_MODEL_SCENE_H

#include "base/pool.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "ui/workbench/scene.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct model_scene {
    struct experiment experiment;
    struct model *model;
    struct pool *pool;
    struct scene scene;
};

static inline void scene_must(bool ok, const struct error *error) {
    if (ok)
        return;
    fprintf(stderr, "%s\n", error->text);
    abort();
}

// Applies a text to the wanted settings, and when `in_force` to those in force.
static inline void model_scene_apply(struct model_scene *m, const char *text, bool in_force) {
    struct error error;
    scene_must(settings_apply(&m->scene.wanted, text, &error), &error);
    scene_must(!in_force || settings_apply(&m->scene.settings, text, &error), &error);
}

// `rule` in force and wanted: "thaw head".
static inline void model_scene_open(struct model_scene *m, const char *arch, const char *rule) {
    struct error error;
    *m = (struct model_scene){0};
    experiment_defaults(&m->experiment);
    const struct arch *found = arch_find(arch, &error);
    scene_must(found, &error);
    m->model = arch_build(found, &(struct arch_options){.classes = 10}, &error);
    scene_must(m->model, &error);
    m->pool = pool_open(1);
    m->scene.experiment = &m->experiment;
    m->scene.model = m->model;
    m->scene.point = -1;
    scene_must(settings_open(&m->scene.settings, m->model, &m->experiment, &error), &error);
    m->scene.wanted = settings_copy(&m->scene.settings);
    m->scene.layers = layers_open(m->model);
    m->scene.block_gradient =
        xcalloc((size_t)m->model->module_count, sizeof *m->scene.block_gradient);
    model_scene_apply(m, rule, true);
}

// Parameter p has gradient norm 0.1 + p / 100, update ratio 1e-3, drift 0.02, rate 0.01; all
// modules take the same time.
static inline void model_scene_train(struct model_scene *m) {
    struct layers_snapshot *l = &m->scene.layers;
    l->step = 100;
    for (int p = 0; p < m->model->param_count; p++) {
        bool thawed = m->scene.settings.flags.thawed[p];
        l->params[p] = (struct layer_values){thawed ? 0.1f + (float)p / 100 : NAN,
                                             thawed ? 2e-3f : NAN,
                                             2,
                                             thawed ? 0.06f : 0,
                                             3,
                                             thawed ? 0.01f : 0};
    }
    for (int i = 0; i < m->model->module_count; i++)
        l->seconds[i] = 1e-4f;
    for (int i = 0; i < m->model->module_count; i++)
        for (int step = 1; step <= 60 && freeze_state(&m->scene.settings.flags, i) > 0; step++)
            series_add(&m->scene.block_gradient[i], step, 1.5 + sin(0.2 * step + i));
}

static inline void model_scene_close(struct model_scene *m) {
    struct scene *s = &m->scene;
    for (int i = 0; i < m->model->module_count; i++)
        series_close(&s->block_gradient[i]);
    free(s->block_gradient);
    layers_close(&s->layers);
    settings_close(&s->settings);
    settings_close(&s->wanted);
    pool_close(m->pool);
    model_close(m->model);
    experiment_close(&m->experiment);
}

#endif
