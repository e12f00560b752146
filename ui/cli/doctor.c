// thaw doctor: whether this machine and terminal are fit, and how fast.
#include "ui/cli/doctor.h"
#include "base/xalloc.h"
#include "ui/cli/cli.h"
#include "ui/cli/table.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"ok", "note", "problem"};

struct fact *doctor_add(struct doctor *d, const char *name, enum fact_state state,
                        const char *advice, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *value = xvprintf(format, args);
    va_end(args);
    d->facts = xrealloc(d->facts, ((size_t)d->count + 1) * sizeof *d->facts);
    struct fact *f = &d->facts[d->count++];
    *f = (struct fact){.name = name, .state = state, .value = value};
    f->advice = advice ? xstrdup(advice) : NULL;
    return f;
}

static void close_facts(struct doctor *d) {
    for (int i = 0; i < d->count; i++) {
        free(d->facts[i].value);
        free(d->facts[i].advice);
    }
    free(d->facts);
}

static int count_state(const struct doctor *d, enum fact_state state) {
    int count = 0;
    for (int i = 0; i < d->count; i++)
        count += d->facts[i].state == state;
    return count;
}

static void print_table(const struct doctor *d) {
    static const struct table_column columns[] = {
        {.title = "state"}, {.title = "what"}, {.title = "found"}};
    struct table table = table_open(columns, 3);
    for (int i = 0; i < d->count; i++) {
        const struct fact *f = &d->facts[i];
        char *value = f->advice ? xprintf("%s; %s", f->value, f->advice) : xstrdup(f->value);
        table_row(&table);
        table_cell(&table, 0, words[f->state]);
        table_cell(&table, 1, f->name);
        table_cell(&table, 2, value);
        free(value);
    }
    table_print(&table, stdout);
    table_close(&table);
    int problems = count_state(d, FACT_PROBLEM), notes = count_state(d, FACT_NOTE);
    if (problems)
        printf("\n%d of these must be put right first\n", problems);
    else
        printf("\nfit%s\n", notes ? "; the notes say what could be better" : "");
}

static json_t *fact_json(const struct fact *f) {
    char *value = table_plain(f->value), *advice = f->advice ? table_plain(f->advice) : NULL;
    json_t *object = json_pack("{s:s, s:s, s:o, s:o?}", "name", f->name, "state", words[f->state],
                               "value", json_stringn_nocheck(value, strlen(value)), "advice",
                               advice ? json_string(advice) : NULL);
    if (f->milliseconds > 0) {
        json_object_set_new(object, "milliseconds", json_real(f->milliseconds));
        json_object_set_new(object, "images_per_second", json_real(f->images_per_second));
    }
    free(value);
    free(advice);
    return object;
}

static void print_json(const struct doctor *d) {
    json_t *facts = json_array();
    for (int i = 0; i < d->count; i++)
        json_array_append_new(facts, fact_json(&d->facts[i]));
    json_t *all = json_pack("{s:s, s:b, s:o}", "thaw", THAW_VERSION, "fit",
                            count_state(d, FACT_PROBLEM) == 0, "facts", facts);
    json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

static int doctor_main(int argc, char **argv) {
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json)
        return cli_usage(&cli_doctor, "takes nothing but --json");
    struct doctor d = {0};
    doctor_machine(&d);
    doctor_terminal(&d);
    doctor_speed(&d);
    if (json)
        print_json(&d);
    else
        print_table(&d);
    int code = count_state(&d, FACT_PROBLEM) > 0;
    close_facts(&d);
    return code;
}

const struct subcommand cli_doctor = {
    .name = "doctor",
    .usage = "doctor [--json]",
    .help = "whether this machine and terminal are fit, and how fast",
    .run = doctor_main,
};
