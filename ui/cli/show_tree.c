// The layer tree and its totals, for a person to read.
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/cli/show.h"
#include "ui/cli/table.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, KIND, OUTPUT, COUNT, FORWARD, BACKWARD, STATE, STATISTICS, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    {"module", false}, {"kind", false},    {"output", false}, {"parameters", true},
    {"forward", true}, {"backward", true}, {"state", false},  {"stats", false},
};

// A BatchNorm's statistics stand still or move with the batches.
static const char *statistics_name(enum freeze_state state) {
    static const char *const names[] = {"fixed", "moving", "mixed", ""};
    return names[state];
}

static void cell_flops(struct table *t, int column, double flops) {
    char text[32];
    table_cell(t, column, flops > 0 ? text_si(flops, text) : "-");
}

static void cell_count(struct table *t, size_t count) {
    char text[32];
    table_cell(t, COUNT, count > 0 ? text_count(count, text) : "-");
}

static void cell_name(struct table *t, int depth, const char *name) {
    char *text = xprintf("%*s%s", 2 * depth, "", name);
    table_cell(t, NAME, text);
    free(text);
}

static const char *last_part(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static void add_module(struct table *t, const struct model *m, const struct show_facts *f,
                       int module) {
    const struct module *row = &m->modules[module];
    const struct show_module *facts = &f->modules[module];
    char text[32];
    table_row(t);
    cell_name(t, row->depth, module == 0 ? m->arch : last_part(row->name));
    table_cell(t, KIND, row->kind);
    table_cell(t, OUTPUT,
               facts->output < 0 ? "-" : shape_text(m->nodes[facts->output].shape, text));
    cell_count(t, facts->count);
    cell_flops(t, FORWARD, facts->forward);
    cell_flops(t, BACKWARD, facts->backward);
    table_cell(t, STATE,
               facts->drop                   ? plan_drop_name(facts->drop)
               : facts->state == STATE_EMPTY ? "-"
                                             : freeze_state_name(facts->state));
    table_cell(t, STATISTICS, statistics_name(facts->statistics));
}

// "64x3x7x7", as the outputs above are written.
static void cell_dims(struct table *t, const struct dims *d) {
    struct text text = {0};
    for (int i = 0; i < d->rank; i++)
        text_add(&text, "%s%" PRId64, i ? "x" : "", d->size[i]);
    if (text.data)
        table_cell(t, OUTPUT, text.data);
    text_free(&text);
}

static void add_param(struct table *t, const struct flags *flags, int param) {
    const struct model *m = flags->model;
    const struct param *p = &m->params[param];
    bool statistic = freeze_is_statistic(p);
    table_row(t);
    cell_name(t, m->modules[p->module].depth + 1, statistic ? "statistics" : last_part(p->name));
    if (p->storage != param) {
        char *tie = xprintf("= %s", m->params[p->storage].name);
        table_cell(t, KIND, tie);
        free(tie);
    }
    cell_dims(t, &p->dims);
    if (statistic) {
        table_cell(t, STATISTICS, flags->thawed[param] ? "moving" : "fixed");
        return;
    }
    cell_count(t, p->count);
    table_cell(t, STATE, flags->thawed[param] ? "thawed" : "frozen");
}

// Statistics, which move as one, get one row.
static void add_params(struct table *t, const struct flags *flags, int module) {
    const struct module *m = &flags->model->modules[module];
    bool statistics = false;
    for (int p = m->first_param; p < m->first_param + m->param_count; p++) {
        bool statistic = freeze_is_statistic(&flags->model->params[p]);
        if (!statistic || !statistics)
            add_param(t, flags, p);
        statistics |= statistic;
    }
}

static void add_mark(struct table *t, const struct plan *plan) {
    char floats[32], bytes[32];
    if (!plan->trains) {
        table_mark(t, "nothing is thawed: there is no backward");
        return;
    }
    if (plan->cut.forward == 0) {
        table_mark(t, "no gradient is needed above; a cache would save nothing");
        return;
    }
    char *text = xprintf("no gradient is needed above; a cache keeps %s floats (%s) a sample",
                         text_count(plan->cut.floats, floats),
                         text_bytes((double)(plan->cut.floats * sizeof(float)), bytes));
    table_mark(t, text);
    free(text);
}

static void print_rows(const struct show_subject *s, const struct show_facts *f, bool params) {
    const struct model *m = s->setup.model;
    struct table t = table_open(columns, COLUMNS);
    for (int module = 0; module <= m->module_count; module++) {
        if (module == f->prefix_end && f->prefix > 0)
            add_mark(&t, s->plan);
        if (module == m->module_count)
            break;
        add_module(&t, m, f, module);
        if (params)
            add_params(&t, &s->flags, module);
    }
    table_print(&t, stdout);
    table_close(&t);
}

static void print_head(const struct show_subject *s) {
    const struct model *m = s->setup.model;
    const struct experiment *e = &s->experiment;
    char shape[32];
    printf("model    %s: input %s, %d classes\n", m->arch, shape_text(m->nodes[0].shape, shape),
           m->classes);
    if (s->from_file)
        printf("data     %s: %d to learn from\n", s->setup.data.train->name,
               s->setup.data.train->count);
    printf("weights  %s\n", e->model.weights[0] ? e->model.weights : "from initialisation");
    struct text report = {0};
    load_report_text(&s->setup.report, m, &report);
    char *line, *rest = report.data;
    while ((line = strsep(&rest, "\n")))
        if (*line)
            printf("         %s\n", line);
    text_free(&report);
    for (int i = 0; i < s->rule_count; i++)
        printf("%-8s %s\n", i == 0 ? "rules" : "", s->rules[i]);
    printf("bn       %s\n", bn_policy_name(s->bn));
    printf("batch    %d; FLOPs are per image\n\n", s->plan->options.n);
}

// The saving of one figure: "66.5 %".
static void add_total(struct table *t, const char *name, double now, double full,
                      const char *(*text)(double, char[32])) {
    char number[32];
    table_row(t);
    table_cell(t, 0, name);
    table_cell(t, 1, text(now, number));
    table_cell(t, 2, text(full, number));
    snprintf(number, sizeof number, "%.1f %%", full > 0 ? 100 * (1 - now / full) : 0.0);
    table_cell(t, 3, number);
}

static void print_totals(const struct show_subject *s) {
    static const struct table_column titles[] = {
        {"FLOPs per image", false}, {"this plan", true}, {"full training", true}, {"saved", true}};
    const struct plan_cost *now = &s->plan->cost, *full = &s->full->cost;
    struct table t = table_open(titles, 4);
    add_total(&t, "forward", now->forward, full->forward, text_si);
    add_total(&t, "backward, activations", now->data, full->data, text_si);
    add_total(&t, "backward, weights", now->weight, full->weight, text_si);
    add_total(&t, "all three", now->forward + now->data + now->weight,
              full->forward + full->data + full->weight, text_si);
    char *memory = xprintf("memory, batch of %d", s->plan->options.n);
    add_total(&t, memory, (double)now->bytes, (double)full->bytes, text_bytes);
    free(memory);
    table_print(&t, stdout);
    table_close(&t);
}

static const char *times(double factor, char out[32]) {
    if (factor >= 1000)
        return text_count((uint64_t)(factor + 0.5), out);
    snprintf(out, 32, "%.3g", factor);
    return out;
}

// Where the tensors of the cut come from: "layer3.1", or "global_pool of resnet20".
static void print_cut(const struct show_subject *s, const struct show_facts *f) {
    const struct plan_cut *cut = &s->plan->cut;
    const struct model *m = s->setup.model;
    char shape[32], flops[32];
    printf("cache    saves %s FLOPs per image by keeping", text_si(cut->forward, flops));
    for (int i = 0; i < cut->count; i++) {
        const struct node *node = &m->nodes[cut->nodes[i]];
        const char *module = m->modules[node->module].name;
        printf("%s %s", i == 0 ? "" : " and", shape_text(node->shape, shape));
        if (!node->op)
            printf(" (the input)");
        else if (f->modules[node->module].output == cut->nodes[i])
            printf(" from %s", module);
        else
            printf(" from %s of %s", node->op->name, *module ? module : m->arch);
    }
    printf("\n");
}

void show_tree_print(const struct show_subject *s, const struct show_facts *f, bool params) {
    char count[32], thawed[32], speedup[32];
    const struct show_module *root = &f->modules[0];
    print_head(s);
    print_rows(s, f, params);
    printf("\n%s parameters, %s thawed (%.1f %%)\n\n", text_count(root->count, count),
           text_count(root->thawed, thawed), 100.0 * (double)root->thawed / (double)root->count);
    print_totals(s);
    if (!s->plan->trains)
        return;
    printf("\nspeed-up at most %sx by FLOPs", times(f->speedup, speedup));
    if (s->plan->cut.forward > 0)
        printf(", %sx with the prefix cached", times(f->cached_speedup, speedup));
    printf("\n");
    if (s->plan->cut.forward > 0)
        print_cut(s, f);
}
