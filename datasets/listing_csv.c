// A CSV file of paths and labels (RFC 4180's quoting; lines may end in LF or CRLF).
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/listing_parts.h"
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 64, CSV_MAX = 1 << 28 };

struct csv {
    const char *name; // for errors
    const char *at, *end;
    int line;
    char *field[FIELDS];
    int count;
    char *scratch; // room for the longest field
    // Columns: path, label and split (-1: none).
    int path, label, split;
    char **labels; // of each item of the listing
    size_t room;
};

static void free_fields(struct csv *c) {
    for (int i = 0; i < c->count; i++)
        free(c->field[i]);
    c->count = 0;
}

static bool refuse(const struct csv *c, struct error *error, const char *what) {
    return error_set(error, "%s:%d: %s", c->name, c->line, what);
}

// One field; `at` stops at the comma or the line's end behind it.
static bool read_field(struct csv *c, struct error *error) {
    char *to = c->scratch;
    bool quoted = c->at < c->end && *c->at == '"';
    c->at += quoted;
    for (; c->at < c->end; c->at++) {
        if (quoted && *c->at == '"' && (c->at + 1 == c->end || c->at[1] != '"'))
            break;
        if (!quoted && (*c->at == ',' || *c->at == '\n' || *c->at == '\r'))
            break;
        c->at += quoted && *c->at == '"';
        *to++ = *c->at;
    }
    *to = '\0';
    c->field[c->count++] = xstrdup(c->scratch);
    if (strlen(c->scratch) != (size_t)(to - c->scratch))
        return refuse(c, error, "a zero byte in the text");
    if (quoted && c->at == c->end)
        return refuse(c, error, "a quoted field that does not end");
    c->at += quoted;
    return true;
}

// The next line's fields; an empty line has none.
static bool read_line(struct csv *c, struct error *error) {
    free_fields(c);
    c->line++;
    while (c->at < c->end && *c->at != '\n' && *c->at != '\r') {
        if (c->count == FIELDS)
            return refuse(c, error, "too many columns");
        if (!read_field(c, error))
            return false;
        if (c->at < c->end && *c->at == ',') {
            c->at++;
            continue;
        }
        if (c->at < c->end && *c->at != '\n' && *c->at != '\r')
            return refuse(c, error, "text behind a quoted field; a comma would be right");
    }
    c->at += c->at < c->end && *c->at == '\r';
    c->at += c->at < c->end && *c->at == '\n';
    return true;
}

static int column(const struct csv *c, const char *name) {
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->field[i], name) == 0)
            return i;
    return -1;
}

// Whether the line names the columns.
static bool read_names(struct csv *c) {
    int path = column(c, "path"), label = column(c, "label");
    if (path < 0 || label < 0)
        return false;
    c->path = path;
    c->label = label;
    c->split = column(c, "split");
    return true;
}

static bool take_line(struct csv *c, struct listing *l, const char *folder, struct error *error) {
    enum data_part part = PART_TRAIN;
    int most = c->path > c->label ? c->path : c->label;
    if (c->count <= most || !*c->field[c->path] || !*c->field[c->label])
        return refuse(c, error, "a path, a comma and a label would be right");
    if (!listing_utf8(c->field[c->label]))
        return refuse(c, error, "the label is not UTF-8");
    if (c->split >= 0 && (c->split >= c->count || !listing_part(c->field[c->split], &part)))
        return refuse(c, error, "the split must be train, val or test");
    const char *path = c->field[c->path];
    if ((size_t)l->count == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->labels = xrealloc(c->labels, c->room * sizeof *c->labels);
    }
    c->labels[l->count] = xstrdup(c->field[c->label]);
    listing_add(l, *path == '/' ? xstrdup(path) : files_join(folder, path), 0, part);
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b) {
    int64_t x = 0, y = 0;
    text_to_int(*(char *const *)a, &x);
    text_to_int(*(char *const *)b, &y);
    return x != y ? (x > y) - (x < y) : by_name(a, b);
}

static bool all_numbers(char *const *labels, int count) {
    int64_t value;
    for (int i = 0; i < count; i++)
        if (!text_to_int(labels[i], &value))
            return false;
    return true;
}

// The different labels of training, sorted, become the classes.
static void name_classes(struct listing *l, char *const *labels) {
    int (*order)(const void *, const void *) = all_numbers(labels, l->count) ? by_number : by_name;
    const char **sorted = xmalloc(((size_t)l->count + 1) * sizeof *sorted);
    int count = 0;
    for (int i = 0; i < l->count; i++)
        if (l->items[i].part == PART_TRAIN)
            sorted[count++] = labels[i];
    qsort(sorted, (size_t)count, sizeof *sorted, order);
    l->classes = xmalloc(((size_t)count + 1) * sizeof *l->classes);
    for (int i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            l->classes[l->class_count++] = xstrdup(sorted[i]);
    free(sorted);
    for (int i = 0; i < l->count; i++) {
        char *const *found =
            bsearch(&labels[i], l->classes, (size_t)l->class_count, sizeof *l->classes, order);
        l->items[i].label = found ? (int)(found - l->classes) : -1;
    }
}

static bool check_classes(const struct csv *c, const struct listing *l, struct error *error) {
    if (l->class_count == 0)
        return error_set(error,
                         "%s: no picture for training in it; lines with a path, a comma and "
                         "a label would be right",
                         c->name);
    for (int i = 0; i < l->count; i++)
        if (l->items[i].label < 0)
            return error_set(error, "%s: training has no class \"%s\", but %s is of it", c->name,
                             c->labels[i], l->items[i].path);
    return true;
}

static bool read_lines(struct csv *c, struct listing *l, const char *folder, struct error *error) {
    bool named = false;
    while (c->at < c->end) {
        if (!read_line(c, error))
            return false;
        if (c->count == 0)
            continue;
        if (!named && l->count == 0 && read_names(c))
            named = true;
        else if (!named && c->count != 2)
            return refuse(c, error,
                          "a path, a comma and a label would be right; for more columns, "
                          "name them in the first line: path,label,split");
        else if (!take_line(c, l, folder, error))
            return false;
    }
    return true;
}

bool listing_csv(struct listing *l, const char *path, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, path, error))
        return false;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    struct csv c = {.name = path, .at = (const char *)file.data, .label = 1, .split = -1};
    c.end = c.at + file.size;
    c.scratch = xmalloc(file.size + 1);
    if (file.size >= 3 && memcmp(c.at, "\xef\xbb\xbf", 3) == 0)
        c.at += 3;
    bool fine = file.size <= CSV_MAX || error_set(error, "%s: larger than 256 MiB", path);
    fine = fine && read_lines(&c, l, folder, error);
    if (fine) {
        name_classes(l, c.labels);
        fine = check_classes(&c, l, error);
    }
    for (int i = 0; i < l->count; i++)
        free(c.labels[i]);
    free(c.labels);
    free_fields(&c);
    free(c.scratch);
    free(folder);
    mapping_close(&file);
    return fine;
}
