// The shifts that change labels.
#ifndef THAW_DATASETS_SHIFT_LABEL_H
#define THAW_DATASETS_SHIFT_LABEL_H

#include "datasets/shift.h"

// Reads "0 2 | 1 3", in quotes or not, into out.
bool shift_label_parse(const char *groups, struct shift *out, struct error *error);

// As shift_check, for regroup.
bool shift_label_check(const struct shift *s, const struct dataset *d, struct error *error);

// As shift_apply.
struct dataset *shift_label_relabel(struct dataset *d, uint64_t seed);
struct dataset *shift_label_regroup(struct dataset *d, const struct shift *s);

#endif
