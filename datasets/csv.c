#include "datasets/csv.h"

#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

struct csv csv_open(const char *data, size_t size, const char *name, char separator, bool quotes) {
    return (struct csv){
        .name = name,
        .separator = separator,
        .quotes = quotes,
        .at = data,
        .end = data + size,
        .next = 1,
        .scratch = xmalloc(size + 1),
    };
}

static void free_fields(struct csv *c) {
    for (int i = 0; i < c->count; i++)
        free(c->field[i]);
    c->count = 0;
}

void csv_close(struct csv *c) {
    free_fields(c);
    free(c->scratch);
    *c = (struct csv){0};
}

bool csv_refuse(const struct csv *c, struct error *error, const char *what) {
    return error_set(error, "%s:%d: %s", c->name, c->line, what);
}

static bool at_line_end(const struct csv *c) {
    return c->at == c->end || *c->at == '\n' || *c->at == '\r';
}

// One field; `at` stops at the separator or the line's end behind it.
static bool read_field(struct csv *c, struct error *error) {
    char *to = c->scratch;
    bool quoted = c->quotes && c->at < c->end && *c->at == '"';
    c->at += quoted;
    for (; c->at < c->end; c->at++) {
        if (quoted && *c->at == '"' && (c->at + 1 == c->end || c->at[1] != '"'))
            break;
        if (!quoted && (*c->at == c->separator || at_line_end(c)))
            break;
        c->at += quoted && *c->at == '"';
        c->next += quoted && *c->at == '\n';
        *to++ = *c->at;
    }
    *to = '\0';
    c->field[c->count++] = xstrndup(c->scratch, (size_t)(to - c->scratch));
    if (memchr(c->scratch, 0, (size_t)(to - c->scratch)))
        return csv_refuse(c, error, "a zero byte in the text");
    if (quoted && c->at == c->end)
        return csv_refuse(c, error, "a quoted field that does not end");
    c->at += quoted;
    return true;
}

static bool read_fields(struct csv *c, struct error *error) {
    for (bool more = !at_line_end(c); more;) {
        if (c->count == CSV_FIELDS)
            return error_set(error, "%s:%d: more than the %d columns that a row may have", c->name,
                             c->line, CSV_FIELDS);
        if (!read_field(c, error))
            return false;
        more = c->at < c->end && *c->at == c->separator;
        c->at += more;
    }
    return at_line_end(c) ||
           csv_refuse(c, error, "text behind a quoted field; a comma would be right");
}

bool csv_row(struct csv *c, struct error *error) {
    free_fields(c);
    if (c->at == c->end)
        return false;
    c->line = c->next++;
    c->failed = !read_fields(c, error);
    c->at += c->at < c->end && *c->at == '\r';
    c->at += c->at < c->end && *c->at == '\n';
    return !c->failed;
}

int csv_column(const struct csv *c, const char *name) {
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->field[i], name) == 0)
            return i;
    return -1;
}
