// What the files of the listing share among themselves.
#ifndef THAW_DATASETS_LISTING_PARTS_H
#define THAW_DATASETS_LISTING_PARTS_H

#include "datasets/listing.h"

bool listing_tree(struct listing *l, const char *path, struct error *error);
bool listing_csv(struct listing *l, const char *path, struct error *error);

// Takes ownership of path.
void listing_add(struct listing *l, char *path, int label, enum data_part part);

// "train", "val", "valid", "validation", "dev", "test"; false when it is none of them.
bool listing_part(const char *name, enum data_part *out);

bool listing_utf8(const char *text);

#endif
