// libFuzzer: whatever the bytes, the reader of any weight file answers yes or no within a bounded
// memory, and what it hands out lies in the bytes and can be read.
#include "checkpoint/weight_file.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The elements that a tensor touches reach from the first to this one.
static size_t reach(const struct tensor_entry *e) {
    size_t last = 0, step = 1;
    for (int i = e->dims.rank - 1; i >= 0; i--) {
        last += (size_t)(e->dims.size[i] - 1) * (e->strided ? (size_t)e->stride[i] : step);
        step *= (size_t)e->dims.size[i];
    }
    return last + 1;
}

static void check_place(const struct tensor_entry *e, const uint8_t *data, size_t size) {
    size_t count = dims_count(e->dims), width = dtype_size(e->dtype);
    if (count * width != e->bytes || e->data < data || e->data > data + size)
        abort();
    if (count > 0 && reach(e) * width > (size_t)(data + size - e->data))
        abort();
}

static void check_entry(const struct weight_file *f, const struct tensor_entry *e) {
    // Exact, so that the sanitizer sees the first step out.
    float *out = malloc(dims_count(e->dims) * sizeof *out);
    unsigned char *bytes = malloc(e->bytes);
    if (!out || !bytes)
        abort();
    tensor_to_float(e, out);
    tensor_copy(e, bytes);
    if (weight_file_find(f, e->name) != e || !tensor_equal(e, e))
        abort();
    free(bytes);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct weight_file f;
    struct error error = {0};
    if (!weight_file_parse(&f, data, size, &error)) {
        if (error.kind != ERROR_REQUEST || !*error.text || strchr(error.text, '\n'))
            abort();
        return 0;
    }
    size_t sum = 0;
    for (int i = 0; i < f.count; i++) {
        check_place(&f.entries[i], data, size);
        sum += f.entries[i].bytes;
    }
    if (sum > (size > 1 << 17 ? 8 * size : 1 << 20))
        abort();
    for (int i = 0; i < f.count && i < 16; i++)
        check_entry(&f, &f.entries[i]);
    weight_file_close(&f);
    return 0;
}
