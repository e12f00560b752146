// A forward pass moves running statistics, and some passes must leave no trace.
#include "training_parts.h"
#include <string.h>

size_t training_statistics_bytes(const struct model *model) {
    size_t bytes = 0;
    for (int p = 0; p < model->param_count; p++)
        if (freeze_is_statistic(&model->params[p]))
            bytes += param_bytes(&model->params[p]);
    return bytes;
}

static void each_statistic(struct training *t, bool note) {
    float *noted = t->statistics;
    for (int p = 0; p < t->model->param_count; p++) {
        const struct param *param = &t->model->params[p];
        if (!freeze_is_statistic(param) || param->storage != p)
            continue;
        float *value = weights_at(&t->weights, p);
        memcpy(note ? noted : value, note ? value : noted, param_bytes(param));
        noted += param_bytes(param) / sizeof *noted;
    }
}

void training_note_statistics(struct training *t) {
    each_statistic(t, true);
}

void training_put_back_statistics(struct training *t) {
    each_statistic(t, false);
}
