// A file of weights: its tensors, their sum, its metadata.
#include "base/text.h"
#include "checkpoint/weight_file.h"
#include "ui/cli/show.h"
#include "ui/cli/table.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, DTYPE, SHAPE, COUNT, BYTES, COLUMNS };

static void add_tensor(struct table *t, const struct tensor_entry *e) {
    char text[96], number[32];
    table_row(t);
    table_cell(t, NAME, e->name);
    table_cell(t, DTYPE, dtype_name(e->dtype));
    table_cell(t, SHAPE, dims_text(e->dims, text));
    table_cell(t, COUNT, text_count(dims_count(e->dims), number));
    table_cell(t, BYTES, text_bytes((double)e->bytes, number));
}

struct sum {
    size_t numbers, bytes;
};

static struct sum sum_of(const struct weight_file *file) {
    struct sum sum = {0};
    for (int i = 0; i < file->count; i++) {
        sum.numbers += dims_count(file->entries[i].dims);
        sum.bytes += file->entries[i].bytes;
    }
    return sum;
}

static void print_line(const char *name, const char *text) {
    char *key = table_plain(name), *value = table_plain(text);
    printf("%s: %s\n", key, value);
    free(key);
    free(value);
}

static void print_origin(const struct weight_file *file) {
    const struct safetensors *s = &file->safetensors;
    if (file->torch.entries)
        print_line("format", weight_file_format(file));
    if (file->torch.part)
        print_line("taken from", file->torch.part);
    if (file->torch.aside)
        print_line("left aside", file->torch.aside);
    for (int i = 0; i < s->metadata_count; i++)
        print_line(s->metadata_keys[i], s->metadata_values[i]);
}

static void print_text(const struct weight_file *file) {
    static const struct table_column columns[COLUMNS] = {
        {"tensor", false}, {"type", false}, {"shape", false}, {"numbers", true}, {"bytes", true}};
    struct table t = table_open(columns, COLUMNS);
    for (int i = 0; i < file->count; i++)
        add_tensor(&t, &file->entries[i]);
    table_print(&t, stdout);
    table_close(&t);
    struct sum sum = sum_of(file);
    char numbers[32], bytes[32];
    printf("\n%d tensors, %s numbers, %s\n", file->count, text_count(sum.numbers, numbers),
           text_bytes((double)sum.bytes, bytes));
    print_origin(file);
}

static json_t *tensor_json(const struct tensor_entry *e) {
    json_t *shape = json_array();
    for (int i = 0; i < e->dims.rank; i++)
        json_array_append_new(shape, json_integer(e->dims.size[i]));
    return json_pack("{s:s, s:s, s:o, s:I}", "name", e->name, "dtype", dtype_name(e->dtype),
                     "shape", shape, "bytes", (json_int_t)e->bytes);
}

static json_t *metadata_json(const struct safetensors *s) {
    json_t *metadata = json_object();
    for (int i = 0; i < s->metadata_count; i++)
        json_object_set_new(metadata, s->metadata_keys[i], json_string(s->metadata_values[i]));
    return metadata;
}

static void print_json(const struct weight_file *file) {
    json_t *tensors = json_array();
    for (int i = 0; i < file->count; i++)
        json_array_append_new(tensors, tensor_json(&file->entries[i]));
    struct sum sum = sum_of(file);
    json_t *all =
        json_pack("{s:s, s:s?, s:s?, s:o, s:I, s:I, s:o}", "format", weight_file_format(file),
                  "part", file->torch.part, "aside", file->torch.aside, "tensors", tensors,
                  "numbers", (json_int_t)sum.numbers, "bytes", (json_int_t)sum.bytes, "metadata",
                  metadata_json(&file->safetensors));
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

bool show_file_print(const char *path, bool json, struct error *error) {
    struct weight_file file;
    if (!weight_file_open(&file, path, error))
        return false;
    if (json)
        print_json(&file);
    else
        print_text(&file);
    weight_file_close(&file);
    return true;
}
