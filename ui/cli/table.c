#include "ui/cli/table.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

struct table_row {
    char **cells; // NULL where empty
    char *mark;   // instead of cells
};

static void free_row(const struct table *t, struct table_row *row) {
    for (int c = 0; row->cells && c < t->column_count; c++)
        free(row->cells[c]);
    free(row->cells);
    free(row->mark);
}

void table_close(struct table *t) {
    for (int r = 0; r < t->row_count; r++)
        free_row(t, &t->rows[r]);
    free(t->rows);
    *t = (struct table){0};
}

static struct table_row *add_row(struct table *t) {
    t->rows = xrealloc(t->rows, ((size_t)t->row_count + 1) * sizeof *t->rows);
    struct table_row *row = &t->rows[t->row_count++];
    *row = (struct table_row){0};
    return row;
}

void table_row(struct table *t) {
    add_row(t)->cells = xcalloc((size_t)t->column_count, sizeof(char *));
}

void table_mark(struct table *t, const char *text) {
    add_row(t)->mark = table_plain(text);
}

void table_cell(struct table *t, int column, const char *text) {
    char **cell = &t->rows[t->row_count - 1].cells[column];
    free(*cell);
    *cell = table_plain(text);
}

struct table table_open(const struct table_column *columns, int column_count) {
    struct table t = {.columns = columns, .column_count = column_count};
    table_row(&t);
    for (int c = 0; c < column_count; c++)
        table_cell(&t, c, columns[c].title);
    return t;
}

char *table_plain(const char *text) {
    char *plain = xstrdup(text);
    text_plain(plain);
    return plain;
}

// In characters: bytes that do not continue one in UTF-8.
static int width_of(const char *text) {
    int width = 0;
    for (; text && *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static int column_width(const struct table *t, int column) {
    int most = 0;
    for (int r = 0; r < t->row_count; r++) {
        int width = t->rows[r].cells ? width_of(t->rows[r].cells[column]) : 0;
        most = width > most ? width : most;
    }
    return most;
}

static void print_cells(const struct table *t, const int *widths, char *const *cells, FILE *out) {
    int owed = 0; // blanks before the next text
    for (int c = 0; c < t->column_count; c++) {
        const char *text = cells[c] ? cells[c] : "";
        int pad = widths[c] - width_of(text);
        int before = t->columns[c].right ? pad : 0;
        if (*text) {
            fprintf(out, "%*s%s", owed + before, "", text);
            owed = pad - before;
        } else {
            owed += pad;
        }
        owed += 2;
    }
    fputc('\n', out);
}

static void print_mark(int width, const char *text, FILE *out) {
    fprintf(out, "-- %s ", text);
    for (int at = 4 + width_of(text); at < width; at++)
        fputc('-', out);
    fputc('\n', out);
}

void table_print(const struct table *t, FILE *out) {
    int *widths = xcalloc((size_t)t->column_count, sizeof *widths);
    int whole = -2;
    for (int c = 0; c < t->column_count; c++) {
        widths[c] = column_width(t, c);
        whole += widths[c] + 2;
    }
    for (int r = 0; r < t->row_count; r++) {
        if (t->rows[r].mark)
            print_mark(whole, t->rows[r].mark, out);
        else
            print_cells(t, widths, t->rows[r].cells, out);
    }
    free(widths);
}
