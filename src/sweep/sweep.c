#include "sweep/sweep.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "sweep/sweep_parts.h"
#include <stdlib.h>
#include <string.h>

void sweep_sets_add(struct sweep_sets *s, char *item) {
    s->items = xrealloc(s->items, ((size_t)s->count + 1) * sizeof *s->items);
    s->items[s->count++] = item;
}

void sweep_sets_close(struct sweep_sets *s) {
    for (int i = 0; i < s->count; i++)
        free(s->items[i]);
    free(s->items);
    *s = (struct sweep_sets){0};
}

void sweep_plan_close(struct sweep_plan *p) {
    for (int i = 0; i < p->variant_count; i++) {
        free(p->variants[i].name);
        sweep_sets_close(&p->variants[i].sets);
    }
    for (int i = 0; i < p->axis_count; i++)
        sweep_sets_close(&p->axes[i].values);
    free(p->variants);
    *p = (struct sweep_plan){0};
}

void sweep_close(struct sweep *s) {
    for (int i = 0; i < s->arm_count; i++) {
        free(s->arms[i].name);
        sweep_sets_close(&s->arms[i].sets);
    }
    for (int i = 0; i < s->variant_count; i++)
        free(s->variants[i]);
    free(s->experiment);
    sweep_sets_close(&s->sets);
    free(s->variants);
    free(s->arms);
    free(s->seeds);
    *s = (struct sweep){0};
}

bool sweep_is_rate(const struct experiment_key *key) {
    return strcmp(key->path, "optim.lr") == 0;
}

// ---- Names

// "optim.lr=0.05" as "lr0.05", "freeze.rules=[thaw head]" as "rules-thaw-head".
static void add_label(struct text *name, const char *set) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+";
    const char *equals = strchr(set, '='), *start = equals;
    while (start > set && start[-1] != '.')
        start--;
    text_add(name, "%s%.*s", name->length ? "-" : "", (int)(equals - start), start);
    for (const char *at = equals + 1; *at; at++)
        if (strchr(plain, *at))
            text_add(name, "%c", *at);
        else if (name->data[name->length - 1] != '-' && at[1])
            text_add(name, "-");
}

// ---- Multiplying out

// The values of each axis that a combination has, the last axis running fastest.
static void choose(const struct sweep_plan *p, int combination, int chosen[SWEEP_AXES]) {
    for (int i = p->axis_count - 1; i >= 0; i--) {
        chosen[i] = combination % p->axes[i].values.count;
        combination /= p->axes[i].values.count;
    }
}

static void add_sets(struct sweep_sets *to, const struct sweep_sets *from) {
    for (int i = 0; i < from->count; i++)
        sweep_sets_add(to, xstrdup(from->items[i]));
}

// The variant is new when its name is not that of the arm before.
static void enter_variant(struct sweep *s, const char *name) {
    if (s->variant_count > 0 && strcmp(s->variants[s->variant_count - 1], name) == 0)
        return;
    s->variants = xrealloc(s->variants, ((size_t)s->variant_count + 1) * sizeof *s->variants);
    s->variants[s->variant_count++] = xstrdup(name);
}

static void add_arm(struct sweep *s, const struct sweep_plan *p, const struct sweep_variant *v,
                    int combination) {
    int chosen[SWEEP_AXES];
    struct text name = {0};
    struct sweep_arm arm = {.line = v->line, .column = v->column};
    const char *rate = NULL;
    choose(p, combination, chosen);
    if (v->name)
        text_add(&name, "%s", v->name);
    add_sets(&arm.sets, &v->sets);
    for (int i = 0; i < p->axis_count; i++) {
        const char *set = p->axes[i].values.items[chosen[i]];
        sweep_sets_add(&arm.sets, xstrdup(set));
        if (sweep_is_rate(p->axes[i].key))
            rate = set;
        else
            add_label(&name, set);
    }
    enter_variant(s, name.length ? name.data : "experiment");
    arm.variant = s->variant_count - 1;
    if (rate)
        add_label(&name, rate);
    arm.name = name.length ? name.data : xstrdup("experiment");
    s->arms[s->arm_count++] = arm;
}

// Arms of a variant stand together when the rates run fastest.
static void rates_last(struct sweep_plan *p) {
    for (int i = 0; i + 1 < p->axis_count; i++)
        if (sweep_is_rate(p->axes[i].key)) {
            struct sweep_axis rates = p->axes[i];
            p->axes[i] = p->axes[i + 1];
            p->axes[i + 1] = rates;
        }
}

static int by_name(const void *a, const void *b) {
    const struct sweep_arm *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static bool check_names(const struct sweep *s, struct error *error) {
    const struct sweep_arm **sorted = xcalloc((size_t)s->arm_count, sizeof *sorted);
    bool ok = true;
    for (int i = 0; i < s->arm_count; i++)
        sorted[i] = &s->arms[i];
    qsort(sorted, (size_t)s->arm_count, sizeof *sorted, by_name);
    for (int i = 1; ok && i < s->arm_count; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            ok = error_set(error,
                           "two runs would have the name '%s'; leave one of equal values, or "
                           "name them as variants",
                           sorted[i]->name);
    free(sorted);
    return ok;
}

bool sweep_multiply(struct sweep *s, const struct sweep_plan *plan, struct error *error) {
    struct sweep_plan p = *plan;
    struct sweep_variant alone = {.line = p.line, .column = p.column};
    int variants = p.variant_count ? p.variant_count : 1;
    int64_t combinations = 1;
    rates_last(&p);
    for (int i = 0; i < p.axis_count; i++) {
        combinations *= p.axes[i].values.count;
        if (combinations * variants > SWEEP_ARMS)
            return error_set(error, "more than %d combinations; give fewer values", SWEEP_ARMS);
    }
    s->arms = xcalloc((size_t)(combinations * variants), sizeof *s->arms);
    for (int v = 0; v < variants; v++)
        for (int i = 0; i < combinations; i++)
            add_arm(s, &p, p.variant_count ? &p.variants[v] : &alone, i);
    return check_names(s, error);
}

// ---- Halving

int64_t sweep_round_epochs(const struct sweep *s, int round, int64_t epochs) {
    int64_t here = s->first_epochs;
    for (int i = 0; i < round && here < epochs; i++)
        here *= s->factor;
    return s->factor == 0 || here > epochs ? epochs : here;
}

int sweep_keep(const struct sweep *s, int count) {
    int factor = (int)s->factor;
    return (count + factor - 1) / factor;
}
