// Files of torch.save (.pt, .pth, .bin, .th, .ckpt), both formats: the tensors of the state_dict in
// them. Nothing in a file is ever run: see torch_pickle.h. Memory is bounded by the file's size:
// tensors are used where they lie in the file, and those that show the same elements again and
// again (views with stride 0, many views of one storage) are refused when they would come to more
// than 8 times the file, 1 MiB at the least. Reading is thread-safe.
//
// Where a file is refused, the error says what in it, and what to do in Python instead.
#ifndef THAW_CHECKPOINT_TORCH_FILE_H
#define THAW_CHECKPOINT_TORCH_FILE_H

#include "base/text.h"
#include "checkpoint/tensor.h"

struct torch_file {
    int count;
    struct tensor_entry *entries; // in the order of the dictionary
    bool legacy;                  // the format before torch 1.6
    // Where the tensors come from ("state_dict"; NULL: the whole file), and what stands beside it
    // there, for a person to read ("epoch, optimizer"; NULL: nothing).
    char *part, *aside;
};

// Whether the bytes begin as such a file does.
bool torch_file_begins(const void *data, size_t size);

// The names are those of the keys, joined by dots; a lone tensor is called "tensor". Of a
// checkpoint whose top level is no state_dict, but has one under a usual name (state_dict,
// model_state_dict, model, ...), that part is taken. `data` must outlive f; on failure there is
// nothing to close.
bool torch_file_parse(struct torch_file *f, const void *data, size_t size, struct error *error);
void torch_file_close(struct torch_file *f);

#endif
