#include "datasets/texts_rows.h"

#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/csv.h"
#include "datasets/listing_parts.h"
#include "datasets/texts_parts.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char texts_unlabelled[] = "text";

void texts_rows_file(struct texts_rows *r, const char *name) {
    r->files = xrealloc(r->files, ((size_t)r->file_count + 1) * sizeof *r->files);
    r->files[r->file_count++] = xstrdup(name);
}

bool texts_rows_refuse(const struct texts_rows *r, const struct texts_row *row,
                       struct error *error) {
    char shown[LISTING_SHOWN];
    const char *file = listing_shown(r->files[row->file], shown);
    return row->line ? error_prefix(error, "%s:%d: ", file, row->line)
                     : error_prefix(error, "%s: ", file);
}

// Labels are what classes are called wherever they are shown.
static bool has_control(const char *label) {
    for (const char *at = label; *at; at++)
        if (text_control(at))
            return true;
    return false;
}

static bool check_row(const struct texts_rows *r, const struct texts_row *row,
                      struct error *error) {
    if (!*row->label)
        error_set(error, "the label is empty");
    else if (strlen(row->label) > TEXTS_LABEL)
        error_set(error,
                  "the label \"%.40s...\" is longer than %d bytes; data.label_column names "
                  "the right column",
                  row->label, TEXTS_LABEL);
    else if (has_control(row->label))
        error_set(error,
                  "the label \"%.40s\" has control characters; one line of text would be "
                  "right",
                  row->label);
    else if (strlen(row->text) > TEXTS_LONGEST)
        error_set(error, "the text is longer than %d MiB", TEXTS_LONGEST >> 20);
    else
        return true;
    return texts_rows_refuse(r, row, error);
}

bool texts_rows_add(struct texts_rows *r, struct texts_row row, struct error *error) {
    row.file = r->file_count - 1;
    if (r->count == TEXTS_MOST) {
        free(row.text);
        free(row.label);
        error_set(error, "more than the %d texts that fit; leave out some", TEXTS_MOST);
        return texts_rows_refuse(r, &row, error);
    }
    if ((size_t)r->count == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        r->row = xrealloc(r->row, r->room * sizeof *r->row);
    }
    r->row[r->count++] = row;
    return check_row(r, &row, error);
}

void texts_rows_order(struct texts_rows *r) {
    struct texts_row *sorted = xmalloc(((size_t)r->count + 1) * sizeof *sorted);
    int count = 0;
    for (int part = 0; part < PARTS; part++)
        for (int i = 0; i < r->count; i++)
            if ((int)r->row[i].part == part)
                sorted[count++] = r->row[i];
    free(r->row);
    r->row = sorted;
    r->room = (size_t)r->count + 1;
}

void texts_rows_close(struct texts_rows *r) {
    for (int i = 0; i < r->count; i++) {
        free(r->row[i].text);
        free(r->row[i].label);
    }
    for (int i = 0; i < r->file_count; i++)
        free(r->files[i]);
    free(r->row);
    free(r->files);
    *r = (struct texts_rows){0};
}

enum texts_format texts_format_of(const char *name) {
    static const struct {
        const char *ending;
        enum texts_format format;
    } endings[] = {{".csv", TEXTS_CSV},
                   {".tsv", TEXTS_TSV},
                   {".jsonl", TEXTS_JSONL},
                   {".ndjson", TEXTS_JSONL},
                   {".txt", TEXTS_LINES}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i].ending) == 0)
            return endings[i].format;
    return TEXTS_BY_ENDING;
}

// Tables

struct columns {
    int text, label, split; // label, split -1: none
};

// At most one column may have the name.
static bool find_column(const struct csv *c, const char *name, int *out, struct error *error) {
    *out = name ? csv_column(c, name) : -1;
    for (int i = *out + 1; *out >= 0 && i < c->count; i++)
        if (strcmp(c->field[i], name) == 0)
            return error_set(error, "%s:%d: columns %d and %d are both \"%s\"; rename one of them",
                             c->name, c->line, *out + 1, i + 1, name);
    return true;
}

static bool refuse_columns(const struct csv *c, const char *missing, struct error *error) {
    enum { SHOWN = 10 };
    struct text names = {0};
    for (int i = 0; i < c->count && i < SHOWN; i++)
        text_add(&names, "%s\"%.30s\"", i ? ", " : "", c->field[i]);
    if (c->count > SHOWN)
        text_add(&names, " and %d more", c->count - SHOWN);
    error_set(error,
              "the columns are %s, none of them \"%s\"; name the right ones with data.text_column "
              "and data.label_column, or, where there is no line of names, give positions such as "
              "\"1\" and \"2\"",
              names.data ? names.data : "none", missing);
    text_free(&names);
    return error_prefix(error, "%s:%d: ", c->name, c->line);
}

