#include "ui/lr_find_report.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>

int lr_find_choices(const struct lr_find *f, struct lr_find_choice out[LR_FIND_CHOICES]) {
    const double rates[] = {f->steepest, f->tenth};
    static const char *const why[] = {"where the loss falls fastest",
                                      "a tenth of the rate with the least loss"};
    if (isnan(f->steepest))
        return 0;
    for (int i = 0; i < LR_FIND_CHOICES; i++) {
        snprintf(out[i].text, sizeof out[i].text, "%.2g", rates[i]);
        out[i].why = why[i];
    }
    return LR_FIND_CHOICES;
}

void lr_find_say(const struct lr_find *f, struct text *out) {
    if (f->count == 0)
        text_add(out, "the loss is not finite at the first step: begin with a lower rate\n");
    else if (isnan(f->steepest))
        text_add(out, "the loss never fell%s: nothing to suggest\n",
                 f->ended_early ? " before it rose too far" : "");
    if (f->falling)
        text_add(out, "the loss still fell at %.2g: a higher rate may be better still\n",
                 f->lr[f->count - 1]);
    if (f->count > 0 && f->ended_early)
        text_add(out, "ended at %.2g, where the loss rose too far\n", f->lr[f->count - 1]);
}

static double *within(const double *values, int count, double limit) {
    double *kept = xmemdup(values, (size_t)count * sizeof *values);
    for (int i = 0; i < count; i++)
        kept[i] = kept[i] <= limit ? kept[i] : NAN;
    return kept;
}

static double limit_of(const struct lr_find *f) {
    double limit = 0;
    for (int i = 0; i < f->count; i++)
        if (isfinite(f->smoothed[i]) && f->lr[i] <= 10 * f->tenth)
            limit = fmax(limit, f->smoothed[i]);
    return limit > 0 ? 1.5 * limit : INFINITY;
}

void lr_find_chart_open(struct lr_find_chart *c, const struct lr_find *f) {
    double limit = limit_of(f);
    *c = (struct lr_find_chart){.loss = within(f->loss, f->count, limit),
                                .smoothed = within(f->smoothed, f->count, limit)};
    const struct chart_line line = {.index = -1, .x = f->lr, .count = f->count, .joined = true};
    c->lines[0] = c->lines[1] = line;
    c->lines[0].label = "each step";
    c->lines[0].y = c->loss;
    c->lines[1].label = "smoothed";
    c->lines[1].y = c->smoothed;
    c->lines[1].index = 0;
    c->marks[0] = (struct chart_mark){f->steepest, "falls fastest"};
    c->marks[1] = (struct chart_mark){f->tenth, "a tenth of the least"};
    c->chart = (struct chart){.title = "training loss under a rising rate",
                              .x = {.title = "optim.lr", .log = true},
                              .y = {.title = "loss"},
                              .lines = c->lines,
                              .line_count = 2,
                              .marks = c->marks,
                              .mark_count = 2};
}

void lr_find_chart_close(struct lr_find_chart *c) {
    free(c->loss);
    free(c->smoothed);
}
