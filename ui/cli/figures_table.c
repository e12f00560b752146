#include "ui/cli/figures_table.h"
#include "ui/cli/table.h"
#include <math.h>

enum { CLASS, SUPPORT, SAID, PRECISION, RECALL, SPECIFICITY, F1, AUROC };

static void cell(struct table *t, int column, const char *format, double value) {
    char text[32] = "-";
    if (!isnan(value))
        snprintf(text, sizeof text, format, value);
    table_cell(t, column, text);
}

static void add_class(struct table *t, const struct figures *f, int class) {
    const struct class_figures *c = &f->of_class[class];
    table_row(t);
    table_cell(t, CLASS, f->names[class]);
    cell(t, SUPPORT, "%.0f", (double)c->support);
    cell(t, SAID, "%.0f", (double)c->predicted);
    cell(t, PRECISION, "%.1f %%", 100 * c->precision);
    cell(t, RECALL, "%.1f %%", 100 * c->recall);
    cell(t, SPECIFICITY, "%.1f %%", 100 * c->specificity);
    cell(t, F1, "%.3f", c->f1);
    cell(t, AUROC, "%.4f", c->auroc);
}

void figures_table_print(const struct figures *f, FILE *out) {
    static const struct table_column columns[] = {
        [CLASS] = {"class", false},  [SUPPORT] = {"samples", true},
        [SAID] = {"said", true},     [PRECISION] = {"precision", true},
        [RECALL] = {"recall", true}, [SPECIFICITY] = {"specificity", true},
        [F1] = {"F1", true},         [AUROC] = {"AUROC", true},
    };
    char scores[SCORES_TEXT];
    fprintf(out, "         %s\n", scores_text(&f->scores, scores));
    if (f->classes > FIGURES_TABLE_CLASSES)
        return;
    struct table t = table_open(columns, (int)(sizeof columns / sizeof columns[0]));
    for (int c = 0; c < f->classes; c++)
        add_class(&t, f, c);
    fprintf(out, "\n");
    table_print(&t, out);
    fprintf(out, "\n");
    table_close(&t);
}