// Positions where both are numbers; else the row has the names.
static bool find_columns(const struct csv *c, const struct texts_columns *wanted,
                         struct columns *out, struct error *error) {
    if (!find_column(c, wanted->text, &out->text, error) ||
        !find_column(c, wanted->label, &out->label, error) ||
        !find_column(c, "split", &out->split, error))
        return false;
    if (out->text >= 0 && (out->label >= 0 || !wanted->label))
        return true;
    return refuse_columns(c, out->text < 0 ? wanted->text : wanted->label, error);
}

static bool positions(const struct texts_columns *wanted, struct columns *out) {
    int64_t text, label = 0;
    bool labels = wanted->label;
    if (!text_to_int(wanted->text, &text) || (labels && !text_to_int(wanted->label, &label)) ||
        text < 1 || label < labels || text > CSV_FIELDS || label > CSV_FIELDS)
        return false;
    *out = (struct columns){(int)text - 1, (int)label - 1, -1};
    return true;
}

static bool take_row(struct texts_rows *r, const struct csv *c, const struct columns *at,
                     enum data_part part, struct error *error) {
    int most = at->text > at->label ? at->text : at->label;
    if (c->count <= most && at->label < 0)
        return error_set(error, "%s:%d: %d column%s, but the text is column %d", c->name, c->line,
                         c->count, c->count == 1 ? "" : "s", at->text + 1);
    if (c->count <= most)
        return error_set(error, "%s:%d: %d column%s, but text and label are columns %d and %d",
                         c->name, c->line, c->count, c->count == 1 ? "" : "s", at->text + 1,
                         at->label + 1);
    if (at->split >= 0 && (at->split >= c->count || !listing_part(c->field[at->split], &part)))
        return csv_refuse(c, error, "the split must be train, val or test");
    struct texts_row row = {xstrdup(c->field[at->text]),
                            xstrdup(at->label < 0 ? texts_unlabelled : c->field[at->label]), part,
                            .line = c->line};
    return texts_rows_add(r, row, error);
}

static bool read_table(struct texts_rows *r, struct csv *c, const struct texts_columns *wanted,
                       enum data_part part, struct error *error) {
    struct columns at;
    bool known = positions(wanted, &at);
    while (csv_row(c, error)) {
        if (c->count == 0)
            continue;
        if (!(known ? take_row(r, c, &at, part, error) : find_columns(c, wanted, &at, error)))
            return false;
        known = true;
    }
    return !c->failed;
}

// Lines

static bool first_word(struct texts_rows *r, const char *line, size_t size, int number,
                       enum data_part part, struct error *error) {
    const char *space = memchr(line, ' ', size);
    size_t word = space ? (size_t)(space - line) : size, rest = space ? size - word - 1 : 0;
    struct texts_row row = {xstrndup(line + size - rest, rest), xstrndup(line, word), part,
                            .line = number};
    return texts_rows_add(r, row, error);
}

static bool whole_line(struct texts_rows *r, const char *line, size_t size, int number,
                       enum data_part part, struct error *error) {
    struct texts_row row = {xstrndup(line, size), xstrdup(texts_unlabelled), part, .line = number};
    return texts_rows_add(r, row, error);
}

static bool take_line(struct texts_rows *r, const char *line, size_t size, int number,
                      enum texts_format format, const struct texts_columns *columns,
                      enum data_part part, struct error *error) {
    if (format == TEXTS_JSONL)
        return texts_json_line(r, line, size, number, columns, part, error);
    return (format == TEXTS_LINES ? whole_line : first_word)(r, line, size, number, part, error);
}

static bool read_lines(struct texts_rows *r, const char *data, size_t size,
                       enum texts_format format, const struct texts_columns *columns,
                       enum data_part part, struct error *error) {
    const char *at = data, *end = data + size;
    for (int line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        const char *next = newline ? newline + 1 : end;
        stop -= stop > at && stop[-1] == '\r';
        size_t length = (size_t)(stop - at);
        if (length > 0 && !take_line(r, at, length, line, format, columns, part, error))
            return false;
        at = next;
    }
    return true;
}

bool texts_rows_read(struct texts_rows *r, const char *data, size_t size, const char *name,
                     enum texts_format format, const struct texts_columns *columns,
                     enum data_part part, struct error *error) {
    texts_rows_file(r, name);
    if (format == TEXTS_JSONL || format == TEXTS_FIRST_WORD || format == TEXTS_LINES)
        return read_lines(r, data, size, format, columns, part, error);
    struct csv c =
        csv_open(data, size, name, format == TEXTS_CSV ? ',' : '\t', format == TEXTS_CSV);
    bool fine = read_table(r, &c, columns, part, error);
    csv_close(&c);
    return fine;
}
