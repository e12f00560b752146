// Any file of weights, told apart by its content: safetensors, or what torch.save writes. Nothing
// outside checkpoint/ knows which.
#ifndef THAW_CHECKPOINT_WEIGHT_FILE_H
#define THAW_CHECKPOINT_WEIGHT_FILE_H

#include "checkpoint/safetensors.h"
#include "checkpoint/torch_file.h"

// Usual endings of names, for people and where a file need not exist: ".safetensors .pt ...".
bool weight_file_ending(const char *path);

struct weight_file {
    struct mapping file;
    int count;
    const struct tensor_entry *entries; // those of the one below that was read
    struct safetensors safetensors;
    struct torch_file torch;
};

// On success the caller closes f; on error there is nothing to close. Errors begin with the path.
bool weight_file_open(struct weight_file *f, const char *path, struct error *error);
// The same from memory that the caller keeps.
bool weight_file_parse(struct weight_file *f, const void *data, size_t size, struct error *error);
void weight_file_close(struct weight_file *f);

const struct tensor_entry *weight_file_find(const struct weight_file *f, const char *name);

// "safetensors", "torch", "torch before 1.6"; static storage.
const char *weight_file_format(const struct weight_file *f);

#endif
