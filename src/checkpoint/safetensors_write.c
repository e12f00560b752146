// The writer: one JSON object, padded to 8 bytes, then the tensors' bytes.
#include "base/xalloc.h"
#include "checkpoint/safetensors.h"
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static size_t tensor_bytes(const struct tensor_out *t) {
    return dims_count(t->dims) * dtype_size(t->dtype);
}

// Where each tensor begins. The format allows no gaps, and readers view the bytes in place, so the
// wider elements come first: then every tensor is aligned to its elements.
static size_t *place(const struct tensor_out *tensors, int count) {
    size_t *at = xcalloc((size_t)count, sizeof *at), end = 0;
    for (size_t width = 8; width > 0; width /= 2) {
        for (int i = 0; i < count; i++) {
            if (dtype_size(tensors[i].dtype) == width) {
                at[i] = end;
                end += tensor_bytes(&tensors[i]);
            }
        }
    }
    return at;
}

static json_t *tensor_json(const struct tensor_out *t, size_t at) {
    json_t *shape = json_array();
    for (int i = 0; i < t->dims.rank; i++)
        json_array_append_new(shape, json_integer(t->dims.size[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(t->dtype), "shape", shape,
                     "data_offsets", (json_int_t)at, (json_int_t)(at + tensor_bytes(t)));
}

static bool add(json_t *object, const char *name, json_t *value, struct error *error) {
    assert(!json_object_get(object, name));
    return json_object_set_new(object, name, value) == 0 ||
           error_set(error, "a name or text for the header is not UTF-8");
}

static bool add_metadata(json_t *header, const char *const *metadata, int pairs,
                         struct error *error) {
    json_t *object = json_object();
    if (!add(header, "__metadata__", object, error))
        return false;
    for (int i = 0; i < pairs; i++)
        if (!add(object, metadata[2 * i], json_string(metadata[2 * i + 1]), error))
            return false;
    return true;
}

static bool fill_header(json_t *header, const struct tensor_out *tensors, const size_t *at,
                        int count, const char *const *metadata, int pairs, struct error *error) {
    if (pairs > 0 && !add_metadata(header, metadata, pairs, error))
        return false;
    for (int i = 0; i < count; i++)
        if (!add(header, tensors[i].name, tensor_json(&tensors[i], at[i]), error))
            return false;
    return true;
}

// Errors of the stream are sticky and reported by files_commit.
static void write_header(FILE *file, const json_t *header) {
    char *text = json_dumps(header, JSON_COMPACT);
    size_t length = strlen(text), padding = -length % 8;
    uint64_t total = length + padding;
    fwrite(&total, sizeof total, 1, file);
    fprintf(file, "%s%*s", text, (int)padding, "");
    free(text);
}

static void write_data(FILE *file, const struct tensor_out *tensors, int count) {
    for (size_t width = 8; width > 0; width /= 2) {
        for (int i = 0; i < count; i++)
            if (dtype_size(tensors[i].dtype) == width)
                fwrite(tensors[i].data, 1, tensor_bytes(&tensors[i]), file);
    }
}

bool safetensors_write(const char *path, const struct tensor_out *tensors, int count,
                       const char *const *metadata, int metadata_pairs, struct error *error) {
    json_t *header = json_object();
    size_t *at = place(tensors, count);
    struct replacement out;
    bool good = fill_header(header, tensors, at, count, metadata, metadata_pairs, error) &&
                files_replace(&out, path, error);
    if (good) {
        write_header(out.file, header);
        write_data(out.file, tensors, count);
        good = files_commit(&out, error);
    }
    free(at);
    json_decref(header);
    return good;
}
