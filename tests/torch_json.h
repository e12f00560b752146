// Reads tests/torch/*.json, which the scripts beside them write with PyTorch.
#ifndef THAW_TESTS_TORCH_JSON_H
#define THAW_TESTS_TORCH_JSON_H

#include "base/xalloc.h"
#include <jansson.h>
#include <stdlib.h>

// Free with json_decref. Aborts when the file cannot be read.
static inline json_t *torch_json(const char *name) {
    const char *source = getenv("THAW_SOURCE");
    char *path = xprintf("%s/tests/torch/%s", source ? source : ".", name);
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    if (!document) {
        fprintf(stderr, "%s: line %d: %s\n", path, error.line, error.text);
        abort();
    }
    free(path);
    return document;
}

static inline double torch_real(const json_t *object, const char *key, double otherwise) {
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : otherwise;
}

static inline const char *torch_text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

#endif
