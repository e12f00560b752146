// The old task: its samples, and the head that the pretrained weights brought for it.
#include "training/old_network.h"
#include "ui/network.h"
#include "ui/setup_parts.h"

// The experiment as it was for the old task: that data without shifts, and the weights' own head.
// Shares everything with *e; not to be closed.
static struct experiment old_experiment(const struct experiment *e) {
    struct experiment old = *e;
    old.data.name = e->old_task.name;
    old.data.path = e->old_task.path;
    old.data.test_limit = e->old_task.limit;
    old.data.shift.count = 0;
    old.model.head.count = 0;
    old.model.new_head = false;
    return old;
}

// Those that the network was not trained on: for testing, or else for validation.
static bool choose(struct training_data *data, const char *name, struct error *error) {
    if (!data->test) {
        data->test = data->validation;
        data->validation = NULL;
    }
    return data->test ||
           error_set(error,
                     "%s has neither test nor validation samples of its own, and those for "
                     "training were learned from; give it a test part",
                     name);
}

static bool open_samples(struct training_data *data, const struct experiment *old,
                         struct error *error) {
    const struct dataset_kind *kind = dataset_find(old->data.name, error);
    return kind && setup_open_kind(data, kind, old, error) && choose(data, old->data.name, error) &&
           setup_prepare(&data->test, old, 0, error) && setup_limit_test(data, old, error);
}

static bool check_shape(const struct dataset *now, const struct dataset *old, struct error *error) {
    char is[32], wanted[32];
    if (shape_equal(now->shape, old->shape) && now->vocabulary == old->vocabulary)
        return true;
    return error_set(error,
                     "its samples are %s, but those of data %s%s; data.size makes pictures alike",
                     shape_text(old->shape, is), shape_text(now->shape, wanted),
                     now->vocabulary == old->vocabulary ? "" : " with other tokens");
}

// A head that the file has not, or of another size, is not the old task's.
static bool has_head(const struct load_report *report, const struct model *model) {
    for (int i = 0; i < report->missing_count; i++)
        if (model->modules[model->params[report->missing[i]].module].head)
            return false;
    return report->replaced_count == 0;
}

static struct old_network *open_network(const struct setup *s, const struct experiment *old,
                                        struct error *error) {
    const struct dataset *d = s->data.source;
    struct model *model = network_build(old, d->shape, d->classes, d->vocabulary, error);
    if (!model)
        return NULL;
    struct weights weights = weights_open(model);
    struct load_report report = {0};
    bool ok = setup_weights(&weights, old, &report, error) &&
              (has_head(&report, model) ||
               error_set(error,
                         "%s has %d classes, and %s has no head for these; name the data "
                         "that it was trained on",
                         d->name, d->classes, old->model.weights));
    load_report_close(&report);
    if (ok)
        return old_network_open(model, weights, s->model, error);
    weights_close(&weights);
    model_close(model);
    return NULL;
}

bool setup_source(struct setup *s, struct error *error) {
    if (!*s->experiment->old_task.name)
        return true;
    struct experiment old = old_experiment(s->experiment);
    struct training_data data = {0};
    bool ok = open_samples(&data, &old, error) && check_shape(s->data.train, data.test, error);
    if (ok) {
        s->data.source = data.test;
        data.test = NULL;
    }
    training_data_close(&data);
    if (ok && s->report.replaced_count > 0)
        ok = (s->data.source_old = open_network(s, &old, error)) != NULL;
    else if (ok && s->data.source->classes != s->model->classes)
        ok = error_set(
            error,
            "%s has %d classes, the network %d outputs; name the data that %s was trained on",
            s->data.source->name, s->data.source->classes, s->model->classes, old.model.weights);
    return ok || error_prefix(error, "source: ");
}
