#include "strategy/rates.h"
#include "base/xalloc.h"
#include "strategy/gradients.h"
#include "training/training_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char word[] = "rates ";

static bool found_at_this_step(const struct training *t) {
    const struct settings_history *h = &t->history;
    for (int i = h->text_count - 1; i >= 0 && h->steps[i] == t->step; i--)
        if (strncmp(h->texts[i], word, strlen(word)) == 0)
            return true;
    return false;
}

bool rates_due(const struct training *t) {
    return strcmp(t->experiment->optim.rates, "auto-rgn") == 0 && t->step < t->total &&
           t->step % t->epoch_steps == 0 && !found_at_this_step(t);
}

static bool is_thawed(const struct training *t, const struct gradients *g, int part) {
    const bool *thawed = training_settings(t)->flags.thawed;
    for (int p = 0; p < t->model->param_count; p++)
        if (g->part[p] == part && thawed[p])
            return true;
    return false;
}

static void tell(const struct training *t, const struct gradients *g, struct text *out) {
    double largest = 0;
    for (int i = 0; i < g->parts; i++)
        if (is_thawed(t, g, i))
            largest = fmax(largest, gradients_relative(g, i));
    for (int i = 0; i < g->parts; i++) {
        double share = largest > 0 ? gradients_relative(g, i) / largest : 1;
        text_add(out, "%s%.3g", i ? " " : word, fmin(share, 1));
    }
}

// False also when the loss is not finite: then without an error.
static bool probe(struct training *t, struct gradients *g, struct error *error) {
    int most = t->epoch_steps < RATES_BATCHES ? t->epoch_steps : RATES_BATCHES;
    for (int i = 0; i < most; i++) {
        if (!training_unpruned_pass(t, t->step + i, error))
            return false;
        if (!isfinite(t->pass.loss))
            return false;
        gradients_add(g, &t->pass);
    }
    return true;
}

bool rates_find(struct training *t, struct text *out, struct error *error) {
    struct error problem = {0};
    struct parts parts = parts_of(t->model);
    struct gradients g = gradients_open(&parts, &t->weights);
    struct plan *plan = training_unpruned_plan(t);
    if (pass_use(&t->pass, plan, &problem)) {
        training_note_statistics(t);
        if (probe(t, &g, &problem))
            tell(t, &g, out);
        training_put_back_statistics(t);
    }
    bool ok = problem.kind == ERROR_NONE;
    if (!ok && error)
        *error = problem;
    ok = pass_use(&t->pass, t->plan, ok ? error : NULL) && ok;
    plan_close(plan);
    gradients_close(&g);
    parts_close(&parts);
    return ok;
}
