// What `thaw show` is asked about: an architecture or an experiment, made ready as for a run.
#include "base/files.h"
#include "base/xalloc.h"
#include "models/models.h"
#include "ui/cli/show.h"
#include <stdlib.h>
#include <string.h>

// What an architecture is usually trained for: those for large images on ImageNet.
static int usual_classes(const struct arch *arch) {
    return arch->input.h >= 224 ? 1000 : 10;
}

static void replace(char **text, const char *with) {
    free(*text);
    *text = xstrdup(with);
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

// The experiment's file, when the subject is one or is a run's directory; else NULL. The caller
// frees.
static char *experiment_file(const char *subject) {
    if (ends_with(subject, ".yaml") || ends_with(subject, ".yml"))
        return xstrdup(subject);
    char *path = files_join(subject, "experiment.yaml");
    if (files_exist(path))
        return path;
    free(path);
    return NULL;
}

// Weights that are asked for on the command line are loaded as far as their names fit: the report
// says what does not.
static void use_options(struct experiment *e, const struct show_request *r) {
    if (r->weights) {
        replace(&e->model.weights, r->weights);
        e->model.partial = true;
    }
    if (r->bn)
        replace(&e->freeze.bn, r->bn);
    if (r->batch)
        e->train.batch = r->batch;
}

static bool open_file(struct show_subject *s, const struct show_request *r, const char *path,
                      struct error *error) {
    s->from_file = true;
    if (r->classes || r->input.c)
        return error_set(error, "the data of %s decides: leave out --classes and --input", path);
    if (!experiment_read(&s->experiment, path, error))
        return false;
    use_options(&s->experiment, r);
    return setup_open(&s->setup, &s->experiment, 0, error);
}

static bool open_arch(struct show_subject *s, const struct show_request *r, struct error *error) {
    if (strchr(r->subject, '/'))
        return error_set(error,
                         "%s is none of: an architecture, an experiment (.yaml), a run's "
                         "directory, a file of weights (.safetensors, .pt, .pth, ...)",
                         r->subject);
    const struct arch *arch = arch_find(r->subject, error);
    if (!arch)
        return false;
    experiment_defaults(&s->experiment);
    replace(&s->experiment.model.name, arch->name);
    use_options(&s->experiment, r);
    int classes = r->classes ? r->classes : usual_classes(arch);
    return setup_open_model(&s->setup, &s->experiment, r->input, classes, 0, 0, error);
}

// An experiment's own rules come first. An architecture has everything thawed before a first
// --freeze, and everything frozen before a first --thaw.
static void collect_rules(struct show_subject *s, const struct show_request *r) {
    const struct text_list *own = &s->experiment.freeze.rules;
    bool thaws = r->rule_count > 0 && strncmp(r->rules[0], "thaw", 4) == 0;
    if (!s->from_file && !thaws)
        s->rules[s->rule_count++] = "thaw all";
    for (int i = 0; s->from_file && i < own->count; i++)
        s->rules[s->rule_count++] = own->item[i];
    for (int i = 0; i < r->rule_count; i++)
        s->rules[s->rule_count++] = r->rules[i];
}

static void make_plans(struct show_subject *s) {
    const struct experiment *e = &s->experiment;
    struct plan_options options = {
        .purpose = PLAN_TRAIN,
        .n = (int)e->train.batch,
        .pool = s->setup.pool,
        .smoothing = (float)e->train.label_smoothing,
        .prefix_dropout = e->train.prefix_dropout,
        .precise = e->train.precise,
    };
    s->plan = plan_make(&s->flags, &options);
    s->full = setup_full_plan(s->setup.model, s->bn, &options);
}

bool show_subject_open(struct show_subject *s, const struct show_request *r, struct error *error) {
    *s = (struct show_subject){0};
    char *path = experiment_file(r->subject);
    bool ok = path ? open_file(s, r, path, error) : open_arch(s, r, error);
    free(path);
    if (ok) {
        collect_rules(s, r);
        bn_policy_find(s->experiment.freeze.bn, &s->bn);
        s->flags = flags_open(s->setup.model);
        ok = freeze_apply_all(&s->flags, s->bn, s->rules, s->rule_count, error);
    }
    if (ok)
        make_plans(s);
    else
        show_subject_close(s);
    return ok;
}

void show_subject_close(struct show_subject *s) {
    plan_close(s->plan);
    plan_close(s->full);
    flags_close(&s->flags);
    setup_close(&s->setup);
    experiment_close(&s->experiment);
    *s = (struct show_subject){0};
}
