// Labelled texts, as files give them.
#ifndef THAW_DATASETS_TEXTS_ROWS_H
#define THAW_DATASETS_TEXTS_ROWS_H

#include "datasets/listing.h"

struct texts_row {
    char *text, *label;
    enum data_part part;
    int file, line; // where it stands: an index into `files`, and a line, or 0 for a whole file
};

struct texts_rows {
    struct texts_row *row; // those of PART_TRAIN first, then the others, once texts_rows_order did
    int count;
    size_t room;
    char **files;
    int file_count;
};

enum {
    TEXTS_MOST = 1 << 23,    // rows; more are refused
    TEXTS_LONGEST = 1 << 22, // bytes of a text
    TEXTS_LABEL = 255,       // bytes of a label
};

enum texts_format {
    TEXTS_BY_ENDING,
    TEXTS_CSV,
    TEXTS_TSV,        // no quoting
    TEXTS_JSONL,      // an object a line
    TEXTS_FIRST_WORD, // label, space, text
    TEXTS_LINES,      // a text a line, without labels
};

// Columns by their names in the first line (of JSON: by keys), or by position, "1" being the first,
// where there is no such line. A column or key named "split" says train, val or test.
struct texts_columns {
    const char *text, *label; // label NULL: labels are passed over, and need not be there
};

// The label of texts without one.
extern const char texts_unlabelled[];

// Appends the rows of a file in UTF-8. `part` is that of rows without a split. Errors begin with
// name and line.
bool texts_rows_read(struct texts_rows *r, const char *data, size_t size, const char *name,
                     enum texts_format format, const struct texts_columns *columns,
                     enum data_part part, struct error *error);

// Appends one row of the file that was added last; takes text and label.
bool texts_rows_add(struct texts_rows *r, struct texts_row row, struct error *error);
void texts_rows_file(struct texts_rows *r, const char *name);

// Puts the parts in order, keeping the order within each.
void texts_rows_order(struct texts_rows *r);

void texts_rows_close(struct texts_rows *r);

// The format that a file's name ends in; TEXTS_BY_ENDING when it tells none.
enum texts_format texts_format_of(const char *name);

// "file:line: " in front of the error; returns false.
bool texts_rows_refuse(const struct texts_rows *r, const struct texts_row *row,
                       struct error *error);

#endif
