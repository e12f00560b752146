// A line of JSON with a text and its label.
#include "base/xalloc.h"
#include "datasets/listing_parts.h"
#include "datasets/texts_parts.h"
#include <jansson.h>
#include <string.h>

// A string, or the digits of a whole number, or true or false; NULL for anything else. The caller
// frees.
static char *label_of(const json_t *value) {
    if (json_is_integer(value))
        return xprintf("%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return xstrdup(json_is_true(value) ? "true" : "false");
    return json_is_string(value) ? xstrdup(json_string_value(value)) : NULL;
}

static bool read_part(const json_t *object, enum data_part *part, struct error *error) {
    const json_t *split = json_object_get(object, "split");
    const char *name = json_string_value(split);
    return !split || (name && listing_part(name, part)) ||
           error_set(error, "the split must be \"train\", \"val\" or \"test\"");
}

static bool read_object(const json_t *object, const struct texts_columns *columns,
                        struct texts_row *row, struct error *error) {
    const json_t *text = json_object_get(object, columns->text);
    row->label = columns->label ? label_of(json_object_get(object, columns->label))
                                : xstrdup(texts_unlabelled);
    if (json_is_string(text) && row->label) {
        row->text = xstrdup(json_string_value(text));
        return read_part(object, &row->part, error);
    }
    return error_set(error,
                     "no \"%.40s\" in it, or it is no %s; data.text_column and data.label_column "
                     "name the keys",
                     row->label ? columns->text : columns->label,
                     row->label ? "text" : "text, whole number, true or false");
}

bool texts_json_line(struct texts_rows *r, const char *line, size_t size, int number,
                     const struct texts_columns *columns, enum data_part part,
                     struct error *error) {
    struct texts_row row = {.part = part, .line = number};
    json_error_t why;
    json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &why);
    bool fine = false;
    if (!object)
        error_set(error, "column %d: %s", why.column, why.text);
    else if (!json_is_object(object))
        error_set(error, "an object, {...}, would be right");
    else
        fine = read_object(object, columns, &row, error);
    json_decref(object);
    if (fine)
        return texts_rows_add(r, row, error);
    free(row.text);
    free(row.label);
    row.file = r->file_count - 1;
    return texts_rows_refuse(r, &row, error);
}
