// What the runs of a sweep come to.
#include "base/xalloc.h"
#include "ui/cli/sweeping.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct spread spread_of(const double *values, int count) {
    struct spread s = {0};
    double squares = 0;
    for (int i = 0; i < count; i++)
        s.mean += values[i] / count;
    for (int i = 0; i < count; i++)
        squares += (values[i] - s.mean) * (values[i] - s.mean);
    s.deviation = count > 1 ? sqrt(squares / (count - 1)) : 0;
    if (count == 0)
        s.mean = NAN;
    return s;
}

// ---- Arms

static bool is_over(const struct sweep_run *run) {
    return run->state == SWEEP_DONE || run->state == SWEEP_DIVERGED;
}

// The last round of which all of an arm's runs are over; -1: none.
static int round_of(const struct sweeping *s, int arm) {
    int best = -1, round = -1;
    bool whole = true;
    for (int i = 0; i < s->run_count; i++) {
        if (s->runs[i].arm != arm)
            continue;
        if (s->runs[i].round != round) {
            best = round >= 0 && whole ? round : best;
            round = s->runs[i].round;
            whole = true;
        }
        whole &= is_over(&s->runs[i]);
    }
    return round >= 0 && whole ? round : best;
}

static double rate_of(const struct sweeping *s, int arm) {
    static const char key[] = "optim.lr=";
    double rate = s->base.optim.lr;
    const struct sweep_sets *sets = &s->sweep.arms[arm].sets;
    for (int i = 0; i < sets->count; i++)
        if (strncmp(sets->items[i], key, strlen(key)) == 0)
            text_to_real(sets->items[i] + strlen(key), &rate);
    return rate;
}

// A run that diverged tells nothing of parameters when it did so early.
static void add_run(struct sweep_cell *cell, const struct sweep_run *run) {
    cell->epochs = run->epochs;
    cell->runs++;
    cell->diverged += run->state == SWEEP_DIVERGED;
    cell->thawed = run->thawed > cell->thawed ? run->thawed : cell->thawed;
    cell->parameters = run->parameters > cell->parameters ? run->parameters : cell->parameters;
}

static struct sweep_cell cell_of(const struct sweeping *s, int arm) {
    struct sweep_cell cell = {.arm = arm, .rate = rate_of(s, arm)};
    int round = round_of(s, arm);
    double *values = xcalloc(3 * (size_t)s->run_count + 1, sizeof *values);
    double *validation = values, *test = values + s->run_count, *seconds = test + s->run_count;
    for (int i = 0; i < s->run_count; i++) {
        const struct sweep_run *run = &s->runs[i];
        if (run->arm != arm || run->round != round)
            continue;
        validation[cell.runs] = run->validation;
        test[cell.runs] = run->test;
        seconds[cell.runs] = run->seconds;
        add_run(&cell, run);
    }
    cell.validation = spread_of(validation, cell.runs);
    cell.test = spread_of(test, cell.runs);
    cell.seconds = spread_of(seconds, cell.runs);
    free(values);
    return cell;
}

// Further first, then better on validation. NAN is worse than any number.
static bool better(const struct sweep_cell *a, const struct sweep_cell *b) {
    if (a->epochs != b->epochs)
        return a->epochs > b->epochs;
    double x = isnan(a->validation.mean) ? -1 : a->validation.mean;
    double y = isnan(b->validation.mean) ? -1 : b->validation.mean;
    return x > y;
}

// ---- Variants

static void choose(struct sweep_results *r, int variant) {
    const struct sweep *sweep = &r->sweeping->sweep;
    struct sweep_choice *choice = &r->choices[variant];
    bool validated = true;
    *choice = (struct sweep_choice){.cell = -1};
    for (int i = 0; i < sweep->arm_count; i++) {
        if (sweep->arms[i].variant != variant)
            continue;
        choice->cells++;
        if (r->cells[i].runs == 0)
            continue;
        validated &= !isnan(r->cells[i].validation.mean);
        if (choice->cell < 0 || better(&r->cells[i], &r->cells[choice->cell]))
            choice->cell = i;
    }
    r->validated &= choice->cells < 2 || validated;
}

