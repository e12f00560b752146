// The parts of thaw compare: what they say of runs, a row for each branch.
#ifndef THAW_UI_COMPARE_H
#define THAW_UI_COMPARE_H

#include "ui/report/chart.h"
#include "ui/report/run_report.h"
#include <stdio.h>

enum { COMPARE_DRAWN = 26 }; // rows that the charts have letters for

struct comparison {
    struct run_report *runs;
    int run_count;
    struct compared {
        const struct run_report *run;
        const struct run_branch *branch;
    } * rows; // [row_count]
    int row_count;
};

void compare_print_table(const struct comparison *c, FILE *out);
// The keys of the experiments that differ, with each run's value.
void compare_print_difference(const struct comparison *c, FILE *out);
void compare_print_json(const struct comparison *c, FILE *out);

// Validation accuracy and training loss over steps, with bands of what was frozen below the last.
struct compare_charts {
    struct chart charts[3];
    int count;
    struct compare_line *lines; // what the charts point at
    struct chart_line *chart_lines;
    struct chart_bands *bands;
    struct compare_band *band_data;
    int line_count, band_count;
};
struct compare_charts compare_charts_open(const struct comparison *c);
void compare_charts_close(struct compare_charts *c);

// Whether the experiments do not all have one value for a key.
bool compare_differs(const struct comparison *c, const struct experiment_key *key);

// "thaw layer1": the value of a key as in an experiment. The caller frees.
char *compare_value(const struct experiment *e, const struct experiment_key *key);

#endif
