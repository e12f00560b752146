// From a set of parameters to the fewest names that say it.
#ifndef THAW_WORKBENCH_TREE_COVER_H
#define THAW_WORKBENCH_TREE_COVER_H

#include "base/text.h"
#include "model/freeze.h"

// What a command is about, for each parameter.
enum meant {
    MEANT_NOT,
    MEANT,       // with its module, or a weight or bias by itself
    MEANT_ALONE, // statistics that are named by themselves
    MEANT_EITHER // may be named or not: it is as the command would make it
};

// Appends "VERB A; VERB B" with as few modules and parameters as say exactly `meant`
// ([param_count]); "; " in front unless `t` is empty. Returns how many names.
int tree_cover(struct text *t, const struct model *model, const char *verb,
               const enum meant *meant);

// The same, but where it takes fewer names a module that is not wholly meant is named as well, and
// what is `back_meant` ([param_count]) in it is put right afterwards by `back`.
int tree_cover_around(struct text *t, const struct model *model, const char *verb,
                      const enum meant *meant, const char *back, const enum meant *back_meant);

#endif
