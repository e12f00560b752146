// The time of each module and operation, for a person to read.
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/cli/profile.h"
#include "ui/cli/table.h"
#include <stdlib.h>
#include <string.h>

enum { NAME, FORWARD, DATA = 3, WEIGHT = 5, ALL = 7, SHARE, PEAK, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    {"ms a step", false}, {"forward", true},     {"GFLOP/s", true}, {"data grad", true},
    {"GFLOP/s", true},    {"weight grad", true}, {"GFLOP/s", true}, {"all", true},
    {"share", true},      {"of peak", true},
};

static bool multiplies(const struct operation *op) {
    return op == &op_conv2d || op == &op_linear || op == &op_token_linear || op == &op_attention ||
           op == &op_attention_packed;
}

static void add_node(struct profile_row *row, const struct plan *plan, int batch,
                     const struct node_times *nodes, int index) {
    const struct node_times t = nodes[index];
    const double n = multiplies(plan->model->nodes[index].op) ? batch : 0;
    const struct op_flops flops = plan_flops(plan, index);
    row->seconds[PROFILE_FORWARD] += t.forward;
    row->seconds[PROFILE_DATA] += t.data;
    row->seconds[PROFILE_WEIGHT] += t.weight;
    row->flops[PROFILE_FORWARD] += n * flops.forward;
    row->flops[PROFILE_DATA] += n * flops.data;
    row->flops[PROFILE_WEIGHT] += n * flops.weight;
}

struct profile_row profile_module(const struct plan *plan, int batch,
                                  const struct node_times *nodes, int module) {
    const struct model *m = plan->model;
    struct profile_row row = {0};
    for (int i = 1; i < m->node_count; i++)
        if (m->nodes[i].module >= module && m->nodes[i].module < m->modules[module].end)
            add_node(&row, plan, batch, nodes, i);
    return row;
}

static struct profile_row of_operation(const struct plan *plan, int batch,
                                       const struct node_times *nodes, const struct operation *op) {
    struct profile_row row = {0};
    for (int i = 1; i < plan->model->node_count; i++)
        if (plan->model->nodes[i].op == op)
            add_node(&row, plan, batch, nodes, i);
    return row;
}

double profile_seconds(const struct profile_row *row) {
    return row->seconds[PROFILE_FORWARD] + row->seconds[PROFILE_DATA] +
           row->seconds[PROFILE_WEIGHT];
}

double profile_flops(const struct profile_row *row) {
    return row->flops[PROFILE_FORWARD] + row->flops[PROFILE_DATA] + row->flops[PROFILE_WEIGHT];
}

// Milliseconds, and the speed of the products among what took them.
static void cell_pass(struct table *t, int column, const struct profile_row *row,
                      enum profile_pass pass) {
    char text[32];
    const double seconds = row->seconds[pass], flops = row->flops[pass];
    snprintf(text, sizeof text, "%.3f", 1e3 * seconds);
    table_cell(t, column, seconds > 0 ? text : "-");
    snprintf(text, sizeof text, "%.0f", 1e-9 * flops / seconds);
    table_cell(t, column + 1, seconds > 0 && flops > 0 ? text : "-");
}

static void cell_share(struct table *t, int column, double share) {
    char text[32];
    snprintf(text, sizeof text, "%.1f %%", 100 * share);
    table_cell(t, column, share > 0 ? text : "-");
}

static void add_row(struct table *t, const char *name, int depth, const struct profile_row *row,
                    double whole, double peak) {
    char text[32], *indented = xprintf("%*s%s", 2 * depth, "", name);
    const double seconds = profile_seconds(row);
    table_row(t);
    table_cell(t, NAME, indented);
    cell_pass(t, FORWARD, row, PROFILE_FORWARD);
    cell_pass(t, DATA, row, PROFILE_DATA);
    cell_pass(t, WEIGHT, row, PROFILE_WEIGHT);
    snprintf(text, sizeof text, "%.3f", 1e3 * seconds);
    table_cell(t, ALL, text);
    cell_share(t, SHARE, seconds / whole);
    cell_share(t, PEAK, profile_flops(row) / seconds / peak);
    free(indented);
}

static const char *last_part(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

void profile_print_modules(const struct plan *plan, int batch, const struct node_times *nodes,
                           double peak, FILE *out) {
    const struct model *m = plan->model;
    const struct profile_row all = profile_module(plan, batch, nodes, 0);
    const double whole = profile_seconds(&all);
    struct table t = table_open(columns, COLUMNS);
    for (int module = 0; module < m->module_count; module++) {
        const struct profile_row row = profile_module(plan, batch, nodes, module);
        if (profile_seconds(&row) >= 0.001 * whole)
            add_row(&t, module ? last_part(m->modules[module].name) : m->arch,
                    m->modules[module].depth, &row, whole, peak);
    }
    table_mark(&t, "the same by operation");
    for (int k = 0; operations[k]; k++) {
        const struct profile_row row = of_operation(plan, batch, nodes, operations[k]);
        if (profile_seconds(&row) > 0)
            add_row(&t, operations[k]->name, 0, &row, whole, peak);
    }
    table_print(&t, out);
    table_close(&t);
}
