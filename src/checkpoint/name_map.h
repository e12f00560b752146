// What a file's tensors are called in a model: exactly so, without a prefix that a wrapper put
// before the names, or as the experiment's model.rename says.
#ifndef THAW_CHECKPOINT_NAME_MAP_H
#define THAW_CHECKPOINT_NAME_MAP_H

#include "checkpoint/weight_file.h"
#include "model/model.h"

struct name_map {
    int count;
    char **names;     // of each of the file's tensors, in the model's words
    char *prefix;     // what was taken off, with its dot; NULL: nothing
    int prefix_count; // of names that had it
    int renamed_count;
    char **renamed; // "fc.weight -> linear.weight", for each tensor that a rule applied to
};

// First the rules, in order: "OLD NEW" puts NEW in the place of OLD where a name is OLD or begins
// with it and a dot; "OLD" takes it and the dot away. A rule that applies to no name is an error.
// Then the prefix under which more names fit the model than without one; when two prefixes do so
// equally well, that is an error, and a rule must choose. On error there is nothing to close.
bool name_map_make(struct name_map *map, const struct weight_file *file, const struct model *model,
                   char *const *rules, int rule_count, struct error *error);
void name_map_close(struct name_map *map);

// The file's tensor of that name in the model, or -1.
int name_map_find(const struct name_map *map, const char *name);

// The length of what wrappers put before every name (DataParallel's module., torch.compile's
// _orig_mod.): no model has it in its own names.
size_t name_map_wrapper(const struct weight_file *file);

#endif
