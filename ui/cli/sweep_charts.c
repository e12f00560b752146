// What thaw sweep draws: accuracy over parameters, over time and over the rate.
#include "base/xalloc.h"
#include "ui/cli/sweeping.h"
#include <math.h>
#include <stdlib.h>

enum { NUMBERS = 3 }; // of a point: x, y, spread

static double *numbers(struct sweep_charts *c, int count) {
    double *at = c->numbers + c->number_count;
    c->number_count += count;
    return at;
}

static struct chart_line *begin_line(struct sweep_charts *c, int count) {
    struct chart_line *l = &c->lines[c->line_count++];
    double *at = numbers(c, NUMBERS * count);
    *l = (struct chart_line){.x = at, .y = at + count, .spread = at + 2 * count};
    return l;
}

// The numbers of a line are its own, but const for those who draw it.
static void add_point(struct sweep_charts *c, struct chart_line *l, double x, struct spread y) {
    c->numbers[l->x - c->numbers + l->count] = x;
    c->numbers[l->y - c->numbers + l->count] = y.mean;
    c->numbers[l->spread - c->numbers + l->count] = y.deviation;
    l->count++;
}

// ---- Over a cost

static double cost_of(const struct sweep_cell *c, bool time) {
    return time ? c->seconds.mean : (double)c->thawed;
}

static bool on_front(const struct sweep_choice *choice, bool time) {
    return choice->cell >= 0 && (time ? choice->fastest : choice->smallest);
}

// Variants of the front, by rising cost: the next one after `above`; -1: none.
static int next_on_front(const struct sweep_results *r, double above, bool time) {
    int next = -1;
    for (int i = 0; i < r->sweeping->sweep.variant_count; i++) {
        if (!on_front(&r->choices[i], time))
            continue;
        double cost = cost_of(&r->cells[r->choices[i].cell], time);
        if (cost > above && (next < 0 || cost < cost_of(&r->cells[r->choices[next].cell], time)))
            next = i;
    }
    return next;
}

static void add_front(struct sweep_charts *c, const struct sweep_results *r, bool time) {
    struct chart_line *l = begin_line(c, r->sweeping->sweep.variant_count);
    double above = -INFINITY;
    for (int i; (i = next_on_front(r, above, time)) >= 0;) {
        const struct sweep_cell *cell = &r->cells[r->choices[i].cell];
        above = cost_of(cell, time);
        add_point(c, l, above, sweep_accuracy(r, cell));
    }
    l->index = -1;
    l->label = "Pareto front";
    l->spread = NULL;
    l->joined = true;
}

static void add_variant(struct sweep_charts *c, const struct sweep_results *r, int variant,
                        bool time) {
    const struct sweep_choice *choice = &r->choices[variant];
    struct chart_line *l = begin_line(c, 1);
    bool *ring = &c->rings[c->line_count - 1];
    *ring = on_front(choice, time);
    l->label = r->sweeping->sweep.variants[variant];
    l->index = variant;
    l->ringed = ring;
    l->points = true;
    if (choice->cell >= 0)
        add_point(c, l, cost_of(&r->cells[choice->cell], time),
                  sweep_accuracy(r, &r->cells[choice->cell]));
}

static void add_cost_chart(struct sweep_charts *c, const struct sweep_results *r, bool time) {
    static const char *const titles[2][2] = {
        {"validation accuracy against parameters trained", "validation accuracy against time"},
        {"test accuracy against parameters trained", "test accuracy against time"}};
    const struct chart_line *first = c->lines + c->line_count;
    add_front(c, r, time);
    for (int i = 0; i < r->sweeping->sweep.variant_count; i++)
        add_variant(c, r, i, time);
    c->charts[c->count++] = (struct chart){
        .title = titles[r->tested][time],
        .x = {.title = time ? "seconds of training" : "parameters trained", .log = true},
        .y = {.title = r->tested ? "test accuracy" : "validation accuracy", .percent = true},
        .lines = first,
        .line_count = 1 + r->sweeping->sweep.variant_count};
}

// ---- Over the rate, by what it is chosen by

static void add_rates(struct sweep_charts *c, const struct sweep_results *r, int variant) {
    const struct sweep *sweep = &r->sweeping->sweep;
    struct chart_line *l = begin_line(c, r->choices[variant].cells);
    l->label = sweep->variants[variant];
    l->index = variant;
    l->points = l->joined = true;
    for (;;) {
        int next = -1;
        for (int i = 0; i < sweep->arm_count; i++) {
            const struct sweep_cell *cell = &r->cells[i];
            bool later = l->count == 0 || cell->rate > l->x[l->count - 1];
            if (sweep->arms[i].variant == variant && cell->runs > 0 && later &&
                (next < 0 || cell->rate < r->cells[next].rate))
                next = i;
        }
        if (next < 0)
            return;
        add_point(c, l, r->cells[next].rate, r->cells[next].validation);
    }
}

static void add_rate_chart(struct sweep_charts *c, const struct sweep_results *r) {
    const struct chart_line *first = c->lines + c->line_count;
    bool several = false;
    for (int i = 0; i < r->sweeping->sweep.variant_count; i++)
        several |= r->choices[i].cells > 1;
    if (!several)
        return;
    for (int i = 0; i < r->sweeping->sweep.variant_count; i++)
        add_rates(c, r, i);
    c->charts[c->count++] = (struct chart){.title = "validation accuracy against the rate",
                                           .x = {.title = "optim.lr", .log = true},
                                           .y = {.title = "validation accuracy", .percent = true},
                                           .lines = first,
                                           .line_count = r->sweeping->sweep.variant_count};
}

struct sweep_charts sweep_charts_open(const struct sweep_results *r) {
    size_t variants = (size_t)r->sweeping->sweep.variant_count;
    size_t arms = (size_t)r->sweeping->sweep.arm_count;
    // Two charts with a front and a point for each variant, one with a point for each arm.
    struct sweep_charts c = {.numbers = xcalloc(NUMBERS * (4 * variants + arms), sizeof(double)),
                             .lines = xcalloc(2 + 3 * variants, sizeof *c.lines),
                             .rings = xcalloc(2 + 3 * variants, sizeof *c.rings)};
    add_cost_chart(&c, r, false);
    add_cost_chart(&c, r, true);
    add_rate_chart(&c, r);
    return c;
}

void sweep_charts_close(struct sweep_charts *c) {
    free(c->numbers);
    free(c->lines);
    free(c->rings);
    *c = (struct sweep_charts){0};
}
