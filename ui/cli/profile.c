// thaw run --profile: where the time of a step goes.
#include "ui/cli/profile.h"
#include "base/kernels.h"
#include "base/peak.h"
#include "ui/cli/cli.h"
#include "ui/cli/table.h"
#include <jansson.h>
#include <stdlib.h>

// What there is to say.
struct report {
    const struct training *t;
    const struct profile *p;
    double peak;       // FLOPs a second
    double evaluation; // seconds a step
};

static double rest(const struct profile_step *s) {
    return s->all - s->wait - s->forward - s->backward - s->update;
}

static double samples_per_second(const struct report *r, double seconds) {
    return r->p->batch / seconds;
}

static void add_part(struct table *t, const char *name, double seconds, double whole) {
    char text[32];
    table_row(t);
    table_cell(t, 0, name);
    snprintf(text, sizeof text, "%.3f", 1e3 * seconds);
    table_cell(t, 1, text);
    snprintf(text, sizeof text, "%.1f %%", 100 * seconds / whole);
    table_cell(t, 2, text);
}

static void print_step(const struct report *r) {
    static const struct table_column columns[] = {
        {"ms a step", false}, {"", true}, {"share", true}};
    const struct profile_step *s = &r->p->step;
    struct table t = table_open(columns, 3);
    add_part(&t, "forward", s->forward, s->all);
    add_part(&t, "backward", s->backward, s->all);
    add_part(&t, "update", s->update, s->all);
    add_part(&t, "waiting for data", s->wait, s->all);
    add_part(&t, "everything else", rest(s), s->all);
    add_part(&t, "step", s->all, s->all);
    table_mark(&t, "beside that");
    add_part(&t, "layers of the table above", r->p->nodes_sum, s->all);
    add_part(&t, "evaluation, spread over steps", r->evaluation, s->all);
    table_print(&t, stdout);
    table_close(&t);
    printf("the quickest of %d steps; each layer's times are the quickest of a few too\n\n",
           s->count);
}

// How much quicker a step could be than one that does everything: by the layers' times, with the
// update that there is in both cases. Beside it stand steps by the same clock.
static double ceiling(const struct profile *p, double nodes_sum, const struct profile_step *s) {
    return (p->full_sum + p->full.update) / (nodes_sum + s->update);
}

static double rule_of_thumb(const struct profile *p) {
    return 3 / (3 - 2 * p->frozen);
}

static void print_freezing(const struct report *r) {
    const struct profile *p = r->p;
    const double gain = p->full.work / p->step.work, most = ceiling(p, p->nodes_sum, &p->step);
    printf("everything thawed   %.3f ms a step, %.1f samples/s\n", 1e3 * p->full.work,
           samples_per_second(r, p->full.work));
    printf("this mask           %.3f ms a step, %.1f samples/s: %.2f times as fast\n",
           1e3 * p->step.work, samples_per_second(r, p->step.work), gain);
    printf("ceiling             %.2f by the layers' times and the update; reached %.0f %%\n", most,
           100 * gain / most);
    printf("rule of thumb       %.2f = 3/(3-2f), f = %.2f of the forward FLOPs in the frozen "
           "prefix\n",
           rule_of_thumb(p), p->frozen);
    if (p->kept.count == 0)
        return;
    const double kept = ceiling(p, p->kept_sum, &p->kept);
    printf("with the cache      %.3f ms a step, %.1f samples/s: %.2f times as fast; ceiling %.2f\n",
           1e3 * p->kept.work, samples_per_second(r, p->kept.work), p->full.work / p->kept.work,
           kept);
}

static void print_text(const struct report *r) {
    printf("machine  %.0f GFLOP/s by the register kernel (%s, %d thread%s), measured now; products "
           "count as direct\n         ones, so that Winograd's may go beyond\n\n",
           1e-9 * r->peak, kernels()->isa, pool_threads(r->t->pool),
           pool_threads(r->t->pool) == 1 ? "" : "s");
    profile_print_modules(r->t->plan, r->p->batch, r->p->nodes, r->peak, stdout);
    printf("\n");
    print_step(r);
    print_freezing(r);
}

static json_t *passes_json(const double *values, double unit) {
    return json_pack("[f, f, f]", unit * values[PROFILE_FORWARD], unit * values[PROFILE_DATA],
                     unit * values[PROFILE_WEIGHT]);
}

static json_t *modules_json(const struct report *r) {
    const struct model *m = r->t->model;
    json_t *modules = json_array();
    for (int module = 0; module < m->module_count; module++) {
        const struct profile_row row = profile_module(r->t->plan, r->p->batch, r->p->nodes, module);
        json_array_append_new(
            modules,
            json_pack("{s:s, s:s, s:i, s:o, s:o}", "name", m->modules[module].name, "kind",
                      m->modules[module].kind, "depth", m->modules[module].depth, "ms",
                      passes_json(row.seconds, 1e3), "gflop", passes_json(row.flops, 1e-9)));
    }
    return modules;
}

static json_t *step_json(const struct profile_step *s) {
    if (s->count == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i}", "work_ms", 1e3 * s->work, "ms",
                     1e3 * s->all, "forward_ms", 1e3 * s->forward, "backward_ms", 1e3 * s->backward,
                     "update_ms", 1e3 * s->update, "wait_ms", 1e3 * s->wait, "rest_ms",
                     1e3 * rest(s), "steps", s->count);
}

static void print_json(const struct report *r) {
    const struct profile *p = r->p;
    json_t *freezing = json_pack("{s:f, s:f, s:f, s:f}", "gain", p->full.work / p->step.work,
                                 "ceiling", ceiling(p, p->nodes_sum, &p->step), "rule_of_thumb",
                                 rule_of_thumb(p), "frozen_share", p->frozen);
    if (p->kept.count > 0) {
        json_object_set_new(freezing, "gain_cached", json_real(p->full.work / p->kept.work));
        json_object_set_new(freezing, "ceiling_cached",
                            json_real(ceiling(p, p->kept_sum, &p->kept)));
    }
    json_t *all = json_pack("{s:s, s:s, s:i, s:f, s:i, s:o, s:o, s:o, s:f, s:f, s:o, s:o}", "kind",
                            "profile", "isa", kernels()->isa, "threads", pool_threads(r->t->pool),
                            "peak_gflops", 1e-9 * r->peak, "batch", r->p->batch, "step",
                            step_json(&p->step), "all_thawed", step_json(&p->full), "cached",
                            step_json(&p->kept), "layers_ms", 1e3 * p->nodes_sum, "evaluation_ms",
                            1e3 * r->evaluation, "freezing", freezing, "modules", modules_json(r));
    json_dumpf(all, stdout, JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

int profile_training(struct training *t, bool json) {
    struct profile p;
    struct error error;
    if (!profile_measure(&p, t, &error)) {
        training_close(t);
        return cli_fail(&error);
    }
    struct report r = {t, &p, peak_flops(t->pool), 0};
    r.evaluation =
        p.evaluation / ((double)t->epoch_steps * (double)t->experiment->train.evaluate_every);
    if (json)
        print_json(&r);
    else
        print_text(&r);
    profile_close(&p);
    training_close(t);
    return 0;
}
