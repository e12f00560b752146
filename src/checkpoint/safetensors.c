// The reader. Everything is checked before the first entry is handed out.
#include "checkpoint/safetensors.h"
#include "base/xalloc.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, HEADER_MAX = 100000000 };

// The bytes behind the header, which data_offsets count from.
struct data {
    const unsigned char *at;
    size_t size;
};

static bool read_dtype(const json_t *info, struct tensor_entry *e, struct error *error) {
    const char *name = json_string_value(json_object_get(info, "dtype"));
    if (!name)
        return error_set(error, "dtype must be a string");
    return dtype_find(name, &e->dtype) ||
           error_set(error,
                     "dtype '%.20s' is not known; F32, F16, BF16, F64, I64, I32, I16, I8, U8 "
                     "and BOOL are",
                     name);
}

static bool read_shape(const json_t *info, struct tensor_entry *e, struct error *error) {
    const json_t *shape = json_object_get(info, "shape");
    if (!json_is_array(shape))
        return error_set(error, "shape must be a list of whole numbers");
    if (json_array_size(shape) > DIMS_MAX) {
        return error_set(error, "the shape has %zu dimensions; at most %d are supported",
                         json_array_size(shape), DIMS_MAX);
    }
    e->dims.rank = (int)json_array_size(shape);
    for (int i = 0; i < e->dims.rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return error_set(error, "dimension %d of the shape must be a whole number >= 0", i);
        e->dims.size[i] = json_integer_value(size);
    }
    return true;
}

static bool read_offsets(const json_t *info, struct data data, struct tensor_entry *e,
                         struct error *error) {
    const json_t *offsets = json_object_get(info, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return error_set(error, "data_offsets must be two whole numbers");
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || begin > end) {
        return error_set(error, "data_offsets [%lld, %lld] must be 0 <= begin <= end",
                         (long long)begin, (long long)end);
    }
    if ((uint64_t)end > data.size) {
        return error_set(error,
                         "data_offsets [%lld, %lld] reach beyond the file's %zu bytes of data; is "
                         "the file cut short?",
                         (long long)begin, (long long)end, data.size);
    }
    e->data = data.at + begin;
    e->bytes = (size_t)(end - begin);
    return true;
}

static bool check_size(const struct tensor_entry *e, struct error *error) {
    size_t bytes = dtype_size(e->dtype);
    char text[96];
    for (int i = 0; i < e->dims.rank; i++)
        if (__builtin_mul_overflow(bytes, (size_t)e->dims.size[i], &bytes))
            return error_set(error, "shape %s is too large", dims_text(e->dims, text));
    return bytes == e->bytes ||
           error_set(error, "shape %s of %s needs %zu bytes, data_offsets give %zu",
                     dims_text(e->dims, text), dtype_name(e->dtype), bytes, e->bytes);
}

static bool read_entry(const char *name, const json_t *info, struct data data,
                       struct tensor_entry *e, struct error *error) {
    if (!tensor_check_name(name, error))
        return false;
    bool good = json_is_object(info) || error_set(error, "must be an object");
    good = good && read_dtype(info, e, error) && read_shape(info, e, error) &&
           read_offsets(info, data, e, error) && check_size(e, error);
    return good || error_prefix(error, "tensor '%s': ", name);
}

static bool read_metadata(struct safetensors *s, json_t *metadata, struct error *error) {
    if (!json_is_object(metadata))
        return error_set(error, "__metadata__ must be an object");
    size_t count = json_object_size(metadata);
    s->metadata_keys = xcalloc(count, sizeof *s->metadata_keys);
    s->metadata_values = xcalloc(count, sizeof *s->metadata_values);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return error_set(error, "__metadata__: the value of '%.60s' must be a string", key);
        s->metadata_keys[s->metadata_count] = xstrdup(key);
        s->metadata_values[s->metadata_count++] = xstrdup(json_string_value(value));
    }
    return true;
}

static bool read_entries(struct safetensors *s, json_t *header, struct data data,
                         struct error *error) {
    s->entries = xcalloc(json_object_size(header), sizeof *s->entries);
    const char *name;
    json_t *info;
    json_object_foreach(header, name, info) {
        if (!strcmp(name, "__metadata__")) {
            if (!read_metadata(s, info, error))
                return false;
            continue;
        }
        struct tensor_entry *e = &s->entries[s->count];
        if (!read_entry(name, info, data, e, error))
            return false;
        e->name = xstrdup(name);
        s->count++;
    }
    return true;
}

