// What thaw sweep prints and tells in JSON.
#include "base/xalloc.h"
#include "ui/cli/sweeping.h"
#include "ui/cli/table.h"
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void cell(struct table *t, int column, char *text) {
    table_cell(t, column, text);
    free(text);
}

static char *percent(struct spread s, int count, bool ascii) {
    if (isnan(s.mean))
        return xstrdup("-");
    if (count < 2)
        return xprintf("%.1f %%", 100 * s.mean);
    return xprintf("%.1f %s %.1f %%", 100 * s.mean, ascii ? "+-" : "±", 100 * s.deviation);
}

// ---- Variants

static const struct table_column columns[] = {
    {"variant", false}, {"rate", true},       {"of", true},   {"runs", true}, {"trained", true},
    {"seconds", true},  {"validation", true}, {"test", true}, {"best", false}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static char *trained(const struct sweep_cell *c) {
    char count[32];
    if (c->parameters == 0)
        return xstrdup("-");
    return xprintf("%s (%.3g %%)", text_count((uint64_t)c->thawed, count),
                   100 * (double)c->thawed / (double)c->parameters);
}

// "for its size and time; 2 runs diverged"
static char *remarks(const struct sweep_results *r, const struct sweep_choice *choice) {
    const struct sweep_cell *c = &r->cells[choice->cell];
    int64_t all = r->sweeping->base.train.epochs;
    struct text t = {0};
    if (choice->smallest || choice->fastest)
        text_add(&t, "for its %s%s%s", choice->smallest ? "size" : "",
                 choice->smallest && choice->fastest ? " and " : "", choice->fastest ? "time" : "");
    if (r->sweeping->sweep.factor && c->epochs < all)
        text_add(&t, "%sout after %" PRId64 " epochs", t.length ? "; " : "", c->epochs);
    if (c->diverged)
        text_add(&t, "%s%d diverged", t.length ? "; " : "", c->diverged);
    return t.data ? t.data : xstrdup("");
}

static void add_variant(struct table *t, const struct sweep_results *r, int variant, bool ascii) {
    const struct sweep_choice *choice = &r->choices[variant];
    table_row(t);
    table_cell(t, 0, r->sweeping->sweep.variants[variant]);
    cell(t, 2, xprintf("%d", choice->cells));
    if (choice->cell < 0)
        return;
    const struct sweep_cell *c = &r->cells[choice->cell];
    cell(t, 1, xprintf("%g", c->rate));
    cell(t, 3, xprintf("%d", c->runs));
    cell(t, 4, trained(c));
    cell(t, 5, xprintf("%.1f", c->seconds.mean));
    cell(t, 6, percent(c->validation, c->runs, ascii));
    cell(t, 7, percent(c->test, c->runs, ascii));
    cell(t, 8, remarks(r, choice));
}

static void print_variants(const struct sweep_results *r, bool ascii, FILE *out) {
    struct table t = table_open(columns, COLUMNS);
    for (int i = 0; i < r->sweeping->sweep.variant_count; i++)
        add_variant(&t, r, i, ascii);
    table_print(&t, out);
    table_close(&t);
    fprintf(
        out,
        "rate: the best on validation of so many; mean %s standard deviation over the runs; "
        "seconds: of training alone;\nbest: no other variant is as good with as few parameters, "
        "or in as little time\n",
        ascii ? "+-" : "±");
}

// ---- Rates

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The different ones, rising; returns how many.
static int rates_of(const struct sweep_results *r, double *out) {
    int count = 0, kept = 0;
    for (int i = 0; i < r->sweeping->sweep.arm_count; i++)
        if (r->cells[i].runs > 0)
            out[count++] = r->cells[i].rate;
    qsort(out, (size_t)count, sizeof *out, by_value);
    for (int i = 0; i < count; i++)
        if (kept == 0 || out[i] > out[kept - 1])
            out[kept++] = out[i];
    return kept;
}

static void add_rates(struct table *t, const struct sweep_results *r, int variant,
                      const double *rates, int count, bool ascii) {
    const struct sweep *sweep = &r->sweeping->sweep;
    table_row(t);
    table_cell(t, 0, sweep->variants[variant]);
    for (int i = 0; i < sweep->arm_count; i++)
        for (int k = 0; k < count; k++) {
            const struct sweep_cell *c = &r->cells[i];
            if (sweep->arms[i].variant != variant || c->runs == 0 || c->rate != rates[k])
                continue;
            char *text = percent(c->validation, c->runs, ascii);
            cell(t, k + 1, xprintf("%s%s", text, r->choices[variant].cell == i ? " *" : "  "));
            free(text);
        }
}

static void print_rates(const struct sweep_results *r, bool ascii, FILE *out) {
    const struct sweep *sweep = &r->sweeping->sweep;
    double *rates = xcalloc((size_t)sweep->arm_count, sizeof *rates);
    int count = rates_of(r, rates);
    struct table_column *titles = xcalloc((size_t)count + 1, sizeof *titles);
    char(*names)[32] = xcalloc((size_t)count + 1, sizeof *names);
    titles[0].title = "validation at the rate";
    for (int k = 0; k < count; k++) {
        snprintf(names[k], sizeof names[k], "%g  ", rates[k]);
        titles[k + 1] = (struct table_column){names[k], true};
    }
    struct table t = table_open(titles, count + 1);
    for (int i = 0; i < sweep->variant_count; i++)
        add_rates(&t, r, i, rates, count, ascii);
    if (count > 1) {
        fputc('\n', out);
        table_print(&t, out);
    }
    table_close(&t);
    free(titles);
    free(names);
    free(rates);
}

void sweep_print_tables(const struct sweep_results *r, bool ascii, FILE *out) {
    print_variants(r, ascii, out);
    print_rates(r, ascii, out);
}

// ---- JSON

static json_t *real(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *spread_json(struct spread s) {
    return json_pack("{s:o, s:o}", "mean", real(s.mean), "deviation", real(s.deviation));
}

static json_t *cell_json(const struct sweep_results *r, int index) {
    const struct sweep_cell *c = &r->cells[index];
    return json_pack("{s:s, s:f, s:I, s:i, s:i, s:o, s:o, s:o, s:I, s:I}", "name",
                     r->sweeping->sweep.arms[index].name, "rate", c->rate, "epochs",
                     (json_int_t)c->epochs, "runs", c->runs, "diverged", c->diverged, "validation",
                     spread_json(c->validation), "test", spread_json(c->test), "seconds",
                     spread_json(c->seconds), "trained", (json_int_t)c->thawed, "parameters",
                     (json_int_t)c->parameters);
}

static json_t *variant_json(const struct sweep_results *r, int variant) {
    const struct sweep *sweep = &r->sweeping->sweep;
    const struct sweep_choice *choice = &r->choices[variant];
    json_t *arms = json_array();
    for (int i = 0; i < sweep->arm_count; i++)
        if (sweep->arms[i].variant == variant)
            json_array_append_new(arms, cell_json(r, i));
    return json_pack("{s:s, s:o, s:b, s:b, s:o}", "name", sweep->variants[variant], "chosen",
                     choice->cell < 0 ? json_null() : cell_json(r, choice->cell),
                     "best_for_parameters", choice->smallest, "best_for_time", choice->fastest,
                     "arms", arms);
}

static json_t *run_json(const struct sweep *sweep, const struct sweep_run *run) {
    static const char *const states[] = {"new", "half", "done", "diverged"};
    const struct sweep_arm *arm = &sweep->arms[run->arm];
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:o, s:o, s:f}", "directory", run->directory,
                     "variant", sweep->variants[arm->variant], "arm", arm->name, "seed",
                     (json_int_t)run->seed, "epochs", (json_int_t)run->epochs, "state",
                     states[run->state], "validation", real(run->validation), "test",
                     real(run->test), "seconds", run->seconds);
}

void sweep_print_json(const struct sweep_results *r, FILE *out) {
    const struct sweeping *s = r->sweeping;
    json_t *variants = json_array(), *runs = json_array(), *warnings = json_array();
    for (int i = 0; i < s->sweep.variant_count; i++)
        json_array_append_new(variants, variant_json(r, i));
    for (int i = 0; i < s->run_count; i++)
        json_array_append_new(runs, run_json(&s->sweep, &s->runs[i]));
    if (r->warning)
        json_array_append_new(warnings, json_string(r->warning));
    json_t *whole =
        json_pack("{s:o, s:o, s:o}", "variants", variants, "runs", runs, "warnings", warnings);
    json_dumpf(whole, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    json_decref(whole);
}