struct spread sweep_accuracy(const struct sweep_results *r, const struct sweep_cell *c) {
    return r->tested ? c->test : c->validation;
}

// Whether another variant is at least as good at no higher cost, and better or cheaper.
static bool is_dominated(const struct sweep_results *r, int variant, bool by_time) {
    const struct sweep_cell *mine = &r->cells[r->choices[variant].cell];
    double cost = by_time ? mine->seconds.mean : (double)mine->thawed;
    double accuracy = sweep_accuracy(r, mine).mean;
    for (int i = 0; i < r->sweeping->sweep.variant_count; i++) {
        if (i == variant || r->choices[i].cell < 0)
            continue;
        const struct sweep_cell *other = &r->cells[r->choices[i].cell];
        double its_cost = by_time ? other->seconds.mean : (double)other->thawed;
        double its_accuracy = sweep_accuracy(r, other).mean;
        if (its_cost <= cost && its_accuracy >= accuracy &&
            (its_cost < cost || its_accuracy > accuracy))
            return true;
    }
    return false;
}

static void mark_front(struct sweep_results *r, int variant) {
    struct sweep_choice *choice = &r->choices[variant];
    if (choice->cell < 0 || isnan(sweep_accuracy(r, &r->cells[choice->cell]).mean))
        return;
    choice->smallest = !is_dominated(r, variant, false);
    choice->fastest = !is_dominated(r, variant, true);
}

static char *warning_of(const struct sweep_results *r) {
    int single = 0, variants = r->sweeping->sweep.variant_count;
    for (int i = 0; i < variants; i++)
        single += r->choices[i].cells == 1;
    if (variants < 2 || single == 0)
        return NULL;
    return xprintf(
        "%d of %d variants %s tried at a single rate: what is best at one rate need not be "
        "at another; give several, as 'grid: {optim.lr: [0.01, 0.05, 0.2]}'",
        single, variants, single == 1 ? "is" : "are");
}

struct sweep_results sweep_results_of(const struct sweeping *s) {
    struct sweep_results r = {.sweeping = s, .tested = true, .validated = true};
    r.cells = xcalloc((size_t)s->sweep.arm_count, sizeof *r.cells);
    r.choices = xcalloc((size_t)s->sweep.variant_count, sizeof *r.choices);
    for (int i = 0; i < s->sweep.arm_count; i++) {
        r.cells[i] = cell_of(s, i);
        r.tested &= r.cells[i].runs == 0 || !isnan(r.cells[i].test.mean);
    }
    for (int i = 0; i < s->sweep.variant_count; i++)
        choose(&r, i);
    for (int i = 0; i < s->sweep.variant_count; i++)
        mark_front(&r, i);
    r.warning = warning_of(&r);
    return r;
}

void sweep_results_close(struct sweep_results *r) {
    free(r->cells);
    free(r->choices);
    free(r->warning);
    *r = (struct sweep_results){0};
}

// ---- Halving

static int by_quality(const void *a, const void *b) {
    const struct sweep_cell *x = *(const struct sweep_cell *const *)a;
    const struct sweep_cell *y = *(const struct sweep_cell *const *)b;
    if (better(x, y) || better(y, x))
        return better(x, y) ? -1 : 1;
    return x->arm - y->arm;
}

// Among the arms in the race, of one variant or (below 0) of all.
static void halve_among(struct sweeping *s, const struct sweep_results *r, int variant) {
    const struct sweep_cell **race = xcalloc((size_t)s->sweep.arm_count, sizeof *race);
    int count = 0;
    for (int i = 0; i < s->sweep.arm_count; i++)
        if (s->alive[i] && (variant < 0 || s->sweep.arms[i].variant == variant))
            race[count++] = &r->cells[i];
    qsort(race, (size_t)count, sizeof *race, by_quality);
    for (int i = sweep_keep(&s->sweep, count); i < count; i++)
        s->alive[race[i]->arm] = false;
    free(race);
}

void sweep_halve(struct sweeping *s) {
    struct sweep_results r = sweep_results_of(s);
    if (!s->sweep.within_variants)
        halve_among(s, &r, -1);
    for (int i = 0; s->sweep.within_variants && i < s->sweep.variant_count; i++)
        halve_among(s, &r, i);
    sweep_results_close(&r);
}
