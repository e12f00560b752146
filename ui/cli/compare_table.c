// What thaw compare prints and tells in JSON.
#include "base/xalloc.h"
#include "ui/cli/compare.h"
#include "ui/cli/table.h"
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *compare_value(const struct experiment *e, const struct experiment_key *key) {
    struct text t = {0};
    experiment_text_value(&t, e, key);
    return t.data;
}

// Names are told by the rows.
bool compare_differs(const struct comparison *c, const struct experiment_key *key) {
    if (strcmp(key->path, "name") == 0)
        return false;
    for (int i = 1; i < c->run_count; i++)
        if (!experiment_same(&c->runs[0].experiment, &c->runs[i].experiment, key))
            return true;
    return false;
}

// ---- The table

static const struct table_column columns[] = {
    {"", false},       {"run", false},  {"experiment", false}, {"state", false},
    {"trained", true}, {"steps", true}, {"seconds", true},     {"best", true},
    {"last", true},    {"test", true},  {"thawed", false},     {"old task", true}};
enum { COLUMNS = sizeof columns / sizeof columns[0], SOURCE = COLUMNS - 1 };

static void cell(struct table *t, int column, char *text) {
    table_cell(t, column, text);
    free(text);
}

static char *percent(double share) {
    return isnan(share) ? xstrdup("-") : xprintf("%.1f %%", 100 * share);
}

static char *source(const struct run_branch *b) {
    if (isnan(b->source) || isnan(b->source_before))
        return percent(b->source);
    return xprintf("%.1f %% (%+.1f)", 100 * b->source, 100 * (b->source - b->source_before));
}

static char *trained(const struct run_branch *b) {
    char count[32];
    if (b->parameters == 0)
        return xstrdup("-");
    return xprintf("%s (%.3g %%)", text_count((uint64_t)b->thawed, count),
                   100 * (double)b->thawed / (double)b->parameters);
}

// A branch that was left is over, though not at its end.
static const char *state_of(const struct compared *row) {
    const struct run_report *r = row->run;
    bool newest = row->branch == &r->branches[r->branch_count - 1];
    if (!newest)
        return "left";
    return r->finished ? "finished" : r->diverged ? "diverged" : "not finished";
}

static bool any_source(const struct comparison *c) {
    for (int i = 0; i < c->row_count; i++)
        if (!isnan(c->rows[i].branch->source))
            return true;
    return false;
}

static void add_row(struct table *t, const struct compared *row, int index) {
    const struct run_branch *b = row->branch;
    table_row(t);
    if (index < COMPARE_DRAWN)
        cell(t, 0, xprintf("%c", 'a' + index));
    table_cell(t, 1, b->name);
    table_cell(t, 2, row->run->experiment.name);
    table_cell(t, 3, state_of(row));
    cell(t, 4, trained(b));
    cell(t, 5, xprintf("%" PRId64, b->steps));
    cell(t, 6, xprintf("%.1f", b->seconds));
    cell(t, 7, percent(b->best));
    cell(t, 8, percent(b->last));
    cell(t, 9, percent(b->test));
    cell(t, 10, run_report_thawed(row->run, b));
    if (t->column_count > SOURCE)
        cell(t, SOURCE, source(b));
}

void compare_print_table(const struct comparison *c, FILE *out) {
    struct table t = table_open(columns, any_source(c) ? COLUMNS : SOURCE);
    for (int i = 0; i < c->row_count; i++)
        add_row(&t, &c->rows[i], i);
    table_print(&t, out);
    table_close(&t);
    fputs("best, last: accuracy on the validation samples; seconds: of training alone\n", out);
    if (any_source(c))
        fputs("old task: accuracy on it at the last look, and since before training\n", out);
    if (c->row_count > COMPARE_DRAWN)
        fprintf(out, "drawn are the first %d\n", COMPARE_DRAWN);
}

// ---- The difference

// The keys that differ; returns how many.
static int differing(const struct comparison *c, const struct experiment_key **out) {
    int count = 0;
    for (int k = 0; k < experiment_key_count; k++)
        if (compare_differs(c, &experiment_keys[k]))
            out[count++] = &experiment_keys[k];
    return count;
}