// By place; empty tensors come before what begins at the same byte.
static int compare_entries(const void *a, const void *b) {
    const struct tensor_entry *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

// The tensors must tile the data: no byte twice, none left over.
static bool check_tiling(const struct safetensors *s, struct data data, struct error *error) {
    size_t end = 0;
    for (int i = 0; i < s->count; i++) {
        const struct tensor_entry *e = &s->entries[i];
        size_t begin = (size_t)(e->data - data.at);
        if (begin < end) {
            return error_set(error, "tensors '%s' and '%s' overlap", s->entries[i - 1].name,
                             e->name);
        }
        if (begin > end) {
            return error_set(error, "bytes %zu to %zu of the data, before '%s', are no tensor's",
                             end, begin, e->name);
        }
        end += e->bytes;
    }
    return end == data.size || error_set(error, "the last %zu of %zu bytes of data are no tensor's",
                                         data.size - end, data.size);
}

static bool read_header(struct safetensors *s, const unsigned char *text, size_t length,
                        struct data data, struct error *error) {
    json_error_t why;
    json_t *header = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, &why);
    if (!header) {
        return error_set(error, "the header is not valid JSON: %s (byte %d)", why.text,
                         why.position);
    }
    bool good = read_entries(s, header, data, error);
    json_decref(header);
    if (!good)
        return false;
    if (s->count > 0)
        qsort(s->entries, (size_t)s->count, sizeof *s->entries, compare_entries);
    return check_tiling(s, data, error);
}

static bool parse(struct safetensors *s, const unsigned char *bytes, size_t size,
                  struct error *error) {
    if (size < LENGTH_BYTES)
        return error_set(error, "not a safetensors file: %zu bytes are too few", size);
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    if (length > HEADER_MAX) {
        return error_set(error,
                         "not a safetensors file: its header would have %llu bytes, more than %d",
                         (unsigned long long)length, HEADER_MAX);
    }
    if (length > size - LENGTH_BYTES) {
        return error_set(error,
                         "the header should have %llu bytes, but only %zu follow; is the file cut "
                         "short?",
                         (unsigned long long)length, size - LENGTH_BYTES);
    }
    const unsigned char *header = bytes + LENGTH_BYTES;
    if (length == 0 || *header != '{')
        return error_set(error, "not a safetensors file: its header does not begin with '{'");
    struct data data = {header + length, size - LENGTH_BYTES - (size_t)length};
    return read_header(s, header, (size_t)length, data, error);
}

bool safetensors_parse(struct safetensors *s, const void *data, size_t size, struct error *error) {
    *s = (struct safetensors){0};
    if (!parse(s, data, size, error)) {
        safetensors_close(s);
        return false;
    }
    return true;
}

bool safetensors_open(struct safetensors *s, const char *path, struct error *error) {
    struct mapping file;
    *s = (struct safetensors){0};
    if (!mapping_open(&file, path, error))
        return false;
    if (!safetensors_parse(s, file.data, file.size, error)) {
        mapping_close(&file);
        return error_prefix(error, "%s: ", path);
    }
    s->file = file;
    return true;
}

void safetensors_close(struct safetensors *s) {
    for (int i = 0; i < s->count; i++)
        free(s->entries[i].name);
    for (int i = 0; i < s->metadata_count; i++) {
        free(s->metadata_keys[i]);
        free(s->metadata_values[i]);
    }
    free(s->entries);
    free(s->metadata_keys);
    free(s->metadata_values);
    if (s->file.data)
        mapping_close(&s->file);
    *s = (struct safetensors){0};
}

const struct tensor_entry *safetensors_find(const struct safetensors *s, const char *name) {
    for (int i = 0; i < s->count; i++)
        if (!strcmp(s->entries[i].name, name))
            return &s->entries[i];
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *s, const char *key) {
    for (int i = 0; i < s->metadata_count; i++)
        if (!strcmp(s->metadata_keys[i], key))
            return s->metadata_values[i];
    return NULL;
}
