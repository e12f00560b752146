// A tensor as a weight file holds it: where its elements lie, and how they become float32.
#ifndef THAW_CHECKPOINT_TENSOR_H
#define THAW_CHECKPOINT_TENSOR_H

#include "base/error.h"
#include "base/shape.h"
#include <stdint.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F64,
    DTYPE_I64,
    DTYPE_I32,
    DTYPE_I16,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_BOOL
};

size_t dtype_size(enum dtype t);
const char *dtype_name(enum dtype t); // "F32"
bool dtype_find(const char *name, enum dtype *t);

// In bytes. Longer names are refused, and those with control characters: names are for people, and
// what shows them need not fear what they do to a terminal.
enum { TENSOR_NAME_MAX = 255 };
bool tensor_check_name(const char *name, struct error *error);

// A tensor in a mapped file. Dimensions beyond DIMS_MAX are refused by the readers. Its elements
// lie one after another, the last dimension fastest, unless it is `strided`: then element [i][j]
// lies i * stride[0] + j * stride[1] elements behind the first one (PyTorch's views; a stride may
// be 0).
struct tensor_entry {
    char *name;
    enum dtype dtype;
    struct dims dims;
    const unsigned char *data; // the first element: into the mapping, maybe unaligned
    size_t bytes;              // of all elements in order
    bool strided, swapped;     // swapped: big-endian
    int64_t stride[DIMS_MAX];
};

// Whether the `bytes` at `data` are the elements in order, little-endian.
bool tensor_in_place(const struct tensor_entry *t);

// The elements in order, little-endian; out has `bytes` bytes.
void tensor_copy(const struct tensor_entry *t, void *out);

// Same type, shape and bits.
bool tensor_equal(const struct tensor_entry *a, const struct tensor_entry *b);

// Converts one tensor to float32; out has dims_count floats. Exact but for F64, I64 and I32, which
// are rounded to nearest (F64 beyond float32's range becomes infinite).
void tensor_to_float(const struct tensor_entry *t, float *out);

// IEEE 754 binary16, rounded to nearest, ties to even; false when one of them is not finite or
// would become infinite.
bool tensor_to_half(const float *from, size_t count, uint16_t *out);

#endif
