// A network as a row of groups from the input to the head, for what goes block by block: what
// stands before the first block, each block with the layers behind it, and the head.
#ifndef THAW_GROUPS_H
#define THAW_GROUPS_H

#include "base/text.h"
#include "model.h"

struct groups {
    const struct model *model;
    int count;  // groups; the last one is the head
    int *group; // [param_count]: of each parameter, 0 .. count - 1
};

// The model must outlive it. Free with groups_close.
struct groups groups_of(const struct model *model);
void groups_close(struct groups *b);

// "thaw conv1; thaw bn1": a `word` for each module that makes up groups first .. last, in words
// that settings_apply takes, appended to out.
void groups_words(const struct groups *b, const char *word, int first, int last, struct text *out);

// "layer3.2": the first module that lies within a group; the model's.
const char *groups_name(const struct groups *b, int group);

#endif
