// libFuzzer: whatever the bytes, the reader answers yes or no, and what it hands out can be read.
#include "checkpoint/safetensors.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct safetensors *s, const struct tensor_entry *e,
                        const uint8_t *data, size_t size) {
    size_t count = dims_count(e->dims);
    if (e->data < data || e->bytes > (size_t)(data + size - e->data) ||
        count * dtype_size(e->dtype) != e->bytes || safetensors_find(s, e->name) != e)
        abort();
    float *out =
        malloc(count * sizeof *out); // exact, so that the sanitizer sees the first step out
    if (!out)
        abort();
    tensor_to_float(e, out);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct safetensors s;
    struct error error = {0};
    if (!safetensors_parse(&s, data, size, &error)) {
        if (error.kind != ERROR_REQUEST || !*error.text || strchr(error.text, '\n'))
            abort();
        return 0;
    }
    for (int i = 0; i < s.count; i++)
        check_entry(&s, &s.entries[i], data, size);
    for (int i = 0; i < s.metadata_count; i++)
        if (safetensors_metadata(&s, s.metadata_keys[i]) != s.metadata_values[i])
            abort();
    safetensors_close(&s);
    return 0;
}
