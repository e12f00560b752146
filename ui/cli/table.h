// Tables for people: columns as wide as what stands in them, two blanks apart.
#ifndef THAW_UI_TABLE_H
#define THAW_UI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

struct table_column {
    const char *title;
    bool right; // numbers stand to the right
};

struct table {
    const struct table_column *columns;
    int column_count, row_count;
    struct table_row *rows;
};

// `columns` must outlive the table. Close with table_close.
struct table table_open(const struct table_column *columns, int column_count);
void table_close(struct table *t);

// Begins the next row; its cells are empty.
void table_row(struct table *t);

// Sets a cell of the last row (its text is copied). Control characters, which a terminal would
// obey, become '?'.
void table_cell(struct table *t, int column, const char *text);

// A row that is one text from edge to edge, between dashes.
void table_mark(struct table *t, const char *text);

// Prints titles and rows, with no blanks at the ends of lines.
void table_print(const struct table *t, FILE *out);

// The text with '?' for each control character (C0, DEL and C1, in UTF-8); the caller frees.
char *table_plain(const char *text);

#endif
