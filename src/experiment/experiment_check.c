#include "experiment/experiment.h"
#include "experiment/experiment_parts.h"

#include <math.h>
#include <string.h>

static bool is_rising_within_one(const struct real_list *list) {
    double before = 0;
    for (int i = 0; i < list->count; before = list->item[i++])
        if (list->item[i] <= before)
            return false;
    return before < 1;
}

const char *experiment_check_key(const struct experiment *e, struct error *error) {
    if (!*e->model.name && !*e->model.file) {
        error_set(error, "missing; name the network, such as resnet20 (`thaw models` lists them)");
        return "model.name";
    }
    if (!*e->data.name) {
        error_set(error,
                  "missing; name the data, such as fashion-mini (`thaw datasets` lists them)");
        return "data.name";
    }
    if (e->data.validation >= 1 && e->data.validation != floor(e->data.validation)) {
        error_set(error, "from 1 on it counts samples per class; give a whole number, "
                         "or a fraction below 1");
        return "data.validation";
    }
    if (e->data.resize > 0 && e->data.resize < e->data.size) {
        error_set(error, "%lld is below data.size, which is %lld; give 0, or at least that",
                  (long long)e->data.resize, (long long)e->data.size);
        return "data.resize";
    }
    if (*e->old_task.name && !*e->model.weights) {
        error_set(error, "without model.weights the network has no old task; leave it out");
        return "source.name";
    }
    if (!*e->old_task.name && (*e->old_task.path || e->old_task.limit > 0)) {
        error_set(error, "missing; name the old task's data, or leave the section out");
        return "source.name";
    }
    if (e->data.mean.count == 0) {
        error_set(error, "the list is empty; give one number, or one per channel");
        return "data.mean";
    }
    if (e->data.std.count != e->data.mean.count) {
        error_set(error, "%d numbers, but data.mean has %d; give as many of both",
                  e->data.std.count, e->data.mean.count);
        return "data.std";
    }
    if (!is_rising_within_one(&e->schedule.milestones)) {
        error_set(error, "milestones must rise, above 0 and below 1; give such as [0.5, 0.75]");
        return "schedule.milestones";
    }
    if (strcmp(e->optim.rates, "auto-rgn") == 0 &&
        (e->optim.lr_scale.count > 0 || e->optim.layer_decay != 1)) {
        error_set(error, "auto-rgn finds the rates of the blocks itself; leave optim.lr_scale and "
                         "optim.layer_decay out, or give 'given'");
        return "optim.rates";
    }
    if (e->schedule.warmup > 0 && strcmp(e->schedule.name, "one-cycle") == 0) {
        error_set(error, "one-cycle has a warm-up of its own; set schedule.rise instead, "
                         "or choose another schedule");
        return "schedule.warmup";
    }
    return NULL;
}

bool experiment_check(const struct experiment *e, struct error *error) {
    const char *key = experiment_check_key(e, error);
    return !key || error_prefix(error, "%s: ", key);
}
