// The pickle machine for files of torch.save: it turns opcodes into plain values, and runs nothing.
//
// What a pickle may name is a short list (torch_globals.c); any other class or function is refused
// by its name. What it may do is limited by its size: a value costs 16 bytes and an item of a
// tuple, list or dictionary some 4 to 8, and each comes from at least one byte of the pickle, so
// that memory is at most some 40 times a pickle, which has at most TORCH_PICKLE_MAX bytes. Nothing
// here is recursive.
#ifndef THAW_CHECKPOINT_TORCH_PICKLE_H
#define THAW_CHECKPOINT_TORCH_PICKLE_H

#include "base/error.h"
#include "checkpoint/tensor.h"

enum { TORCH_PICKLE_MAX = 64 << 20 };

enum torch_kind {
    TORCH_NONE,
    TORCH_BOOL,
    TORCH_INT,
    TORCH_LONG,    // a whole number beyond 64 bits: as it stands in the pickle
    TORCH_TEXT,    // a view into the pickle, not terminated
    TORCH_TUPLE,   //
    TORCH_LIST,    // sets too
    TORCH_DICT,    // items: key, value, key, value; of equal keys the last one counts
    TORCH_GLOBAL,  // a class or function of the list
    TORCH_STORAGE, // items: "storage", its class, key, device, number of elements, view or None
    TORCH_TENSOR,  // items: storage, offset, size, stride, ... as _rebuild_tensor_v2 takes them
    TORCH_OTHER,   // what no tensor needs: reals, bytes, devices
};

// What calling a global gives.
enum torch_call {
    CALL_NEVER,
    CALL_DICT,      // a dictionary, from nothing or from a list of pairs
    CALL_ARGUMENT,  // its first argument
    CALL_OTHER,     // something without tensors
    CALL_TENSOR,    // a tensor, from at least 4 arguments
    CALL_PARAMETER, // its first argument, which is a tensor
};

struct torch_global {
    const char *module, *name;
    enum torch_call call;
    bool storage; // the class of a storage, whose elements are `dtype`
    enum dtype dtype;
};

struct torch_value {
    enum torch_kind kind;
    uint32_t count; // bytes of a text, items
    union {
        int64_t whole;
        const unsigned char *text;
        const struct torch_global *global;
        uint32_t first;  // of items that never change: in `fixed`
        uint32_t *items; // of a list or dictionary
    };
};

struct torch_list {
    uint32_t *items;
    size_t count, capacity;
};

// Values are named by their index. Zero-initialise; close with torch_pickle_close.
struct torch_pickle {
    struct torch_value *values;
    size_t count, capacity;
    struct torch_list stack, marks, memo, fixed;
    size_t copied; // pairs of lists that became dictionaries
    const unsigned char *begin, *at, *end;
};

// Runs one pickle from the beginning of `data` (which must stay) up to its STOP, and gives its
// result and how many bytes it has. p is closed by the caller, on failure too.
bool torch_pickle_run(struct torch_pickle *p, const unsigned char *data, size_t size,
                      uint32_t *result, size_t *used, struct error *error);
void torch_pickle_close(struct torch_pickle *p);

// The items of anything that has some; they are gone when p changes.
const uint32_t *torch_pickle_items(const struct torch_pickle *p, uint32_t value);

// Whether a value is this text.
bool torch_pickle_is(const struct torch_pickle *p, uint32_t value, const char *text);

#endif
