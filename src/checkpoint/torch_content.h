// What a file of torch.save holds, in either format: one pickle that says what there is, and the
// storages that its tensors are cut from.
#ifndef THAW_CHECKPOINT_TORCH_CONTENT_H
#define THAW_CHECKPOINT_TORCH_CONTENT_H

#include "checkpoint/torch_pickle.h"

struct torch_key {
    const unsigned char *bytes; // into the file
    size_t length;
};

// By bytes, then length; for qsort and bsearch of keys, and of what begins with one.
int torch_key_compare(const void *a, const void *b);

struct torch_storage {
    struct torch_key key;
    const unsigned char *data; // into the file
    size_t size;               // bytes
};

struct torch_content {
    struct torch_pickle pickle;
    uint32_t root;                  // its result
    struct torch_storage *storages; // by key
    size_t storage_count;
    bool swapped; // big-endian
};

// On failure, too, the caller closes c.
bool torch_zip_read(struct torch_content *c, const unsigned char *data, size_t size,
                    struct error *error);
bool torch_legacy_read(struct torch_content *c, const unsigned char *data, size_t size,
                       struct error *error);
void torch_content_close(struct torch_content *c);

// Sorts the storages; two with the same key are refused.
bool torch_content_sort(struct torch_content *c, struct error *error);
const struct torch_storage *torch_content_find(const struct torch_content *c, struct torch_key key);

// The tensor that a value of kind TORCH_TENSOR is, but for its name.
bool torch_tensor_read(const struct torch_content *c, uint32_t value, struct tensor_entry *e,
                       struct error *error);

#endif