// What the two sides of the table are called: runs, or keys.
static const char *title_of(const struct comparison *c, const struct experiment_key *const *keys,
                            bool runs, int index) {
    return runs ? c->runs[index].path : keys[index]->path;
}

// `down`: there are more runs than fit beside each other, so they are the rows.
static void print_values(const struct comparison *c, const struct experiment_key *const *keys,
                         int key_count, bool down, FILE *out) {
    int rows = down ? c->run_count : key_count, across = down ? key_count : c->run_count;
    struct table_column *titles = xcalloc((size_t)across + 1, sizeof *titles);
    titles[0].title = "differs in";
    for (int i = 0; i < across; i++)
        titles[i + 1].title = title_of(c, keys, !down, i);
    struct table t = table_open(titles, across + 1);
    for (int row = 0; row < rows; row++) {
        table_row(&t);
        table_cell(&t, 0, title_of(c, keys, down, row));
        for (int i = 0; i < across; i++)
            cell(&t, i + 1,
                 compare_value(&c->runs[down ? row : i].experiment, keys[down ? i : row]));
    }
    table_print(&t, out);
    table_close(&t);
    free(titles);
}

void compare_print_difference(const struct comparison *c, FILE *out) {
    enum { BESIDE = 4 };
    const struct experiment_key **keys = xcalloc((size_t)experiment_key_count, sizeof *keys);
    int count = differing(c, keys);
    if (count > 0)
        print_values(c, keys, count, c->run_count > BESIDE, out);
    else
        fputs("the experiments do not differ\n", out);
    free(keys);
}

// ---- JSON

static json_t *real(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *masks_json(const struct runs_masks *m) {
    json_t *list = json_array();
    for (int i = 0; i < m->count; i++)
        json_array_append_new(
            list, json_pack("{s:I, s:s?, s:f}", "step", (json_int_t)m->items[i].step, "change",
                            m->items[i].text, "thawed_share", m->items[i].thawed));
    return list;
}

static json_t *series_json(const struct series *s) {
    json_t *list = json_array();
    for (int i = 0; i < s->count; i++)
        json_array_append_new(
            list, json_pack("[I, o]", (json_int_t)s->buckets[i].last, real(s->buckets[i].mean)));
    return list;
}

static json_t *row_json(const struct compared *row) {
    const struct run_branch *b = row->branch;
    char *thawed = run_report_thawed(row->run, b);
    json_t *object = json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o}",
        "name", b->name, "run", row->run->path, "branch", b->number, "experiment",
        row->run->experiment.name, "state", state_of(row), "thawed", thawed, "trained",
        (json_int_t)b->thawed, "parameters", (json_int_t)b->parameters, "steps",
        (json_int_t)b->steps, "epochs", (json_int_t)b->epochs, "seconds", b->seconds,
        "best_validation", real(b->best), "last_validation", real(b->last), "test", real(b->test),
        "source_before", real(b->source_before), "source", real(b->source), "source_accuracy",
        series_json(&b->curves.source_accuracy), "masks", masks_json(&b->masks),
        "validation_accuracy", series_json(&b->curves.validation_accuracy));
    free(thawed);
    return object;
}

static json_t *difference_json(const struct comparison *c) {
    json_t *object = json_object();
    for (int k = 0; k < experiment_key_count; k++) {
        if (!compare_differs(c, &experiment_keys[k]))
            continue;
        json_t *values = json_array();
        for (int i = 0; i < c->run_count; i++) {
            char *value = compare_value(&c->runs[i].experiment, &experiment_keys[k]);
            json_array_append_new(values, json_string(value));
            free(value);
        }
        json_object_set_new(object, experiment_keys[k].path, values);
    }
    return object;
}

void compare_print_json(const struct comparison *c, FILE *out) {
    json_t *rows = json_array();
    for (int i = 0; i < c->row_count; i++)
        json_array_append_new(rows, row_json(&c->rows[i]));
    json_t *whole = json_pack("{s:o, s:o}", "runs", rows, "differences", difference_json(c));
    json_dumpf(whole, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    json_decref(whole);
}
