// What the files of the pickle machine share.
#ifndef THAW_CHECKPOINT_TORCH_MACHINE_H
#define THAW_CHECKPOINT_TORCH_MACHINE_H

#include "checkpoint/torch_pickle.h"

// Values that there is one of, in every machine.
enum {
    TORCH_THE_NONE,
    TORCH_THE_FALSE,
    TORCH_THE_TRUE,
    TORCH_THE_OTHER,
    TORCH_THE_EMPTY_TUPLE,
    TORCH_SHARED
};

void torch_list_add(struct torch_list *list, uint32_t item);

// A new value, zeroed.
uint32_t torch_machine_add(struct torch_pickle *p, enum torch_kind kind);
void torch_machine_push(struct torch_pickle *p, uint32_t value);
bool torch_machine_pop(struct torch_pickle *p, uint32_t *value, struct error *error);

// Where the items above the last mark begin: nothing below is popped.
size_t torch_machine_floor(const struct torch_pickle *p);

// Puts a tuple of what stands on the stack from `first` on in its place.
void torch_machine_tuple(struct torch_pickle *p, size_t first);

// Appends to a list or dictionary.
void torch_machine_append(struct torch_pickle *p, uint32_t container, uint32_t item);

// The global of that name, when the list has it; refused by name when not.
bool torch_machine_global(struct torch_pickle *p, const unsigned char *module, size_t module_length,
                          const unsigned char *name, size_t name_length, struct error *error);

// callable, tuple of arguments -> result; both are taken off the stack.
bool torch_machine_call(struct torch_pickle *p, struct error *error);

// Turns the tuple on the stack, a persistent id, into the storage that it names.
bool torch_machine_storage(struct torch_pickle *p, struct error *error);

// One opcode; its arguments come next in the pickle.
bool torch_opcode_run(struct torch_pickle *p, unsigned char op, struct error *error);

#endif
