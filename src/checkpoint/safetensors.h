// The safetensors format: an 8-byte little-endian header length, a JSON header, raw tensors.
// Memory-mapped, strict about every bound; nothing in a file can make the reader read outside it,
// or allocate more than a fixed multiple of its header (the tree of its JSON while it is read).
//
// Where a file is refused, the error names the tensor and the bound. Reading is thread-safe.
#ifndef THAW_CHECKPOINT_SAFETENSORS_H
#define THAW_CHECKPOINT_SAFETENSORS_H

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/tensor.h"

struct safetensors {
    struct mapping file;
    int count;
    struct tensor_entry *entries; // in order of their data
    int metadata_count;
    char **metadata_keys, **metadata_values; // __metadata__: any UTF-8, control characters too
};

// On success the caller closes s; on error there is nothing to close.
bool safetensors_open(struct safetensors *s, const char *path, struct error *error);
// The same from memory that the caller keeps (for fuzzing and embedded weights).
bool safetensors_parse(struct safetensors *s, const void *data, size_t size, struct error *error);
void safetensors_close(struct safetensors *s);

const struct tensor_entry *safetensors_find(const struct safetensors *s, const char *name);
const char *safetensors_metadata(const struct safetensors *s, const char *key); // or NULL

// Writing: the header names tensors in the order given; in the data wider elements come first, so
// that each tensor is aligned to its elements and readers can use it in place. The same input gives
// the same bytes. The file is replaced atomically. Names must differ from one another. `metadata`
// holds pairs: key, value, key, value; NULL when there are none.
struct tensor_out {
    const char *name;
    enum dtype dtype;
    struct dims dims;
    const void *data;
};
bool safetensors_write(const char *path, const struct tensor_out *tensors, int count,
                       const char *const *metadata, int metadata_pairs, struct error *error);

#endif
